"""What documents settle is kept once, however often and in whatever order they come, and of an old book once billing has
told them again."""

import asyncio
import random
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from typing import Any

import asyncpg
import msgspec
from alembic import command

from services.signals.domain.stake import of_all
from services.signals.replica.repository.settled import SettledRepository
from shared.postgres.migrations import _config
from shared.runtime.retelling import BEGIN, UNDONE
from shared.topics.billing import DOCUMENTS, DocumentMessage
from shared.topics.rating import CUSTOMERS, CustomerMessage
from shared.values.period import add_months
from tests.conftest import TestDatabase
from tests.services.signals.conftest import Start
from tests.services.signals.deployment import Signals
from tests.services.signals.settling import document, line

YEAR = date(2024, 1, 1)


async def settled(signals: Signals, day: date, *customers: str) -> dict[str, Mapping[str, int] | None]:
    async with signals.context.db.transaction() as uow:
        found = await SettledRepository(uow.connection).settled_of(customers or ("cus_acme",), day)
    return {customer: None if stake is None else of_all(stake) for customer, stake in found.items()}


async def test_a_year_is_the_periods_that_ended_in_it_as_last_corrected(signals: Signals) -> None:
    months = [document(f"inv_{n}", add_months(YEAR, n), line(1_000 + n)) for n in range(14)]
    await signals.say(DOCUMENTS, "acme-2024", *months)
    assert await settled(signals, date(2025, 1, 1)) == {"cus_acme": {"USD": sum(range(1_000, 1_012))}}
    assert await settled(signals, date(2025, 1, 31)) == {"cus_acme": {"USD": sum(range(1_000, 1_012))}}
    assert await settled(signals, date(2025, 2, 1)) == {"cus_acme": {"USD": sum(range(1_001, 1_013))}}
    await signals.say(
        DOCUMENTS,
        "acme-2024",
        document("note_1", YEAR, line(250), kind="debit_note", occasion="note:1", corrects="inv_0"),
        document("note_2", YEAR, line(-700), kind="credit_note", occasion="note:2", corrects="inv_0"),
        document("pre_1", YEAR, line(99_000), kind="prepayment", occasion="prepayment:b"),
        document("eur", YEAR, line(5), currency="EUR", contract="acme-eu"),
    )
    assert await settled(signals, date(2025, 1, 1), "cus_acme", "cus_none") == {
        "cus_acme": {"USD": sum(range(1_000, 1_012)) - 450, "EUR": 5},
        "cus_none": {},
    }


async def test_a_fee_of_a_year_is_at_stake_in_full_until_the_year_after_is_over(signals: Signals) -> None:
    """By days, a 365th of it would be left on the day before the renewal; nothing of it is before its document's period ends."""
    first = document("year_1", YEAR, line(1_200_000, "recurring"), months=12)
    second = document("year_2", date(2025, 1, 1), line(1_300_000, "recurring"), months=12)
    await signals.say(DOCUMENTS, "acme-2024", first, second)
    for day, minor in (
        (date(2025, 1, 1), 1_200_000),
        (date(2025, 7, 1), 1_200_000),
        (date(2025, 12, 31), 1_200_000),
        (date(2026, 1, 1), 1_300_000),
        (date(2026, 12, 31), 1_300_000),
    ):
        assert await settled(signals, day) == {"cus_acme": {"USD": minor}}, day
    assert await settled(signals, date(2024, 12, 31)) == {"cus_acme": {}}
    assert await settled(signals, date(2027, 1, 1)) == {"cus_acme": {}}, "it left"


async def test_what_was_settled_is_shown_by_period_with_the_documents_that_say_so(signals: Signals) -> None:
    await signals.say(CUSTOMERS, "cus_acme", CustomerMessage("cus_acme", 1, "acme", "Acme", (), "us", "UTC"))
    await signals.move_clock(datetime(2025, 1, 20, 12, tzinfo=UTC))
    await signals.say(
        DOCUMENTS,
        "acme-2024",
        document("inv_1", date(2024, 11, 1), line(1_000), line(70, "shortfall"), line(9_000, "one_off")),
        document(
            "note_1", date(2024, 11, 1), line(-200), kind="credit_note", occasion="note:1", corrects="inv_1"
        ),
        document("inv_2", date(2024, 12, 1), line(500)),
        document("yen", date(2024, 12, 1), line(7), currency="JPY", contract="acme-jp"),
        document("old", date(2023, 12, 1), line(5)),
    )
    path = "/v1/customers/acme/settled"
    shown = await signals.get(path)
    assert (shown["since"], shown["until"]) == ("2024-01-20", "2025-01-20")
    assert shown["settled"] == [
        {"currency": "JPY", "amount": "7"},
        {"currency": "USD", "amount": "13.70"},
    ]
    assert [
        (row["contract"], row["start"], row["end"], row["amount"], row["shortfall"], row["documents"])
        for row in shown["periods"]
    ] == [
        ("acme-2024", "2024-12-01", "2024-12-31", "5.00", "0.00", ["inv_2"]),
        ("acme-jp", "2024-12-01", "2024-12-31", "7", "0", ["yen"]),
        ("acme-2024", "2024-11-01", "2024-11-30", "8.00", "0.70", ["inv_1", "note_1"]),
    ]
    assert (await signals.get(path, since="2023-12-01", until="2024-01-01"))["settled"] == [
        {"currency": "USD", "amount": "0.05"}
    ]
    refused = await signals.get(path, status=422, since="2020-01-01", until="2025-01-01")
    assert refused["code"] == "span_too_long" and "400 days" in refused["detail"]
    assert (await signals.get("/v1/customers/nobody/settled", status=404))["code"] == "customer_not_found"
    await signals.context.db.pool.execute(
        "update signals.documents set awaited = true where document_id = 'old'"
    )
    assert (await signals.get(path))["settled"] is None, "something may be missing"


