"""What is held, late or void is told as such: by the explanation of the event, and by conservation, which must agree with it."""

from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from services.billing.conservation import reconciliation, views
from services.billing.conservation.disposition import disposition
from services.billing.conservation.reconciliation import Drill, Narrow
from shared.postgres.setup import AUDITOR
from tests.statements.deployment import Deployment, event, terms, until, utc, void

NOON, CLOSE = utc("2024-01-10T12:00:00"), utc("2024-02-04T00:00:00")


@pytest.fixture
async def auditor(rating: Deployment) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(rating.database.url(AUDITOR.removeprefix("u2c_")), server_settings={"timezone": "UTC"})
    yield connection
    await connection.close()


async def told(rating: Deployment, id: str) -> dict[str, Any]:
    answer = await rating.client.get("/v1/events/explain", params={"source": "test", "id": id})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def buckets(auditor: asyncpg.Connection) -> dict[str, int]:
    """K3's figures without the empty buckets; no break."""
    checked = await disposition(auditor)
    assert checked.holds, checked.breaks
    return {name: count for name, count in checked.figures.items() if count}


def regional(rates: list[dict[str, str]], **more: Any) -> dict[str, Any]:
    price = {"model": "matrix", "dimensions": ["region"], "rates": rates}
    return terms("bolt-1", "bolt", lines=[{"key": "regional", "kind": "usage", "meter": "regional", "price": price}], **more)


async def test_usage_of_a_period_that_cannot_be_priced_is_held(rating: Deployment, auditor: asyncpg.Connection) -> None:
    for customer in ("acme", "bolt"):
        await rating.customer(customer)
    await rating.meter("calls", list_price={"currency": "USD", "unit": "0.50"})
    await rating.meter("regional", group_by=["region"])
    await rating.apply(terms("acme-1", "acme"))
    await rating.apply(regional([{"region": "eu", "unit": "1.00"}]))
    await rating.send(event("fine", "bolt", NOON, {"region": "eu"}), event("a", "acme", NOON))
    await rating.settled()
    assert (await told(rating, "fine"))["disposition"] == "priced" and await buckets(auditor) == {"stored": 2, "new": 2, "applied": 2}

    await rating.send(event("odd", "bolt", NOON, {"region": "us"}), event("gone", "bolt", NOON, {"region": "us"}), void("gone"))
    await rating.settled()
    for id in ("fine", "odd"):
        found = await told(rating, id)
        assert (found["disposition"], [(held["kind"], held["owner"]) for held in found["exceptions"]]) == ("held", [("pricing_failed", "finance")])
        assert "region=us" in found["detail"] and "finance" in found["detail"]
    assert (await told(rating, "gone"))["disposition"] == "voided" and (await told(rating, "a"))["disposition"] == "priced"
    assert await buckets(auditor) == {"stored": 4, "new": 4, "voided": 1, "held": 2, "applied": 1}
    rows = [views.event_row(row) for row in await reconciliation.events(auditor, Narrow(), Drill("held", "pricing_failed"), 10)]
    assert [(row["id"], row["reason"], row["exceptions"], row["periods"]) for row in rows] == [
        (id, "pricing_failed", [{"id": found["exceptions"][0]["id"], "kind": "pricing_failed", "owner": "finance"}],
         [{"contract": "bolt-1", "period_start": "2024-01-01T00:00:00Z"}]) for id in ("fine", "odd")]
    summed = views.totals_of(views.rows_of(await reconciliation.counts(auditor, Narrow()), await reconciliation.quantities(auditor, Narrow())), [])
    assert (summed["counts"]["held"], summed["held"]) == (2, [{"currency": "USD", "amount": "1.00"}])
    assert set(summed["suspense_reasons"].values()) == {0}

    await rating.apply(regional([{"region": "eu", "unit": "1.00"}, {"unit": "2.00"}]))
    await until(lambda: _disposed(rating, "odd", "priced"))
    assert await buckets(auditor) == {"stored": 4, "new": 4, "voided": 1, "applied": 3} and (await told(rating, "odd"))["exceptions"] == []


async def _disposed(rating: Deployment, id: str, disposition: str) -> bool:
    return bool((await told(rating, id))["disposition"] == disposition)


async def test_what_comes_after_the_close_is_told_as_late(rating: Deployment, auditor: asyncpg.Connection) -> None:
    """A late event, a late void of it, a late void of a billed event, a void in time, and the usage of an alias that came late."""
    await rating.customer("acme")
    await rating.meter("calls")
    await rating.apply(terms("acme-1", "acme"))
    await rating.send(*(event(id, "acme", NOON) for id in ("kept", "voided", "billed")), event("lab", "acme-labs", NOON), void("voided"))
    await rating.settled()
    assert (await told(rating, "voided"))["disposition"] == "voided"
    await rating.advance(CLOSE)
    assert (await rating.stored("acme-1", "2024-01-01")).final
    await rating.send(event("late", "acme", NOON), event("never", "acme", NOON), void("never"), void("billed"))
    await rating.alias("acme", "acme-labs")
    await rating.settled()
    found = {id: await told(rating, id) for id in ("kept", "voided", "billed", "lab", "late", "never")}
    assert {id: (story["status"], story["disposition"]) for id, story in found.items()} == {
        "kept": ("stored", "priced"), "voided": ("voided", "voided"), "billed": ("voided", "priced"), "lab": ("stored", "held_late"),
        "late": ("stored", "held_late"), "never": ("voided", "voided")}
    assert "void is held late" in found["billed"]["detail"] and "/v1/held-late" in found["late"]["detail"]
    assert await buckets(auditor) == {"stored": 6, "new": 6, "voided": 2, "held_late": 2, "applied": 2}
