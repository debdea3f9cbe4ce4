"""The gate is asked without any limit: of each contract it says what it says of that contract alone. Lists
are cut, and say so."""

import asyncio
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import asyncpg
from hypothesis import given, settings
from hypothesis import strategies as st

from services.billing.conservation.answers.checked import ConservationAnswer
from services.billing.conservation.checks import facts
from services.billing.conservation.checks.listing import LISTED_MAX
from services.billing.conservation.clients import Auditor
from services.billing.conservation.domain.breaks import Break, Checked, K, Row
from services.billing.conservation.usecases.check import breaks_of, check_all
from services.billing.conservation.usecases.keep_exceptions import NAMED_MAX, keep_exceptions
from services.billing.conservation.usecases.watch import Monitor
from shared.db.unit_of_work import Database
from tests.conftest import TestDatabase
from tests.services.billing.conservation.conftest import Book

START, END = datetime(2025, 1, 1, 5, tzinfo=UTC), datetime(2025, 2, 1, 5, tzinfo=UTC)
MANY = LISTED_MAX + 50
FEW = st.sampled_from((0, 0, 0, 1, 3))


@dataclass(frozen=True)
class Harm:
    """How many breaks of each kind a contract has: segments (K4), lines that billing says otherwise (K5),
    events without a key (K3)."""

    segments: int
    lines: int
    unkeyed: int


Harms = st.lists(st.builds(Harm, FEW, FEW, FEW), min_size=1, max_size=5)


@settings(max_examples=12)
@given(
    harms=Harms,
    worst=st.sampled_from((Harm(MANY, 0, 0), Harm(0, MANY, 0), Harm(0, 0, MANY), Harm(MANY, MANY, 2))),
    asked=st.randoms(),
)
def test_of_any_set_of_contracts_the_gate_says_of_each_what_it_says_of_it_alone(
    book: Book, harms: list[Harm], worst: Harm, asked: object
) -> None:
    async def law() -> None:
        connection, transaction = await _vandal(book)
        try:
            places = [
                await _contract(connection, f"{number}-law", harm)
                for number, harm in enumerate([worst, *harms])
            ]
            some = asked.sample(places, asked.randint(1, len(places)))  # type: ignore[attr-defined]
            together = await breaks_of(connection, some)
            alone = {place: (await breaks_of(connection, [place])).get(place, []) for place in some}
            assert together == {place: breaks for place, breaks in alone.items() if breaks}
            for place, harm in zip(places, [worst, *harms], strict=True):
                if place in some:
                    assert {broken.k for broken in alone[place]} == _broken(harm), harm
        finally:
            await transaction.rollback()
            await connection.close()

    asyncio.run(law())


async def test_a_contract_with_very_many_breaks_does_not_hide_its_neighbour(
    vandal: asyncpg.Connection,
) -> None:
    await _contract(vandal, "a-law", Harm(MANY, 0, 0))
    # K4 of bolt, which comes after
    await vandal.execute("delete from rating.events where source = 'book' and id = 'bolt-1'")
    pairs = [
        ("a-law", START),
        *[
            (row["contract"], row["period_start"])
            for row in await vandal.fetch(
                "select contract, period_start from rating.statements where contract = 'bolt-2025' and final"
            )
        ],
    ]
    stopped = await breaks_of(vandal, pairs)
    assert set(stopped) == set(pairs), "bolt is not finalized"
    assert {broken.fault for broken in stopped[pairs[1]]} == {"segment_off"}
    assert len(stopped[pairs[0]]) == MANY + 1  # its line is not the sum of its segments either


async def test_a_list_of_breaks_is_cut_and_says_of_how_many(vandal: asyncpg.Connection) -> None:
    await _contract(vandal, "a-law", Harm(MANY, 0, 0))
    report = await check_all(vandal)
    said = ConservationAnswer.of(report).as_json()
    [quantity] = [statement for statement in said["statements"] if statement["k"] == "K4"]
    assert (
        (quantity["breaks_listed"], quantity["breaks_total"])
        == (LISTED_MAX + 1, MANY + 1)
        == (len(quantity["breaks"]), MANY + 1)
    )
    assert said["breaks_total"] - said["breaks_listed"] >= MANY - LISTED_MAX
    assert (await check_all(vandal, listed_max=None)).of(K.QUANTITY).more == 0