async def test_any_order_and_any_number_of_times_comes_to_the_same(signals: Signals) -> None:
    """Batches of one to five messages, drafts among them, each document said one to three times."""
    chance = random.Random(16)
    for round_number in range(6):
        told = list(_random_documents(chance, f"r{round_number}"))
        expected: Counter[tuple[str, str]] = Counter()
        for one in told:
            if one.kind != "commitment":
                expected[one.customer_id, one.currency] += sum(
                    said.amount_minor - sum(d.amount_minor for d in said.draws if d.kind == "promotional")
                    for said in one.lines
                    if said.kind != "one_off"
                )
        said = [one for one in told for _ in range(chance.randint(1, 3))]
        said += [msgspec.structs.replace(one, status="draft", number=None) for one in told]
        chance.shuffle(said)
        while said:
            batch = [said.pop() for _ in range(min(len(said), chance.randint(1, 5)))]
            await signals.say(DOCUMENTS, "acme-2024", *batch)
        customers = sorted({one.customer_id for one in told})
        found = await settled(signals, date(2025, 1, 1), *customers)
        assert {
            (customer, code): minor for customer, by in found.items() for code, minor in (by or {}).items()
        } == {place: minor for place, minor in expected.items() if place in expected}


def _random_documents(chance: random.Random, prefix: str) -> Iterator[DocumentMessage]:
    for number in range(12):
        kind = chance.choice(["invoice", "invoice", "debit_note", "credit_note", "commitment"])
        sign = -1 if kind == "credit_note" else 1
        lines = [
            line(
                sign * chance.randint(0, 9_999),
                chance.choice(["usage", "recurring", "one_off"]),
                key=f"k{n}",
                draws=chance.choice([{}, {"promotional": 7}, {"prepaid": 11}]),
            )
            for n in range(chance.randint(1, 4))
        ]
        who, code = chance.choice(["a", "b"]), chance.choice(["USD", "EUR"])
        over: dict[str, Any] = {
            "customer_id": f"{prefix}_{who}",
            "currency": code,
            "contract": f"{prefix}_{who}",
        }
        yield document(f"{prefix}_{number}", add_months(YEAR, number), *lines, kind=kind, **over)


async def test_of_an_old_book_nothing_is_said_until_all_of_it_is_told_again(
    database: TestDatabase, start: Start
) -> None:
    """A document was told as a fact before money was kept. Billing, migrated too, begins to tell its documents again; the
    sum is unknown until the last of them is here, and no fact is told twice."""
    first, second = (document(f"inv_{n}", add_months(YEAR, n), line(1_000)) for n in range(2))
    prepaid = document("pre_1", YEAR, line(5), kind="prepayment")
    async with start() as signals:
        await signals.say(DOCUMENTS, "acme-2024", first, second, prepaid)
        told = (await signals.get("/v1/signals", type="invoice.finalized"))["data"]
    await _downgraded_and_migrated(database)
    async with start() as signals:
        assert await settled(signals, date(2025, 1, 1), "cus_acme", "cus_b") == {
            "cus_acme": None,
            "cus_b": {},
        }
        await signals.say(DOCUMENTS, "acme-2024", msgspec.structs.replace(first, revision=0), prepaid)
        assert await settled(signals, date(2025, 1, 1)) == {"cus_acme": None}
        await signals.say(DOCUMENTS, "acme-2024", second, second)
        assert await settled(signals, date(2025, 1, 1)) == {"cus_acme": {"USD": 2_000}}
        assert (await signals.get("/v1/signals", type="invoice.finalized"))["data"] == told


async def _downgraded_and_migrated(database: TestDatabase) -> None:
    """As a deployment of before, in which billing has told everything again once, that is migrated."""
    of_signals, of_billing = (
        _config(name, database.url(name), database.secret) for name in ("signals", "billing")
    )
    await asyncio.to_thread(command.downgrade, of_signals, "0017")
    await asyncio.to_thread(command.downgrade, of_billing, "0028")
    billing = await asyncpg.connect(database.url("billing"))
    await billing.execute(
        "insert into billing.retold (topic, done_at) values ('billing.documents', now()), ('other', now())"
    )
    await asyncio.to_thread(command.upgrade, of_signals, "head")
    await asyncio.to_thread(command.upgrade, of_billing, "head")
    topics = ["billing.documents", "other"]
    await billing.execute(BEGIN.format(schema="billing"), topics)
    undone = await billing.fetch(UNDONE.format(schema="billing"), topics)
    assert [row["topic"] for row in undone] == ["billing.documents"], "the job `retelling` begins it again"
    await billing.close()
