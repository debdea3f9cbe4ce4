"""A real book: nothing is named, every event is in the bucket where it belongs, and late usage is held and
listed."""

from collections import Counter
from decimal import Decimal

import asyncpg

from services.billing.conservation.answers.reconciled import TotalsAnswer
from services.billing.conservation.checks.k5_money import all_periods
from services.billing.conservation.domain.breaks import Checked, K, merged
from services.billing.conservation.domain.dispositions import Bucket
from services.billing.conservation.domain.filters import Drill, Narrow
from services.billing.conservation.domain.reconciled import Row, rows_of, totals_of
from services.billing.conservation.repository import reconciliation
from services.billing.conservation.usecases.check import breaks_of, check_all
from tests.services.billing.conservation.book import DAYS
from tests.services.billing.conservation.conftest import Book


async def test_nothing_is_named_on_a_clean_book(book: Book, auditor: asyncpg.Connection) -> None:
    report = await check_all(auditor)
    assert report.holds, report.breaks
    disposition = report.of(K.DISPOSITION).figures
    assert disposition["stored"] == disposition["new"] == book.sent.events
    assert disposition["voided"] == book.sent.voided
    assert disposition["held_late"] == book.sent.late_events + book.sent.late_alias_events
    assert disposition["unpriced"] == DAYS, "lite's contract has no line for calls"
    assert disposition["suspense"] == 3 * DAYS, (
        "bare has no contract, nobody is no customer, unheard.of has no meter"
    )
    assert disposition["applied"] == 2 * DAYS - 2, "acme's and bolt's calls, less a void each"
    assert report.of(K.QUANTITY).figures["segments"] > 0
    assert report.of(K.MONEY).figures["documents"] == 3
    assert report.of(K.DOOR).figures["received"] >= book.sent.events


async def test_every_contract_and_period_passes_the_gate(auditor: asyncpg.Connection) -> None:
    assert await breaks_of(auditor, await all_periods(auditor)) == {}


async def test_the_reconciliation_adds_up_by_row(book: Book, auditor: asyncpg.Connection) -> None:
    rows = await _rows(auditor, Narrow())
    totals = TotalsAnswer.of(totals_of(rows, await reconciliation.money(auditor, Narrow()))).as_json()
    assert totals["counts"]["stored"] == book.sent.events
    assert totals["suspense_reasons"] == {"no_customer": DAYS, "no_meter": DAYS, "no_contract": DAYS}
    assert totals["suspense"] == [{"currency": "USD", "amount": f"{0.5 * 2 * DAYS:.2f}"}], (
        "at list price: 0.50 a call"
    )
    assert totals["unvalued"]["suspense"] == DAYS, "unheard.of has no list price"
    assert totals["held_late"] == [
        {"currency": "USD", "amount": f"{0.5 * (book.sent.late_events + DAYS):.2f}"}
    ]
    settled, documented, unbilled = (
        Decimal(totals[what][0]["amount"]) for what in ("settled", "documented", "unbilled")
    )
    assert settled == documented + unbilled > 0 and [one["currency"] for one in totals["settled"]] == ["USD"]
    waiting = {(entry["place"], entry["reason"]): entry for entry in totals["waiting"]}
    assert {
        reason: (entry["owner"], entry["events"], entry["unvalued"])
        for (place, reason), entry in waiting.items()
        if place == "suspense"
    } == {
        "no_customer": ("integration engineer", DAYS, 0),
        "no_meter": ("integration engineer", DAYS, DAYS),
        "no_contract": ("account executive", DAYS, 0),
    }
    assert waiting["suspense", "no_contract"]["value"] == [{"currency": "USD", "amount": f"{0.5 * DAYS:.2f}"}]
    assert (
        waiting["held_late", "after_the_cut"]["owner"],
        waiting["held_late", "after_the_cut"]["value"],
    ) == ("finance", totals["held_late"])
    assert (
        sum(
            Decimal(entry["value"][0]["amount"])
            for (place, _), entry in waiting.items()
            if place == "unbilled"
        )
        == unbilled
    )


async def test_money_is_added_by_currency(auditor: asyncpg.Connection) -> None:
    checked = (await check_all(auditor)).of(K.MONEY)
    [of] = [checked.amounts["USD"]]
    assert (
        set(checked.amounts) == {"USD"}
        and of["settled"] == of["documented"] + of["waived"] + of["unbilled"] > 0
    )
    several = merged(
        [checked, Checked(K.MONEY, {"statements": 1}, (), {"JPY": {"settled": 7}, "USD": {"settled": 1}})]
    )
    assert several.amounts["JPY"] == {"settled": 7} and several.amounts["USD"]["settled"] == of["settled"] + 1
    assert several.figures["statements"] == checked.figures["statements"] + 1


async def test_a_customer_s_row_shows_quantities_and_money(auditor: asyncpg.Connection) -> None:
    [row] = [
        row
        for row in await _rows(auditor, Narrow(customer="bolt"))
        if f"{row.usage.month:%Y-%m}" == "2025-01"
    ]
    assert row.counts[Bucket.APPLIED] == DAYS - 1 and row.quantities
    assert row.quantities["bytes"] == {
        Bucket.APPLIED: sum(10 + day for day in range(DAYS)) - 14,
        Bucket.VOIDED: 14,
        Bucket.HELD_LATE: 500,
    }
    january = (await reconciliation.money(auditor, Narrow(customer="bolt")))[0]
    assert (january.final, january.settled, january.unbilled.minor) == (True, january.documented, 0)


async def test_held_late_lists_late_events_late_voids_and_those_of_a_late_alias(
    book: Book, auditor: asyncpg.Connection
) -> None:
    found = await reconciliation.events(auditor, Narrow(), Drill(bucket="held_late"), 1000)
    kinds = Counter((event.held_kind, event.subject) for event in found)
    assert kinds == {
        (None, "acme"): 1,
        (None, "bolt"): 1,
        (None, "acme-labs"): DAYS,
        ("void", "acme"): book.sent.late_voids,
    }
    assert {event.periods[0].contract for event in found} == {"acme-2025", "bolt-2025"}
    [held_void] = [event for event in found if event.held_kind == "void"]
    assert (held_void.id, held_void.bucket) == ("acme-5", "applied"), (
        "a late void leaves its event applied and is itself held"
    )


async def test_a_bucket_is_read_page_by_page(auditor: asyncpg.Connection) -> None:
    drill, seen = Drill(bucket="suspense", reason="no_customer"), []
    while page := await reconciliation.events(auditor, Narrow(customer="nobody"), drill, 7):
        seen += [event.id for event in page]
        last = page[-1]
        drill = Drill(bucket="suspense", reason="no_customer", after=(last.time, last.batch_id, last.seq))
    assert seen == [f"nobody-{day}" for day in range(DAYS)]


async def _rows(connection: asyncpg.Connection, narrow: Narrow) -> list[Row]:
    return rows_of(
        await reconciliation.counts(connection, narrow), await reconciliation.quantities(connection, narrow)
    )
