"""A final statement becomes exactly one numbered document, whoever tries, whatever is in the way of
others."""

import asyncio
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence

import asyncpg
import msgspec
import pytest

from services.billing.conservation.clients import Auditor
from services.billing.documents.domain.filters import DocumentFilter
from services.billing.finalization.domain.drafts import CONTRACT_PERIOD, Obstacle
from services.billing.finalization.usecases import finalize
from services.billing.finalization.usecases.ask_conservation import ConservationGate
from services.billing.finalization.usecases.finalize import finalize_due
from shared.db.unit_of_work import Database
from shared.topics.billing import DOCUMENTS
from tests.conftest import TestDatabase
from tests.services.billing.conftest import Hear
from tests.services.billing.gates import Broken, OpenGate
from tests.services.billing.reading import list_documents, nothing_due
from tests.services.billing.statements import NOW, ZONE, customer_of, statement_of
from u2c.deployment.state import ROOT


async def numbers(db: Database) -> list[str]:
    return [
        row["number"]
        for row in await db.pool.fetch(
            "select number from billing.documents where number is not null order by number"
        )
    ]


async def test_a_final_statement_becomes_an_invoice_and_a_draft_stays_one(
    db: Database, hear: Hear, hear_customers: Hear
) -> None:
    await hear_customers()
    await hear(statement_of(final=True), statement_of(month=2))
    assert not await nothing_due(db)
    assert await finalize_due(db, OpenGate(), NOW, ZONE) == 1
    assert await nothing_due(db)
    february, january = sorted(
        await list_documents(db, DocumentFilter(), None, 10), key=lambda document: document.status
    )
    assert (january.status, january.number, january.customer_name) == (
        "finalized",
        "DEFAULT-2013-000001",
        "United Air Lines",
    )
    assert (str(january.issued_on), str(january.due_on)) == ("2013-02-04", "2013-03-06")
    assert [line.amount_minor for line in january.lines] == [2_500_000, 61_155_000]
    assert (february.status, february.number) == ("draft", None)


async def test_twenty_workers_at_once_finalize_each_draft_once_and_leave_no_gap(
    db: Database, hear: Hear, hear_customers: Hear
) -> None:
    await hear_customers(*(customer_of(f"C{n}", f"Customer {n}") for n in range(230)))
    await hear(
        *(
            statement_of(
                f"contract-{n}", f"C{n}", final=True, amounts=(n,), legal_entity="eu" if n % 7 == 0 else "us"
            )
            for n in range(230)
        )
    )
    done = await asyncio.gather(*(finalize_due(db, OpenGate(), NOW, ZONE) for _ in range(20)))
    eu = len(range(0, 230, 7))
    assert sum(done) == 230
    assert await numbers(db) == [f"EU-2013-{n:06}" for n in range(1, eu + 1)] + [
        f"US-2013-{n:06}" for n in range(1, 230 - eu + 1)
    ]
    assert await db.pool.fetchval("select count(*) from billing.journal_entries") == 230
    told = [DOCUMENTS.decode(row["value"]) for row in await db.pool.fetch("select value from billing.outbox")]
    assert len(told) == 230 and {message.number for message in told} == set(await numbers(db))


async def test_a_break_holds_its_contract_only_and_is_an_exception_until_it_is_mended(
    db: Database, hear: Hear, hear_customers: Hear
) -> None:
    await hear_customers(customer_of(), customer_of("AA", "American"))
    await hear(statement_of(final=True), statement_of("aa-2013", "AA", final=True))
    assert await finalize_due(db, Broken("ua-2013"), NOW, ZONE) == 1
    assert await nothing_due(db)  # held is not due
    (opened,) = await db.pool.fetch("select * from billing.exceptions")
    assert (opened["kind"], opened["reference"], opened["owner"]) == (
        "conservation_k4",
        "ua-2013:2013-01-01",
        "rating",
    )
    assert (opened["amount_minor"], opened["currency"]) == (63_655_000, "USD") and opened["deadline_at"] > NOW
    await db.pool.execute(
        "update billing.documents set held_until = clock_timestamp() where held_until is not null"
    )
    assert await finalize_due(db, OpenGate(), NOW, ZONE) == 1
    assert await db.pool.fetchval("select count(*) from billing.exceptions where resolved_at is null") == 0
    assert await numbers(db) == ["DEFAULT-2013-000001", "DEFAULT-2013-000002"]


