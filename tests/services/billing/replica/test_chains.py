"""Versions of a contract come one by one, in any order and with gaps, and from before as one whole chain."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import msgspec
import pytest
from alembic import command

from services.billing.replica import usecases
from services.billing.tracing.repository import versions_of
from shared.db.unit_of_work import Database
from shared.postgres.migrations import _config
from shared.replica.chains import INCOMPLETE
from shared.runtime.consumer import BatchCounts
from shared.topics.rating import CONTRACTS, ContractVersion, ContractVersionMessage
from shared.topics.registry import MESSAGE_MAX_BYTES
from tests.conftest import TestDatabase
from tests.services.billing.statements import NOW, batch_of
from u2c.deployment.state import ROOT

VERSIONS = ROOT / "services" / "billing" / "migrations" / "versions"
#: Billing's schema when a chain was one value.
BEFORE = f"{int(next(VERSIONS.glob('*_contract_versions.py')).stem[:4]) - 1:04}"


def version(number: int) -> ContractVersion:
    return ContractVersion(
        number, number * 1000, number * 1000, f"hash-{number}", {"lines": [{"key": f"line-{number}"}]}
    )


def single(number: int, of: int, revision: int | None = None) -> ContractVersionMessage:
    return ContractVersionMessage(
        "acme", revision or of, "cus_acme", "acme", chain=of, version=version(number)
    )


def whole(count: int, revision: int | None = None) -> ContractVersionMessage:
    """As messages were before."""
    return ContractVersionMessage(
        "acme", revision or count, "cus_acme", "acme", tuple(version(n) for n in range(1, count + 1))
    )


async def hear(db: Database, *messages: ContractVersionMessage) -> BatchCounts:
    async with db.transaction() as uow:
        return await usecases.hear_contracts(
            batch_of([CONTRACTS.decode(CONTRACTS.encode(m)) for m in messages], CONTRACTS.name), uow, NOW
        )


async def chain(db: Database) -> list[int]:
    async with db.transaction() as uow:
        return [each.version for each in await versions_of(uow.connection, "acme")]


async def open_gaps(db: Database) -> list[str]:
    rows = await db.pool.fetch(
        "select detail from billing.exceptions where kind = $1 and resolved_at is null", INCOMPLETE
    )
    return [row["detail"] for row in rows]


async def test_a_chain_counts_up_to_its_last_version_without_a_gap(db: Database) -> None:
    await hear(db, *(single(n, of=5) for n in (1, 2, 3, 5)))
    assert await chain(db) == [1, 2, 3]
    [detail] = await open_gaps(db)
    assert "of the 5 versions of acme the first 3 are here" in detail
    await hear(db, single(4, of=5))
    assert await chain(db) == [1, 2, 3, 4, 5] and await open_gaps(db) == []


async def test_a_chain_whose_end_is_missing_does_not_look_whole(db: Database) -> None:
    await hear(db, single(1, of=2))
    assert await chain(db) == [1] and len(await open_gaps(db)) == 1
    await hear(db, single(2, of=3), single(3, of=3))
    assert await chain(db) == [1, 2, 3] and await open_gaps(db) == []


async def test_order_and_repeats_change_nothing(db: Database) -> None:
    said = [single(n, of=n) for n in range(1, 6)]
    first = await hear(db, *reversed(said))
    assert (first.new, first.duplicate) == (5, 0)
    again = await hear(db, *said, *said)
    assert (again.new, again.duplicate) == (0, 10)
    assert await chain(db) == [1, 2, 3, 4, 5] and await open_gaps(db) == []


async def test_a_whole_chain_of_before_is_read_as_it_is_and_goes_on_by_single_versions(db: Database) -> None:
    assert (await hear(db, whole(2))).new == 1
    assert await chain(db) == [1, 2]
    assert (await hear(db, single(3, of=3), whole(1))).new == 1
    assert await chain(db) == [1, 2, 3] and await open_gaps(db) == []
    assert (await hear(db, *(single(n, of=3) for n in (1, 2, 3)))).new == 2, (
        "told again at the newest revision: the first two were older"
    )
    assert await chain(db) == [1, 2, 3]


async def test_a_thousand_versions_of_twelve_kilobytes_travel_and_are_known(db: Database) -> None:
    """As one message they were 12.5 MB, and brokers take 8."""
    terms = {"note": "x" * 12_000}
    said = [
        ContractVersionMessage(
            "acme", n, "cus_acme", "acme", chain=n, version=msgspec.structs.replace(version(n), terms=terms)
        )
        for n in range(1, 1001)
    ]
    assert (
        len(CONTRACTS.encode(ContractVersionMessage("acme", 1, "c", "a", tuple(m.said[0] for m in said))))
        > MESSAGE_MAX_BYTES
    )
    assert max(len(CONTRACTS.encode(message)) for message in said) < 13_000
    assert (
        len({CONTRACTS.record_key(message) for message in said}) == 1000
        and len({CONTRACTS.partition_key(message) for message in said}) == 1
    )
    assert (await hear(db, *said)).new == 1000
    assert len(await chain(db)) == 1000


@pytest.fixture
async def before(database: TestDatabase) -> AsyncIterator[asyncpg.Connection]:
    """Billing's schema as it was when a chain was one value."""
    await asyncio.to_thread(
        command.downgrade, _config("billing", database.url("billing"), database.secret), BEFORE
    )
    connection = await asyncpg.connect(database.url("billing"))
    yield connection
    await connection.close()


async def test_chains_stored_whole_are_taken_apart(before: Any, database: TestDatabase, db: Database) -> None:
    said = msgspec.json.encode(whole(3).versions).decode()
    await before.execute(
        "insert into billing.contracts (contract, revision, customer_id, customer, versions) values ('acme', 3, 'cus_acme', 'acme', $1)",
        said,
    )
    await asyncio.to_thread(
        command.upgrade, _config("billing", database.url("billing"), database.secret), "head"
    )
    assert await chain(db) == [1, 2, 3]
    assert (await hear(db, single(2, of=3))).new == 0, "what it has is not new"
    assert await db.pool.fetchval("select chain from billing.contracts where contract = 'acme'") == 3
