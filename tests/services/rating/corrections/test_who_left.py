"""A subject that leaves a customer leaves behind what final periods charge of it, and takes the rest along: what was held
for a decision too. What is taken back later of what it left behind corrects that period, or waits for a decision there."""

from typing import Any

import asyncpg

from services.billing.conservation.checks.k3_disposition import disposition
from services.billing.conservation.checks.k4_quantity import quantities_of
from tests.services.rating.corrections.test_corrections import (
    FEBRUARY_CLOSED,
    JANUARY,
    JANUARY_CLOSED,
    MARCH_CLOSED,
    NOON,
    balance,
    notes,
)
from tests.services.rating.corrections.test_late_usage import LATER, TWENTY, decided, late_usage, verdict
from tests.services.rating.customers.test_leaving import acme_with_labs, change, held_late
from tests.services.rating.deployment import Deployment, event, terms, void


async def january_of_labs(rating: Deployment) -> None:
    """acme's January is final: one call of its own, two of its alias labs."""
    await acme_with_labs(rating, **TWENTY)
    await rating.advance(JANUARY_CLOSED)


async def leaves(rating: Deployment) -> None:
    await rating.settled()
    await change(rating, "acme", aliases={"remove": ["labs"]})
    await rating.settled()


async def bolt_takes_labs(rating: Deployment) -> None:
    """January of bolt is open until March."""
    await rating.customer("bolt")
    await rating.apply(
        terms("bolt-1", "bolt", billing={"interval": "month", "net_days": 30, "grace_hours": 720})
    )
    await change(rating, "bolt", aliases={"add": ["labs"]})
    await rating.settled()


async def test_what_is_taken_back_of_a_subject_that_left_corrects_what_it_left_behind(
    rating: Deployment, auditor: asyncpg.Connection
) -> None:
    await january_of_labs(rating)
    await leaves(rating)
    await rating.send(void("lab-1"))
    await rating.settled()
    assert [row["id"] for row in await held_late(auditor) if row["kind"] == "void"] == ["lab-1"]
    await rating.advance(FEBRUARY_CLOSED)
    assert await notes(rating) == [("2024-01-01", "note:1", 400, [(-200, "-1", "period")])]
    assert await balance(auditor, "acme-1") == {"stored": 3, "new": 3, "applied": 2, "voided": 1}
    assert [(row["kind"], row["id"]) for row in await held_late(auditor)] == [("leaving", "lab-2")]


async def test_what_is_taken_back_too_late_of_a_subject_that_left_is_listed_and_decided(
    rating: Deployment, auditor: asyncpg.Connection
) -> None:
    await january_of_labs(rating)
    await leaves(rating)
    await rating.advance(LATER)
    await rating.send(void("lab-1"))
    await rating.settled()
    [held] = await late_usage(rating)
    assert (held["contract"], held["events"], held["amount"]) == ("acme-1", 1, "-2.00")
    await decided(rating, "waive", held["watermark"])
    assert await late_usage(rating) == []
    await rating.send(void("lab-2"))
    await rating.settled()
    [held] = await late_usage(rating)
    assert (held["events"], held["amount"]) == (1, "-2.00")
    await decided(rating, "bill", held["watermark"])
    await rating.advance(FEBRUARY_CLOSED)
    assert await notes(rating) == [("2024-01-01", "note:1", 400, [(-200, "-1", "period")])]
    assert await balance(auditor, "acme-1") == {"stored": 3, "new": 3, "applied": 2, "voided": 1}


async def held_usage_seen_by_a_run(rating: Deployment) -> None:
    """A call of labs came too late for acme's January, and a correction's run has left it out."""
    await january_of_labs(rating)
    await rating.advance(LATER)
    await rating.send(event("late", "labs", NOON))
    await rating.settled()
    assert [held["events"] for held in await late_usage(rating)] == [1]
    ran = await rating.client.post("/v1/contracts/acme-1/corrections")
    assert [one["outcome"] for one in ran.json()["corrections"]] == ["unchanged"]


async def test_what_is_held_of_a_subject_goes_with_it(
    rating: Deployment, auditor: asyncpg.Connection
) -> None:
    await held_usage_seen_by_a_run(rating)
    await leaves(rating)
    assert await late_usage(rating) == []
    assert await balance(auditor, "acme-1") == {"stored": 4, "new": 4, "applied": 3, "suspense": 1}
    assert await verdict(rating, "late") == "suspense"
    [waits] = (await rating.client.get("/v1/suspense")).json()["data"]
    assert (waits["subject"], waits["events"]) == ("labs", 1)