async def test_a_document_that_the_database_refuses_is_held_and_never_the_run(
    db: Database, hear: Hear, hear_customers: Hear
) -> None:
    """Two lines of one name: no gate sees it, and no table of history takes it."""
    twice = statement_of("b", final=True, amounts=(1, 2))
    (line, other) = twice.lines
    lines = (line, msgspec.structs.replace(other, line_id=line.line_id))
    await hear_customers()
    await hear(
        *(statement_of(name, final=True, amounts=(5,)) for name in ("a", "c", "d")),
        msgspec.structs.replace(twice, lines=lines),
    )
    assert await finalize_due(db, OpenGate(), NOW, ZONE) == 3
    assert await numbers(db) == [f"DEFAULT-2013-{n:06}" for n in (1, 2, 3)], "and leaves no gap"
    (opened,) = await db.pool.fetch("select * from billing.exceptions where resolved_at is null")
    assert (opened["kind"], opened["reference"]) == ("document_refused", "b:2013-01-01")
    assert "document_lines_line" in opened["detail"]
    assert await nothing_due(db), "it is held"


async def test_what_is_held_keeps_nobody_else_from_his_turn(
    db: Database, hear: Hear, hear_customers: Hear, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The gate takes so long that what was held first is due again by then, and more are held than it looks at at once."""
    monkeypatch.setattr(finalize, "LOOKED_AT_MAX", 1)
    looked_at: list[str] = []

    class Slow(Broken):
        async def obstacles(
            self, contract_periods: Sequence[CONTRACT_PERIOD]
        ) -> Mapping[CONTRACT_PERIOD, Sequence[Obstacle]]:
            looked_at.extend(contract for contract, _ in contract_periods)
            if len(looked_at) < 8:
                await db.pool.execute(
                    """update billing.documents set held_until = held_until - interval '1 minute'
                       where held_until is not null and contract <> $1""",
                    looked_at[-1],
                )
            return await super().obstacles(contract_periods)

    await hear_customers()
    await hear(*(statement_of(name, final=True) for name in ("a", "b", "c")))
    assert await finalize_due(db, Slow("a", "b"), NOW, ZONE) == 1
    assert looked_at[:3] == ["a", "b", "c"] and set(looked_at[3:]) == {"a", "b"}
    turns = looked_at[3:7]
    assert turns == ["a", "b", "a", "b"], "and each of these has its turn"


async def test_conservation_stands_at_the_gate(
    db: Database, database: TestDatabase, hear: Hear, hear_customers: Hear
) -> None:
    """Rating never settled this statement, so the money of this contract and period does not hold (K5)."""
    await hear_customers()
    await hear(statement_of(final=True))
    assert await finalize_due(db, ConservationGate(Auditor(database.url("u2c_auditor"))), NOW, ZONE) == 0
    kinds = {
        row["kind"]: row["owner"]
        for row in await db.pool.fetch("select kind, owner from billing.exceptions where resolved_at is null")
    }
    assert kinds["conservation_k5"] == "finance"


async def test_a_failed_look_up_holds_that_invoice_and_never_the_run(
    db: Database, hear: Hear, hear_customers: Hear
) -> None:
    await hear_customers(customer_of("AA", "American"))
    await hear(statement_of(final=True), statement_of("aa-2013", "AA", final=True))
    assert await finalize_due(db, OpenGate(), NOW, ZONE) == 1
    assert (
        await db.pool.fetchval("select kind from billing.exceptions where resolved_at is null")
        == "customer_unknown"
    )


async def test_lines_that_do_not_sum_are_never_issued(db: Database, hear: Hear, hear_customers: Hear) -> None:
    await hear_customers()
    await hear(statement_of(final=True, subtotal_minor=1))
    assert await finalize_due(db, OpenGate(), NOW, ZONE) == 0
    assert await db.pool.fetchval("select kind from billing.exceptions") == "lines_do_not_sum"


async def test_a_zero_invoice_is_issued_unless_the_contract_skips_it(
    db: Database, hear: Hear, hear_customers: Hear
) -> None:
    await hear_customers()
    await hear(
        statement_of(final=True, amounts=(0,)),
        statement_of("skips", final=True, amounts=(0,), skip_zero_invoices=True),
        statement_of("empty", final=True, amounts=()),
    )
    assert await finalize_due(db, OpenGate(), NOW, ZONE) == 3
    issued = await list_documents(db, DocumentFilter(), None, 10)
    assert {(document.contract, document.total_minor) for document in issued} == {
        ("ua-2013", 0),
        ("empty", 0),
    }
    assert await numbers(db) == ["DEFAULT-2013-000001", "DEFAULT-2013-000002"]
    assert await db.pool.fetchval("select count(*) from billing.journal_entries") == 2
    assert await db.pool.fetchval("select count(*) from billing.journal_postings") == 0


async def test_every_entry_balances_and_books_each_line_to_its_account(
    db: Database, hear: Hear, hear_customers: Hear
) -> None:
    await hear_customers()
    fee = statement_of("fee", final=True, amounts=(500, -300, 0))
    await hear(fee)
    await finalize_due(db, OpenGate(), NOW, ZONE)
    rows = await db.pool.fetch(
        "select account, amount_minor, line_id from billing.journal_postings order by position"
    )
    assert [tuple(row) for row in rows] == [
        ("receivable", 200, None),
        ("revenue.usage", -500, fee.lines[0].line_id),
        ("revenue.usage", 300, fee.lines[1].line_id),
    ]


CHANGES = (
    "update billing.documents set total_minor = 1",
    "update billing.documents set status = 'draft'",
    "delete from billing.documents",
    "update billing.document_lines set amount_minor = 1",
    "delete from billing.document_lines",
    """insert into billing.document_lines
       select (jsonb_populate_record(line, '{"position": 99, "line_id": "x"}')).* from billing.document_lines line limit 1""",
    "update billing.document_statements set revision = 9",
    "delete from billing.document_statements",
    """insert into billing.document_statements
       select (jsonb_populate_record(source, jsonb_build_object('statement_id', gen_random_uuid(), 'occasion', 'x'))).*
       from billing.document_statements source limit 1""",
    "truncate billing.document_statements",
    "update billing.journal_entries set posted_on = '2020-01-01'",
    "delete from billing.journal_entries",
    "update billing.journal_postings set amount_minor = 1",
    "delete from billing.journal_postings",
    "truncate billing.journal_postings",
    "truncate billing.documents cascade",
)


async def test_history_refuses_to_be_changed_by_the_service_itself(
    db: Database, hear: Hear, hear_customers: Hear
) -> None:
    await hear_customers()
    await hear(statement_of(final=True))
    await finalize_due(db, OpenGate(), NOW, ZONE)
    assert {change: await refusal(db, change) for change in CHANGES} == dict.fromkeys(CHANGES, "U2C04")


async def test_no_statement_of_a_draft_is_moved_onto_a_finalized_document(
    db: Database, hear: Hear, hear_customers: Hear
) -> None:
    await hear_customers()
    await hear(statement_of(final=True), statement_of("open"))
    await finalize_due(db, OpenGate(), NOW, ZONE)
    moved = """update billing.document_statements set document_id = (
        select document_id from billing.documents where status = 'finalized')
        where document_id = (select document_id from billing.documents where status = 'draft')"""
    assert await refusal(db, moved) == "U2C04"


async def refusal(db: Database, change: str) -> str | None:
    """The SQLSTATE with which a change is refused; None when it is not."""
    try:
        await db.pool.execute(change)
    except asyncpg.PostgresError as refused:
        return refused.sqlstate
    return None


async def test_an_entry_that_does_not_balance_is_refused(
    db: Database, hear: Hear, hear_customers: Hear
) -> None:
    await hear_customers()
    await hear(statement_of(final=True))
    await finalize_due(db, OpenGate(), NOW, ZONE)
    entry = await db.pool.fetchval("select entry_id from billing.journal_entries")
    with pytest.raises(asyncpg.PostgresError) as refused:
        await db.pool.execute(
            "insert into billing.journal_postings values ($1, 99, 'receivable', 1, 'USD')", entry
        )
    assert refused.value.sqlstate == "U2C05" and "off by 1 minor units of USD" in str(refused.value)


async def test_a_year_has_a_series_of_its_own_by_the_entitys_local_date(
    db: Database, hear: Hear, hear_customers: Hear
) -> None:
    await hear_customers()
    await hear(statement_of(month=11, final=True))
    new_years_eve = NOW.replace(year=2014, month=1, day=1, hour=3)  # still 2013 in New York
    await finalize_due(db, OpenGate(), new_years_eve, ZONE)
    await hear(statement_of(month=12, final=True))
    await finalize_due(db, OpenGate(), new_years_eve.replace(hour=6), ZONE)
    assert await numbers(db) == ["DEFAULT-2013-000001", "DEFAULT-2014-000001"]


WORKER = """
import asyncio, sys
from services.billing.finalization.usecases.finalize import finalize_due
from shared.db.unit_of_work import Database
from tests.services.billing.gates import Broken, OpenGate
from tests.services.billing.reading import list_documents, nothing_due
from tests.services.billing.statements import NOW, ZONE

async def main():
    db = Database(sys.argv[1], "billing")
    await db.open()
    await finalize_due(db, OpenGate(), NOW, ZONE)

asyncio.run(main())
"""


async def test_a_death_between_number_and_commit_leaves_no_gap(
    db: Database,
    database: TestDatabase,
    hear: Hear,
    hear_customers: Hear,
) -> None:
    await hear_customers()
    await hear(*(statement_of(f"contract-{n}", final=True) for n in range(250)))

    def killed(at: int) -> int:
        return subprocess.run(
            [sys.executable, "-c", WORKER, database.url("billing")],
            cwd=ROOT,
            timeout=60,
            env={"U2C_FAILPOINT": f"billing.after_number:{at}", "PATH": ""},
        ).returncode

    for at in (1, 2):
        assert await asyncio.to_thread(killed, at) == -signal.SIGKILL
    assert await db.pool.fetchval("select count(*) from billing.documents where status = 'finalized'") == 100
    await finalize_due(db, OpenGate(), NOW, ZONE)
    assert await numbers(db) == [f"DEFAULT-2013-{n:06}" for n in range(1, 251)]