async def test_an_exception_is_not_resolved_because_the_list_was_too_short_for_it(
    database: TestDatabase,
) -> None:
    billing = Database(database.url("billing"), "billing")
    await billing.open()
    try:
        breaks = tuple(_break(n) for n in range(NAMED_MAX + 10))
        for checked in (_checked(breaks[-1:]), _checked(breaks), _checked(breaks[:NAMED_MAX], more=10)):
            async with billing.transaction() as uow:
                await keep_exceptions(uow, checked, START)
        open_ = await billing.pool.fetch("select reference from billing.exceptions where resolved_at is null")
        assert breaks[-1].reference in {row["reference"] for row in open_} and len(open_) == NAMED_MAX + 1
        async with billing.transaction() as uow:
            await keep_exceptions(uow, _checked(()), START)
        assert not await billing.pool.fetchval(
            "select count(*) from billing.exceptions where resolved_at is null"
        )
    finally:
        await billing.close()


async def test_a_look_whose_list_is_cut_verifies_nothing(database: TestDatabase) -> None:
    """Two partitions with a break each, the first with more than a list holds: what the list leaves out is
    found by the next look too."""
    admin, monitor = await asyncpg.connect(database.admin_url), Monitor(Auditor(database.url("u2c_auditor")))
    try:
        await admin.execute("insert into bus.topics (topic, partitions) values ('usage.raw', 2)")
        for partition, last in ((0, 2 * MANY), (1, 4)):
            await admin.execute(
                "insert into bus.heads (topic, partition, head) values ('usage.raw', $1, $2)", partition, last
            )
            await admin.execute(
                "insert into bus.positions (grp, topic, partition, position) values ('usage_ingest', 'usage.raw', $1, $2)",
                partition,
                last,
            )
            await admin.execute(  # every second message is in no batch
                """insert into bus.batches (batch_id, grp, topic, partition, from_offset, to_offset, new,
                    duplicate, conflict, void, dead, compacted)
                   select nextval('bus.batch_id'), 'usage_ingest', 'usage.raw', $1, n, n + 1, 1, 0, 0, 0, 0, 0
                   from generate_series(1, $2 - 1, 2) n""",
                partition,
                last,
            )
        for _ in range(2):
            await monitor.look()
            assert monitor.transport.breaks_total == MANY + 2 > len(monitor.transport.breaks)
    finally:
        await admin.close()


def test_one_place_says_where_events_and_aggregates_are_read() -> None:
    names = (
        *(facts.EVENTS, facts.DELTAS, facts.FOLD, facts.PACKED_HOURS, facts.PACKED_DAYS, facts.PACKED_ITEMS),
        *(facts.OLD_HOURS, facts.OLD_DAYS, facts.OLD_ITEMS),
    )
    folder = Path(facts.__file__).parent
    for path in sorted(folder.glob("*.py")):
        if path.name not in ("facts.py", "sabotage.py"):  # sabotage harms the tables themselves
            read = [
                name for name in names for word in ("from", "join") if f"{word} {name}" in path.read_text()
            ]
            assert not read, f"{path.name} reads {read} past facts.EVENTS and facts.AGGREGATES"


def _broken(harm: Harm) -> set[K]:
    found = {K.QUANTITY: harm.segments, K.MONEY: harm.lines, K.DISPOSITION: harm.unkeyed}
    return {k for k, breaks in found.items() if breaks}


async def _vandal(book: Book) -> tuple[asyncpg.Connection, asyncpg.transaction.Transaction]:
    connection = await asyncpg.connect(book.admin_url, server_settings={"timezone": "UTC"})
    transaction = connection.transaction(isolation="repeatable_read")
    await transaction.start()
    await connection.execute("set local session_replication_role = replica")
    return connection, transaction