async def test_what_is_held_of_a_subject_is_charged_once_to_whom_it_goes(
    rating: Deployment, auditor: asyncpg.Connection
) -> None:
    await held_usage_seen_by_a_run(rating)
    await leaves(rating)
    await rating.send(event("own-late", "acme", NOON))
    await bolt_takes_labs(rating)
    assert (await rating.statement("bolt-1", "2024-01-01"))["subtotal"] == "2.00"
    assert await balance(auditor, "acme-1", "bolt-1") == {
        "stored": 5,
        "new": 5,
        "applied": 4,
        "held_late": 1,
    }
    [held] = await late_usage(rating)
    assert (held["contract"], held["events"], held["amount"]) == ("acme-1", 1, "2.00"), "its own alone"
    await decided(rating, "bill", held["watermark"])
    await rating.advance(MARCH_CLOSED)
    assert await notes(rating) == [("2024-01-01", "note:1", 800, [(200, "1", "period")])]
    assert await balance(auditor, "acme-1", "bolt-1") == {"stored": 5, "new": 5, "applied": 5}
    assert (await rating.stored("bolt-1", "2024-01-01")).subtotal_minor == 200


async def test_what_went_with_its_subject_and_is_charged_nowhere_is_named(
    rating: Deployment, auditor: asyncpg.Connection
) -> None:
    """As if acme's correction had charged what it took out."""
    await held_usage_seen_by_a_run(rating)
    await leaves(rating)
    await bolt_takes_labs(rating)
    assert (await quantities_of(auditor, [("bolt-1", JANUARY)], None)).holds
    admin = await asyncpg.connect(rating.database.admin_url)
    await admin.execute("set session_replication_role = replica")
    await admin.execute(
        """update rating.statements set said = replace(said, '"quantity":"1"', '"quantity":"0"')
           where contract = 'bolt-1' and period_start = '2024-01-01'"""
    )
    await admin.close()
    found: Any = (await quantities_of(auditor, [("bolt-1", JANUARY)], None)).breaks
    assert {one.fault for one in found} == {"segment_off"}


async def test_what_came_while_a_subject_was_away_is_late_once_it_has_returned(
    rating: Deployment, auditor: asyncpg.Connection
) -> None:
    await acme_with_labs(rating)
    await rating.advance(JANUARY_CLOSED)
    await leaves(rating)
    await rating.send(event("away", "labs", NOON), event("own-late", "acme", NOON))
    await rating.settled()
    ran = await rating.client.post("/v1/contracts/acme-1/corrections")
    assert [one["asked"] for one in ran.json()["corrections"]] == ["2.00"]
    assert await balance(auditor, "acme-1") == {"stored": 5, "new": 5, "applied": 4, "suspense": 1}
    await change(rating, "acme", aliases={"add": ["labs"]})
    await rating.settled()
    assert await balance(auditor, "acme-1") == {"stored": 5, "new": 5, "applied": 4, "held_late": 1}
    assert await verdict(rating, "away") == "held_late"
    await rating.advance(FEBRUARY_CLOSED)
    assert await balance(auditor, "acme-1") == {"stored": 5, "new": 5, "applied": 5}
    assert (await disposition(auditor, None)).holds


async def test_two_notes_of_one_run_both_know_who_left(
    rating: Deployment, auditor: asyncpg.Connection
) -> None:
    """The second follows on the first, which is written with it: whoever left was settled with both."""
    fee = {"key": "fee", "kind": "recurring", "amount": "9.00"}
    calls = {
        "key": "calls",
        "kind": "usage",
        "meter": "calls",
        "price": {"model": "per_unit", "unit": "2.00"},
    }
    await acme_with_labs(rating, lines=[calls, fee], excess="credit_note")
    await rating.advance(JANUARY_CLOSED)
    await leaves(rating)
    dearer = {**calls, "price": {"model": "per_unit", "unit": "4.00"}}
    answer = await rating.client.post(
        "/v1/contracts",
        json=terms(
            "acme-1",
            "acme",
            effective="2024-01-01",
            lines=[dearer, {**fee, "amount": "8.00"}],
            excess="credit_note",
        ),
        params={"corrects_final": True},
    )
    assert answer.status_code == 201, answer.text
    await rating.advance(FEBRUARY_CLOSED)
    asked = [
        ("2024-01-01", "note:1", 2000, [(-100, "0", "period")]),
        ("2024-01-01", "note:2", 2000, [(600, "0", "period")]),
    ]
    assert await notes(rating) == asked
    await rating.send(event("own-late", "acme", NOON))
    await rating.advance(MARCH_CLOSED)
    assert await notes(rating) == [*asked, ("2024-01-01", "note:3", 2400, [(400, "1", "note:2")])]
    assert await balance(auditor, "acme-1") == {"stored": 4, "new": 4, "applied": 4}
