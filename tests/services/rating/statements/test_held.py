"""What is held, late or void is told as such: by the explanation of the event, and by conservation, which
must agree with it."""

from typing import Any

import asyncpg
import pytest

from services.billing.conservation.answers.events import PlacedEventAnswer
from services.billing.conservation.checks.k3_disposition import disposition
from services.billing.conservation.domain.dispositions import Bucket
from services.billing.conservation.domain.filters import Drill, Narrow
from services.billing.conservation.domain.reconciled import rows_of, totals_of
from services.billing.conservation.repository import reconciliation
from shared.values.money import Money, currency
from tests.services.rating.deployment import Deployment, event, terms, utc, void
from tests.waiting import until

NOON, CLOSE = utc("2024-01-10T12:00:00"), utc("2024-02-04T00:00:00")


async def told(rating: Deployment, id: str) -> dict[str, Any]:
    answer = await rating.client.get("/v1/events/explain", params={"source": "test", "id": id})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def buckets(auditor: asyncpg.Connection) -> dict[str, int]:
    """K3's figures without the empty buckets; no break."""
    checked = await disposition(auditor, None)
    assert checked.holds, checked.breaks
    return {name: count for name, count in checked.figures.items() if count}


def regional(rates: list[dict[str, str]], **more: Any) -> dict[str, Any]:
    price = {"model": "matrix", "dimensions": ["region"], "rates": rates}
    return terms(
        "bolt-1",
        "bolt",
        lines=[{"key": "regional", "kind": "usage", "meter": "regional", "price": price}],
        **more,
    )


async def test_usage_of_a_period_that_cannot_be_priced_is_held(
    rating: Deployment, auditor: asyncpg.Connection
) -> None:
    for customer in ("acme", "bolt"):
        await rating.customer(customer)
    await rating.meter("calls", list_price={"currency": "USD", "unit": "0.50"})
    await rating.meter("regional", group_by=["region"])
    await rating.apply(terms("acme-1", "acme"))
    await rating.apply(regional([{"region": "eu", "unit": "1.00"}]))
    await rating.send(event("fine", "bolt", NOON, {"region": "eu"}), event("a", "acme", NOON))
    await rating.settled()
    assert (await told(rating, "fine"))["disposition"] == "priced" and await buckets(auditor) == {
        "stored": 2,
        "new": 2,
        "applied": 2,
    }

    await rating.send(
        event("odd", "bolt", NOON, {"region": "us"}),
        event("gone", "bolt", NOON, {"region": "us"}),
        void("gone"),
    )
    await rating.settled()
    for id in ("fine", "odd"):
        found = await told(rating, id)
        assert (found["disposition"], [(held["kind"], held["owner"]) for held in found["exceptions"]]) == (
            "held",
            [("pricing_failed", "finance")],
        )
        assert "region=us" in found["detail"] and "finance" in found["detail"]
    assert (await told(rating, "gone"))["disposition"] == "voided" and (await told(rating, "a"))[
        "disposition"
    ] == "priced"
    assert await buckets(auditor) == {"stored": 4, "new": 4, "voided": 1, "held": 2, "applied": 1}
    rows = [
        PlacedEventAnswer.of(event).as_json()
        for event in await reconciliation.events(auditor, Narrow(), Drill("held", "pricing_failed"), 10)
    ]
    assert [(row["id"], row["reason"], row["exceptions"], row["periods"]) for row in rows] == [
        (
            id,
            "pricing_failed",
            [{"id": found["exceptions"][0]["id"], "kind": "pricing_failed", "owner": "finance"}],
            [{"contract": "bolt-1", "period_start": "2024-01-01T00:00:00Z"}],
        )
        for id in ("fine", "odd")
    ]
    summed = totals_of(
        rows_of(
            await reconciliation.counts(auditor, Narrow()), await reconciliation.quantities(auditor, Narrow())
        ),
        [],
    )
    assert (summed.counts[Bucket.HELD], summed.values[Bucket.HELD]) == (2, (Money(100, currency("USD")),))
    assert set(summed.reasons.values()) == {0}

    await rating.apply(regional([{"region": "eu", "unit": "1.00"}, {"unit": "2.00"}]))
    await until(lambda: _disposed(rating, "odd", "priced"))
    assert (
        await buckets(auditor) == {"stored": 4, "new": 4, "voided": 1, "applied": 3}
        and (await told(rating, "odd"))["exceptions"] == []
    )