async def _contract(connection: asyncpg.Connection, name: str, harm: Harm) -> tuple[str, datetime]:
    """A contract with one final period, heard and drafted, and harmed."""
    statement, customer = uuid4(), f"cus_{name}"
    segments = [
        {
            "start_us": _us(START),
            "end_us": _us(END),
            "group": {"g": str(n)},
            "quantity": "1",
            "allowance": "0",
            "priced": "1",
        }
        for n in range(harm.segments)
    ]
    lines = [
        {
            "line_id": "used",
            "key": "used",
            "kind": "usage",
            "meter": "calls",
            "amount_minor": 0,
            "quantity": "0",
            "segments": segments,
        }
    ]
    lines += [
        {"line_id": f"fee-{n}", "key": f"fee-{n}", "kind": "recurring", "amount_minor": 0, "quantity": "1"}
        for n in range(harm.lines)
    ]
    heard = [{**line, "quantity": "2"} if line["kind"] == "recurring" else line for line in lines]
    said, told = ({"contract_versions": [], "subtotal_minor": 0, "lines": found} for found in (lines, heard))
    await connection.execute(
        "insert into rating.customers (customer_id, external_id, name, legal_entity, timezone, revision, created_at) "
        "values ($1, $2, '', 'default', 'UTC', 1, now())",
        customer,
        name,
    )
    await connection.execute(
        "insert into rating.subjects (subject, customer_id, alias) values ($1, $2, false)", name, customer
    )
    await connection.execute(
        "insert into rating.contracts (contract, customer_id, revision) values ($1, $2, 1)", name, customer
    )
    await connection.execute(
        """insert into rating.periods (contract, period_start, period_end, start_date, end_date, whole_days,
            close_due_at, final, accept_until)
           values ($1, $2, $3, '2025-01-01', '2025-01-31', 31, $3, true, $3)""",
        name,
        START,
        END,
    )
    await connection.execute(
        """insert into rating.statements (contract, period_start, statement_id, revision, final, watermark,
            watermark_us, subtotal_minor, currency,
               said, known_version) values ($1, $2, $3, 1, true, '{}', 0, 0, 'USD', $4, 1)""",
        name,
        START,
        statement,
        json.dumps(said),
    )
    await connection.execute(
        """insert into billing.statements (statement_id, revision, contract, customer_id, period_start,
            period_end, occasion, final, watermark, said)
           values ($1, 1, $2, $3, $4, $5, 'period', true, '{}', $6)""",
        statement,
        name,
        customer,
        START,
        END,
        json.dumps(told),
    )
    await connection.execute(
        """insert into billing.documents (document_id, kind, contract, customer_id, customer, legal_entity,
            currency, timezone, period_start,
               period_end, start_date, end_date, occasion, complete, net_days, subtotal_minor, total_minor)
           values ($1, 'invoice', $2, $3, $2, 'default', 'USD', 'UTC', $4, $5, '2025-01-01', '2025-01-31',
               'period', true, 30, 0, 0)""",
        f"inv_{name}",
        name,
        customer,
        START,
        END,
    )
    await connection.execute(
        """insert into billing.document_statements (statement_id, document_id, contract, period_start,
            start_date, end_date, occasion, revision, final, watermark, watermark_us)
           values ($1, $2, $3, $4, '2025-01-01', '2025-01-31', 'period', 1, true, '{}', 0)""",
        statement,
        f"inv_{name}",
        name,
        START,
    )
    await connection.execute(
        """insert into rating.events (batch_id, seq, partition, received_at, key, source, id, type, subject,
            time, data)
           select 1000000, n, 0, now(), uuid_send(gen_random_uuid()), 'law', $1 || n, 'call', $1, $2, '{}'
               from generate_series(1, $3) n""",
        name,
        START,
        harm.unkeyed,
    )
    return name, START


def _us(moment: datetime) -> int:
    return int(moment.timestamp()) * 1_000_000


def _break(number: int) -> Break:
    return Break(
        K.TRANSPORT,
        "batch_row_missing",
        Row("bus.batches", {"from_offset": number}),
        "a batch",
        "none",
        "restore it",
    )


def _checked(breaks: tuple[Break, ...], more: int = 0) -> Checked:
    return Checked(K.TRANSPORT, {}, breaks, more=more)
