"""What comes after a final statement corrects it at the contract's next close: the statement stays, and a note asks for
the difference."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import asyncpg
import pytest

from services.billing.conservation.checks.k3_disposition import disposition
from services.billing.conservation.checks.k4_quantity import quantities_of
from services.billing.conservation.checks.k5_blocks import draws_of
from services.rating.snapshots import statements
from services.rating.statements.rows import DuePeriod
from services.rating.statements.usecases import close_periods
from shared.db.published import until_published
from shared.topics.rating import STATEMENTS
from tests.services.rating.deployment import Deployment, event, terms, utc, void

NOON = utc("2024-01-10T12:00:00")
JANUARY_CLOSED, FEBRUARY_CLOSED, MARCH_CLOSED = (
    utc("2024-02-04T00:00:00"),
    utc("2024-03-04T00:00:00"),
    utc("2024-04-04T00:00:00"),
)
JANUARY = utc("2024-01-01T00:00:00")


async def january_of_three_calls(rating: Deployment, **more: Any) -> None:
    """acme made three calls of January at 2.00, and January is final."""
    await rating.customer("acme")
    await rating.meter("calls")
    await rating.apply(terms("acme-1", "acme", **more))
    await rating.send(*(event(f"e{n}", "acme", NOON) for n in range(3)))
    await rating.settled()
    await rating.advance(JANUARY_CLOSED)


async def notes(rating: Deployment) -> list[tuple[str, str, int, list[tuple[int, str, str | None]]]]:
    """(start of the period, occasion, subtotal of the whole, lines asked for) of each correction that was told."""
    return [
        (
            said.period_start_date,
            said.occasion,
            said.subtotal_minor,
            [
                (line.amount_minor, str(line.quantity), line.corrects.occasion if line.corrects else None)
                for line in said.asked
            ],
        )
        for said in await rating.said()
        if said.is_correction
    ]


async def balance(auditor: asyncpg.Connection, *contracts: str) -> dict[str, int]:
    """K3's figures without the empty buckets; neither K3 nor K4 of these contracts' Januaries has a break."""
    checked = await disposition(auditor, None)
    quantities = await quantities_of(auditor, [(contract, JANUARY) for contract in contracts], None)
    assert checked.holds and quantities.holds, (checked.breaks, quantities.breaks)
    return {name: count for name, count in checked.figures.items() if count}


async def test_late_usage_is_asked_for_at_the_next_close(
    rating: Deployment, auditor: asyncpg.Connection
) -> None:
    await january_of_three_calls(rating)
    final = await rating.stored("acme-1", "2024-01-01")
    await rating.send(event("late-1", "acme", NOON), event("late-2", "acme", NOON))
    await rating.settled()
    assert await balance(auditor, "acme-1") == {"stored": 5, "new": 5, "applied": 3, "held_late": 2}
    assert await notes(rating) == []
    await rating.advance(FEBRUARY_CLOSED)
    assert await notes(rating) == [("2024-01-01", "note:1", 1000, [(400, "2", "period")])]
    assert await balance(auditor, "acme-1") == {"stored": 5, "new": 5, "applied": 5}
    assert await rating.stored("acme-1", "2024-01-01") == final, "a final statement never changes"


async def test_a_void_is_taken_back_from_the_newest_document_first(
    rating: Deployment, auditor: asyncpg.Connection
) -> None:
    await january_of_three_calls(rating)
    await rating.send(event("late", "acme", NOON))
    await rating.advance(FEBRUARY_CLOSED)
    await rating.send(void("e0"), void("e1"), void("late"))
    await rating.advance(MARCH_CLOSED)
    assert await notes(rating) == [
        ("2024-01-01", "note:1", 800, [(200, "1", "period")]),
        ("2024-01-01", "note:2", 200, [(-200, "-3", "note:1"), (-400, "0", "period")]),
    ]
    assert await balance(auditor, "acme-1") == {"stored": 4, "new": 4, "applied": 1, "voided": 3}


DEARER = [{"key": "calls", "kind": "usage", "meter": "calls", "price": {"model": "per_unit", "unit": "2.50"}}]


async def amended(
    rating: Deployment, status: int, effective: str, corrects_final: bool | None = None, unit: str = "2.50"
) -> Any:
    """acme-1 at 2.50 a call from a day on."""
    lines = [{**DEARER[0], "price": {"model": "per_unit", "unit": unit}}]
    answer = await rating.client.post(
        "/v1/contracts",
        json=terms("acme-1", "acme", effective=effective, lines=lines),
        params={} if corrects_final is None else {"corrects_final": corrects_final},
    )
    assert answer.status_code == status, answer.text
    return answer.json()


async def test_a_version_that_reaches_into_final_periods_is_refused_with_what_would_follow(
    rating: Deployment,
) -> None:
    await january_of_three_calls(rating)
    await rating.send(event("feb", "acme", utc("2024-02-10T00:00:00")))
    await rating.advance(FEBRUARY_CLOSED)
    before = (await rating.client.get("/v1/contracts/acme-1")).json()
    refused = await amended(rating, 409, "2024-01-01")
    assert refused["code"] == "reaches_final_periods" and "corrects_final=true" in refused["detail"]
    assert [
        (one["period"]["start"], [(line["before"], line["after"]) for line in one["lines"]], one["documents"])
        for one in refused["errors"]
    ] == [
        ("2024-01-01", [("6.00", "7.50")], [{"kind": "debit_note", "total": "1.50"}]),
        ("2024-02-01", [("2.00", "2.50")], [{"kind": "debit_note", "total": "0.50"}]),
    ]
    assert (await rating.client.get("/v1/contracts/acme-1")).json() == before, "nothing is recorded"
    assert await rating.context.db.pool.fetchval("select count(*) from rating.correction_marks") == 0
    assert (await amended(rating, 201, "2024-03-01", None))["version"] == 2, "it reaches into no final period"


async def test_a_version_that_corrects_final_periods_does_so_at_the_next_close(
    rating: Deployment, auditor: asyncpg.Connection
) -> None:
    await january_of_three_calls(rating)
    await amended(rating, 201, "2024-01-01", True)
    assert await notes(rating) == []
    await rating.advance(FEBRUARY_CLOSED)
    assert await notes(rating) == [("2024-01-01", "note:1", 750, [(150, "0", "period")])]
    versions = (await rating.client.get("/v1/contracts/acme-1")).json()["versions"]
    assert [version["corrects_final"] for version in versions] == [False, True]
    assert await balance(auditor, "acme-1") == {"stored": 3, "new": 3, "applied": 3}


async def test_a_line_that_is_gone_is_taken_back_whole(rating: Deployment) -> None:
    fee = {"key": "fee", "kind": "recurring", "amount": "9.00"}
    await january_of_three_calls(rating, lines=[*DEARER, fee])
    await amended(rating, 201, "2024-01-01", True)
    await rating.advance(FEBRUARY_CLOSED)
    assert await notes(rating) == [("2024-01-01", "note:1", 750, [(-900, "-1", "period")])]
    statement = (await rating.client.get("/v1/statements/acme-1/2024-01-01")).json()
    [gone] = [line["id"] for line in statement["lines"] if line["key"] == "fee"]
    place = f"/v1/statements/acme-1/2024-01-01/lines/{gone}"
    asked = {"occasion": "note:1"}
    explained = (await rating.client.get(f"{place}/explanation", params=asked)).json()
    line = explained["line"]
    assert (line["key"], line["quantity"], line["amount"], explained["steps"]) == ("fee", "0", "0.00", [])
    assert (await rating.client.get(f"{place}/events", params=asked)).json()["data"] == []
    strange = place.replace(gone, statement["id"])
    assert (await rating.client.get(f"{strange}/explanation", params=asked)).status_code == 404


async def test_what_falls_is_credited_on_a_note_of_its_own_where_terms_say_so(
    rating: Deployment, auditor: asyncpg.Connection
) -> None:
    fee = {"key": "fee", "kind": "recurring", "amount": "9.00"}
    await january_of_three_calls(rating, lines=[*DEARER, fee], excess="credit_note")
    lines = [{**DEARER[0], "price": {"model": "per_unit", "unit": "4.00"}}, {**fee, "amount": "8.00"}]
    answer = await rating.client.post(
        "/v1/contracts",
        json=terms("acme-1", "acme", effective="2024-01-01", lines=lines, excess="credit_note"),
    )
    [error] = answer.json()["errors"]
    assert error["documents"] == [
        {"kind": "credit_note", "total": "-1.00"},
        {"kind": "debit_note", "total": "4.50"},
    ]
    assert [(line["key"], line["after"]) for line in error["lines"]] == [("fee", "8.00"), ("calls", "12.00")]
    answer = await rating.client.post(
        "/v1/contracts",
        json=terms("acme-1", "acme", effective="2024-01-01", lines=lines, excess="credit_note"),
        params={"corrects_final": True},
    )
    assert answer.status_code == 201, answer.text
    await rating.send(event("late", "acme", NOON))
    await rating.advance(FEBRUARY_CLOSED)
    assert await notes(rating) == [
        ("2024-01-01", "note:1", 2400, [(-100, "0", "period")]),
        ("2024-01-01", "note:2", 2400, [(850, "1", "period")]),
    ]
    await rating.send(void("late"))
    await rating.advance(MARCH_CLOSED)
    assert (await notes(rating))[2:] == [("2024-01-01", "note:3", 2000, [(-400, "-1", "note:2")])]
    assert await balance(auditor, "acme-1") == {"stored": 4, "new": 4, "applied": 3, "voided": 1}


async def test_a_small_difference_is_carried_and_asked_for_with_the_next(
    rating: Deployment, auditor: asyncpg.Connection
) -> None:
    await january_of_three_calls(rating, late_usage={"waive_below": "3.00"})
    await rating.send(event("late-1", "acme", NOON))
    await rating.advance(FEBRUARY_CLOSED)
    assert await notes(rating) == []
    assert await balance(auditor, "acme-1") == {"stored": 4, "new": 4, "applied": 4}, "its events are applied"
    await rating.send(event("late-2", "acme", NOON))
    await rating.advance(MARCH_CLOSED)
    assert await notes(rating) == [("2024-01-01", "note:2", 1000, [(400, "2", "period")])]


async def test_what_blocks_pay_of_a_difference_is_told_however_little_is_left_of_it(
    rating: Deployment, auditor: asyncpg.Connection
) -> None:
    """Carried, and waived in the end, it would have left the block without a document that says what for."""
    gift = {"key": "gift", "amount": "9.00"}
    await january_of_three_calls(rating, late_usage={"waive_below": "5.00"}, credits=[gift])
    for number, id in enumerate(("late-1", "late-2", "late-3"), 1):
        await rating.send(event(id, "acme", NOON))
        await rating.settled()
        run = await rating.client.post("/v1/contracts/acme-1/corrections")
        [made] = run.json()["corrections"]
        asked = [("note", "0.00"), ("note", "1.00"), ("carried", "2.00")]
        assert (made["outcome"], made["asked"]) == asked[number - 1]
    drawn = [
        [draw.amount_minor for line in said.asked for draw in line.draws]
        for said in await rating.said()
        if said.is_correction
    ]
    assert drawn == [[200], [100]]
    paid = await draws_of(auditor, [("acme-1", JANUARY)])
    assert paid.holds, paid.breaks


async def test_what_is_carried_is_waived_once_nothing_more_is_accepted(rating: Deployment) -> None:
    await january_of_three_calls(rating, late_usage={"waive_below": "3.00", "accept_days": 40})
    await rating.send(event("late-1", "acme", NOON))
    await rating.advance(FEBRUARY_CLOSED)
    await rating.advance(MARCH_CLOSED)
    runs = await rating.context.db.pool.fetch(
        "select run, number, outcome, asked_minor from rating.corrections order by run"
    )
    assert [tuple(row) for row in runs] == [(1, 1, "carried", 200), (2, 2, "waived", 200)]
    await amended(rating, 201, "2024-01-01", True, unit="3.00")
    await rating.advance(utc("2024-05-04T00:00:00"))
    assert await notes(rating) == [
        ("2024-01-01", "note:3", 1200, [(400, "0", "period")]),
    ], "what was waived is not asked for again"


async def test_after_the_last_period_the_anchors_go_on_until_nothing_is_accepted(
    rating: Deployment, auditor: asyncpg.Connection
) -> None:
    await january_of_three_calls(
        rating, term={"start": "2024-01-01", "months": 1}, late_usage={"accept_days": 40}
    )
    await rating.send(event("late-1", "acme", NOON))
    await rating.advance(utc("2024-03-03T00:00:00"))
    assert await notes(rating) == []
    await rating.advance(FEBRUARY_CLOSED)
    assert await notes(rating) == [("2024-01-01", "note:1", 800, [(200, "1", "period")])]
    due = await rating.context.db.pool.fetchval("select correction_due_at from rating.contracts")
    assert due == MARCH_CLOSED, "40 days after January are over on 11 March"
    await rating.advance(MARCH_CLOSED)
    assert await rating.context.db.pool.fetchval("select correction_due_at from rating.contracts") is None
    assert await balance(auditor, "acme-1") == {"stored": 4, "new": 4, "applied": 4}


async def test_late_usage_within_the_allowance_asks_for_nothing_and_is_applied(
    rating: Deployment, auditor: asyncpg.Connection
) -> None:
    included = [{**DEARER[0], "included": "100"}]
    await january_of_three_calls(rating, lines=included)
    await rating.send(event("late-1", "acme", NOON))
    await rating.advance(FEBRUARY_CLOSED)
    assert await notes(rating) == []
    assert await balance(auditor, "acme-1") == {"stored": 4, "new": 4, "applied": 4}


async def test_what_changes_no_line_makes_no_correction(
    rating: Deployment, auditor: asyncpg.Connection
) -> None:
    await rating.customer("acme")
    await rating.meter("calls", aggregation="sum", field="units", missing="ignore")
    await rating.apply(terms("acme-1", "acme"))
    await rating.send(event("e1", "acme", NOON, {"units": 3}))
    await rating.settled()
    await rating.advance(JANUARY_CLOSED)
    await rating.send(event("none", "acme", NOON, {"units": 0}))
    await rating.advance(FEBRUARY_CLOSED)
    await rating.send(event("more", "acme", NOON, {"units": 2}))
    await rating.advance(MARCH_CLOSED)
    runs = await rating.context.db.pool.fetch(
        "select run, number, outcome from rating.corrections order by run"
    )
    assert [tuple(row) for row in runs] == [(1, None, "unchanged"), (2, 1, "note")]
    assert await notes(rating) == [("2024-01-01", "note:1", 1000, [(400, "2", "period")])]
    assert await balance(auditor, "acme-1") == {"stored": 3, "new": 3, "applied": 3}


async def test_an_alias_that_comes_after_the_close_brings_its_usage_into_a_note(
    rating: Deployment, auditor: asyncpg.Connection
) -> None:
    await january_of_three_calls(rating)
    await rating.send(event("lab", "labs", NOON))
    await rating.settled()
    await rating.alias("acme", "labs")
    await rating.advance(FEBRUARY_CLOSED)
    assert await notes(rating) == [("2024-01-01", "note:1", 800, [(200, "1", "period")])]
    assert await balance(auditor, "acme-1") == {"stored": 4, "new": 4, "applied": 4}


async def test_final_periods_are_corrected_oldest_first_and_each_by_a_note_of_its_own(
    rating: Deployment,
) -> None:
    await january_of_three_calls(rating)
    await rating.advance(FEBRUARY_CLOSED)
    await rating.send(event("feb", "acme", utc("2024-02-10T00:00:00")), event("jan", "acme", NOON))
    await rating.advance(MARCH_CLOSED)
    assert [(start, occasion) for start, occasion, _, _ in await notes(rating)] == [
        ("2024-01-01", "note:1"),
        ("2024-02-01", "note:1"),
    ]


async def test_notes_are_told_again_as_they_were_said(rating: Deployment) -> None:
    await january_of_three_calls(rating)
    await rating.send(event("late", "acme", NOON))
    await rating.advance(FEBRUARY_CLOSED)
    [note] = [said for said in await rating.said() if said.is_correction]
    async with rating.context.db.transaction() as uow:
        await statements(uow, None)
    await until_published(rating.context.db, STATEMENTS.name)
    assert [said for said in await rating.said() if said.is_correction] == [note, note]


async def test_what_is_corrected_together_is_bounded_by_statements_not_by_contracts(
    rating: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three contracts of two marked months and one that closes: three statements each, and a transaction takes six."""
    monkeypatch.setattr(close_periods, "CHUNK_MAX", 6)
    finalize, together = close_periods.finalize, list[list[str]]()

    async def watched(context: Any, due: Sequence[DuePeriod], now: datetime) -> int:
        together.append([period.contract for period in due])
        return await finalize(context, due, now)

    await rating.meter("calls")
    for name in "abc":
        await rating.customer(name)
        await rating.apply(terms(f"{name}-1", name))
        await rating.send(event(f"e-{name}", name, NOON))
    await rating.settled()
    await rating.advance(FEBRUARY_CLOSED)
    for name in "abc":
        dearer = terms(f"{name}-1", name, effective="2024-01-01", lines=DEARER)
        answer = await rating.client.post("/v1/contracts", json=dearer, params={"corrects_final": True})
        assert answer.status_code == 201, answer.text
    monkeypatch.setattr(close_periods, "finalize", watched)
    await rating.advance(MARCH_CLOSED)
    assert together == [["a-1", "b-1"], ["c-1"]]
    assert await notes(rating) == [("2024-01-01", "note:1", 250, [(50, "0", "period")])] * 3


async def test_a_contract_that_is_prolonged_is_corrected_as_it_closes(rating: Deployment) -> None:
    """It had ended, and was to be looked at on the day on which its next period closes now: a clock that is moved there
    does not wait for what is no more."""
    await january_of_three_calls(rating, term={"start": "2024-01-01", "months": 1})
    when = "select correction_due_at from rating.contracts"
    assert await rating.context.db.pool.fetchval(when) == FEBRUARY_CLOSED
    await rating.apply(terms("acme-1", "acme", effective="2024-02-01"))
    await rating.send(event("late-1", "acme", NOON))
    async with asyncio.timeout(60):
        await rating.advance(FEBRUARY_CLOSED)
    assert await notes(rating) == [("2024-01-01", "note:1", 800, [(200, "1", "period")])]
    assert await rating.context.db.pool.fetchval(when) is None
