"""K5 of what is asked for beforehand: each part that rating told has its document, and no document asks for another."""

from collections.abc import AsyncIterator

import asyncpg
import msgspec
import pytest

from services.billing.conservation.checks.k5_blocks import blocks
from shared.runtime.clock import from_us
from shared.values.ids import statement_id
from tests.conftest import TestDatabase
from tests.services.billing.conftest import Hear
from tests.services.billing.statements import statement_of

OCCASION = "commitment:annual:1"
_WHOLE = statement_of(final=True, amounts=(700,))
START = from_us(_WHOLE.period_start_us)
ASKED = msgspec.structs.replace(
    _WHOLE,
    statement_id=statement_id(_WHOLE.contract, START, OCCASION),
    occasion=OCCASION,
    lines=(msgspec.structs.replace(_WHOLE.lines[0], kind="commitment"),),
)


@pytest.fixture
async def admin(database: TestDatabase) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(database.admin_url)
    yield connection
    await connection.close()


async def told(admin: asyncpg.Connection, amount_minor: int = 700) -> None:
    """Let rating have told one of a block's two parts."""
    await admin.execute("set session_replication_role = replica")
    await admin.execute(
        """insert into rating.asked_beforehand (contract, period_start, occasion, kind, key, block_id, clause_id,
               clause_hash, due_at, start_date, end_date, amount_minor, whole_minor, number, parts, statement_id, said)
           values ($1, $2, $3, 'commitment', 'annual', 'blk', $4, 'hash', $2, '2013-01-01', '2013-12-31', $5, 1400, 1, 2,
               $6, '{}')""",
        ASKED.contract,
        START,
        OCCASION,
        ASKED.lines[0].clause_id,
        amount_minor,
        ASKED.statement_id,
    )


async def test_a_part_that_was_told_has_its_document(admin: asyncpg.Connection, hear: Hear) -> None:
    await told(admin)
    assert (await blocks(admin, None, drained=False)).breaks == (), "its message is under way"
    (lost,) = (await blocks(admin, None, drained=True)).breaks
    assert (lost.fault, lost.where.key["occasion"], lost.expected, lost.found) == (
        "part_differs",
        OCCASION,
        "700 of 1400",
        "no document",
    )
    await hear(ASKED)
    assert (await blocks(admin, None, drained=True)).breaks == ()


async def test_a_part_of_nothing_needs_none(admin: asyncpg.Connection) -> None:
    await told(admin, 0)
    assert (await blocks(admin, None, drained=True)).breaks == ()


async def test_a_document_of_what_was_not_asked_for_is_named(admin: asyncpg.Connection, hear: Hear) -> None:
    await hear(ASKED)
    (forged,) = (await blocks(admin, None, drained=False)).breaks
    assert (forged.fault, forged.where.key["occasion"], forged.expected) == (
        "part_differs",
        OCCASION,
        "nothing",
    )
    await told(admin, 699)
    (differs,) = (await blocks(admin, None, drained=False)).breaks
    assert differs.expected == "699 of 1400" and differs.found.startswith("700, less draws 700, in ")