async def _disposed(rating: Deployment, id: str, disposition: str) -> bool:
    return bool((await told(rating, id))["disposition"] == disposition)


async def test_what_comes_after_the_close_is_told_as_late(
    rating: Deployment, auditor: asyncpg.Connection
) -> None:
    """A late event, a late void of it, a late void of a billed event, a void in time, and the usage of an
    alias that came late."""
    await rating.customer("acme")
    await rating.meter("calls")
    await rating.apply(terms("acme-1", "acme"))
    await rating.send(
        *(event(id, "acme", NOON) for id in ("kept", "voided", "billed")),
        event("lab", "acme-labs", NOON),
        void("voided"),
    )
    await rating.settled()
    assert (await told(rating, "voided"))["disposition"] == "voided"
    await rating.advance(CLOSE)
    assert (await rating.stored("acme-1", "2024-01-01")).final
    await rating.send(
        event("late", "acme", NOON), event("never", "acme", NOON), void("never"), void("billed")
    )
    await rating.alias("acme", "acme-labs")
    await rating.settled()
    found = {id: await told(rating, id) for id in ("kept", "voided", "billed", "lab", "late", "never")}
    assert {id: (story["status"], story["disposition"]) for id, story in found.items()} == {
        "kept": ("stored", "priced"),
        "voided": ("voided", "voided"),
        "billed": ("voided", "priced"),
        "lab": ("stored", "held_late"),
        "late": ("stored", "held_late"),
        "never": ("voided", "voided"),
    }
    assert (
        "void is held late" in found["billed"]["detail"] and "the next correction" in found["late"]["detail"]
    )
    assert await buckets(auditor) == {"stored": 6, "new": 6, "voided": 2, "held_late": 2, "applied": 2}


EU_ONLY = [{"region": "eu", "unit": "1.00"}]


async def held_period(rating: Deployment, *odd: str) -> dict[str, Any]:
    """A period that was priced at 10.00 and is held since: these events are of a region without a rate."""
    await rating.customer("bolt")
    await rating.meter("regional", group_by=["region"])
    await rating.apply(regional(EU_ONLY))
    await rating.send(*(event(f"fine-{n}", "bolt", NOON, {"region": "eu"}) for n in range(10)))
    await rating.settled()
    assert (await rating.statement("bolt-1", "2024-01-01"))["held"] is None
    await rating.send(
        *(event(id, "bolt", NOON.replace(minute=n), {"region": "EU"}) for n, id in enumerate(odd))
    )
    await rating.settled()
    found: dict[str, Any] = await rating.statement("bolt-1", "2024-01-01")
    assert found["held"] is not None and found["subtotal"] == "10.00", (
        "the last figures that could be said, and that they are not whole"
    )
    return found


async def test_a_held_statement_says_so_and_names_the_events_in_the_way(rating: Deployment) -> None:
    found = await held_period(rating, "odd")
    [exception] = (await rating.client.get("/v1/exceptions", params={"kind": "pricing_failed"})).json()[
        "data"
    ]
    assert found["held"] == {
        "reason": "pricing_failed",
        "since": "2024-01-01T00:00:00Z",
        "events": 1,
        "named": [{"source": "test", "id": "odd"}],
        "exception": exception["id"],
        "owner": "finance",
        "detail": exception["detail"],
    }
    assert "region=EU" in exception["detail"] and "test odd" in exception["detail"]
    told_last = (await rating.said())[-1]
    assert (
        told_last.held is not None
        and told_last.held.exception == exception["id"]
        and not told_last.final
        and told_last.subtotal_minor == 1000
    )
    cost = (await rating.client.get("/v1/customers/bolt/cost")).json()
    assert cost["contracts"][0]["held"] == found["held"]

    said = len(await rating.said())
    await rating.send(event("more", "bolt", NOON, {"region": "eu"}))
    await rating.settled()
    assert len(await rating.said()) == said, "usage that mends nothing is no news of a held statement"


async def test_many_events_in_the_way_are_counted_and_the_first_named(rating: Deployment) -> None:
    held = (await held_period(rating, *(f"odd-{n}" for n in range(12))))["held"]
    assert (
        held["events"] == 12
        and [name["id"] for name in held["named"]] == [f"odd-{n}" for n in range(10)]
        and " and 2 more" in held["detail"]
    )
    await rating.send(void("odd-3"), event("odd-new", "bolt", utc("2024-01-20T00:00:00"), {"region": "US"}))
    await rating.settled()
    held = (await rating.statement("bolt-1", "2024-01-01"))["held"]
    assert held["events"] == 12 and [name["id"] for name in held["named"]] == [
        *(f"odd-{n}" for n in (0, 1, 2, 4, 5, 6, 7, 8, 9, 10))
    ]
    assert "region=EU; region=US" in held["detail"]


async def mend_by_void(rating: Deployment) -> None:
    await rating.send(void("odd"))


async def mend_by_correction(rating: Deployment) -> None:
    await rating.send(void("odd"), event("odd-again", "bolt", NOON, {"region": "eu"}))


async def mend_by_contract(rating: Deployment) -> None:
    await rating.apply(regional([*EU_ONLY, {"unit": "1.00"}]))


async def mend_by_meter(rating: Deployment) -> None:
    answer = await rating.client.put(
        "/v1/meters/regional",
        json={
            "event_type": "call",
            "aggregation": "count",
            "group_by": ["region"],
            "filters": {"region": ["eu"]},
        },
    )
    assert answer.status_code == 200, answer.text
    await until(lambda: _backfilled(rating, "regional"))


async def _backfilled(rating: Deployment, meter: str) -> bool:
    return bool((await rating.client.get(f"/v1/meters/{meter}")).json()["backfilled"])


@pytest.mark.parametrize(
    ("mend", "subtotal"),
    [
        (mend_by_void, "10.00"),
        (mend_by_correction, "11.00"),
        (mend_by_contract, "11.00"),
        (mend_by_meter, "10.00"),
    ],
)
async def test_what_mends_a_held_statement_is_priced_when_it_is_metered(
    rating: Deployment, mend: Any, subtotal: str
) -> None:
    """`settled` waits for what was asked anew, and not for the next try of what failed."""
    await held_period(rating, "odd")
    await mend(rating)
    await rating.settled()
    found = await rating.statement("bolt-1", "2024-01-01")
    assert found["held"] is None and found["subtotal"] == subtotal
    assert (await rating.client.get("/v1/exceptions", params={"kind": "pricing_failed"})).json()["data"] == []


async def test_a_period_that_was_never_priced_is_held_too(rating: Deployment) -> None:
    await rating.customer("bolt")
    await rating.meter("regional", group_by=["region"])
    await rating.send(event("odd", "bolt", NOON, {"region": "EU"}))
    await rating.settled()
    await rating.apply(regional(EU_ONLY))
    await rating.settled()
    found = await rating.statement("bolt-1", "2024-01-01")
    assert (found["lines"], found["subtotal"], found["final"], found["held"]["events"]) == (
        [],
        "0.00",
        False,
        1,
    )
    assert found["watermark"]["batches"] == {}, "it covers nothing"


async def test_a_day_the_changed_meter_no_longer_counts_is_priced_again(rating: Deployment) -> None:
    await rating.customer("bolt")
    await rating.meter("regional", group_by=["region"])
    await rating.apply(regional([{"unit": "1.00"}]))
    await rating.send(event("alone", "bolt", NOON, {"region": "EU"}))
    await rating.settled()
    assert (await rating.statement("bolt-1", "2024-01-01"))["subtotal"] == "1.00"
    await mend_by_meter(rating)
    await rating.settled()
    assert (await rating.statement("bolt-1", "2024-01-01"))["subtotal"] == "0.00"
