"""A meter that is changed counts all of history anew; a final statement stays, and is traced, explained and
checked by the version it names."""

from typing import Any

import asyncpg

from services.billing.conservation.checks.k3_disposition import disposition
from services.billing.conservation.checks.k4_quantity import quantities_of
from tests.services.rating.deployment import Deployment, event, terms, utc
from tests.waiting import until

NOON, CLOSE = utc("2024-01-10T12:00:00"), utc("2024-02-04T00:00:00")
JANUARY, FEBRUARY = utc("2024-01-01T00:00:00"), utc("2024-02-01T00:00:00")
CALLS: dict[str, Any] = {"event_type": "call", "aggregation": "count"}
EU = {**CALLS, "filters": {"region": ["eu"]}}


async def put(rating: Deployment, status: int = 200, recount_final: bool | None = None, **terms: Any) -> Any:
    asked = {} if recount_final is None else {"recount_final": recount_final}
    answer = await rating.client.put("/v1/meters/calls", json={**CALLS, **terms}, params=asked)
    assert answer.status_code == status, answer.text
    if status == 200:
        await until(lambda: _backfilled(rating))
        await rating.settled()
    return answer.json()


async def _backfilled(rating: Deployment) -> bool:
    return bool((await rating.client.get("/v1/meters/calls")).json()["backfilled"])


async def january(rating: Deployment) -> dict[str, Any]:
    """Ten calls of January, four of them in the eu, final; and two of February."""
    await rating.customer("acme")
    await rating.meter("calls")
    await rating.apply(terms("acme-1", "acme"))
    await rating.send(
        *(
            event(f"e{n}", "acme", NOON.replace(minute=n), {"region": "eu" if n < 4 else "us"})
            for n in range(10)
        )
    )
    await rating.settled()
    await rating.advance(CLOSE)
    await rating.send(
        event("f-eu", "acme", utc("2024-02-02T00:00:00"), {"region": "eu"}),
        event("f-us", "acme", utc("2024-02-02T01:00:00")),
    )
    await rating.settled()
    found: dict[str, Any] = await rating.statement("acme-1", "2024-01-01")
    assert found["final"] and found["subtotal"] == "20.00"
    return found


async def traced(rating: Deployment, start: str) -> list[str]:
    [line] = (await rating.statement("acme-1", start))["lines"]
    answer = await rating.client.get(f"/v1/statements/acme-1/{start}/lines/{line['id']}/events")
    return [found["id"] for found in answer.json()["data"]]


async def explained(rating: Deployment, id: str) -> Any:
    return (await rating.client.get("/v1/events/explain", params={"source": "test", "id": id})).json()


async def figures(auditor: asyncpg.Connection) -> dict[str, int]:
    """K3's figures without the empty buckets; K3 and K4 hold, and every line was compared."""
    checked, quantities = (
        await disposition(auditor, None),
        await quantities_of(auditor, [("acme-1", JANUARY), ("acme-1", FEBRUARY)]),
    )
    assert checked.holds and quantities.holds, (checked.breaks, quantities.breaks)
    assert quantities.figures["unversioned"] == quantities.figures["pending"] == 0
    return {name: count for name, count in checked.figures.items() if count}


async def test_a_final_statement_is_read_by_the_version_it_names(
    rating: Deployment, auditor: asyncpg.Connection
) -> None:
    before = await january(rating)
    revision = (await rating.client.get("/v1/meters/calls")).json()["revision"]
    assert before["meters"] == {"calls": revision} and (
        await rating.stored("acme-1", "2024-01-01")
    ).meters == {"calls": revision}
    changed = await put(rating, recount_final=True, **EU)
    assert await rating.statement("acme-1", "2024-01-01") == before
    assert await traced(rating, "2024-01-01") == [f"e{n}" for n in range(10)], (
        "not one of them would be found by the new filter alone"
    )
    february = await rating.statement("acme-1", "2024-02-01")
    assert (february["subtotal"], february["meters"]) == (
        "2.00",
        {"calls": changed["revision"]},
    ) and await traced(rating, "2024-02-01") == ["f-eu"]
    assert await figures(auditor) == {"stored": 12, "new": 12, "suspense": 1, "applied": 11}
    assert {id: (await explained(rating, id))["verdict"] for id in ("e0", "e9", "f-eu", "f-us")} == {
        "e0": "billed",
        "e9": "billed",
        "f-eu": "will_be_billed",
        "f-us": "suspense",
    }
    versions = (await rating.client.get("/v1/meters/calls/versions")).json()["data"]
    assert [(version["revision"], version["filters"]) for version in versions] == [
        (changed["revision"], {"region": ["eu"]}),
        (revision, {}),
    ]
    assert versions[1]["cut"] == {} and sum(versions[0]["cut"].values()) > 0


async def test_a_recounted_meter_corrects_final_periods_and_what_waits_for_that_is_held_late(
    rating: Deployment, auditor: asyncpg.Connection
) -> None:
    await january(rating)
    final = await rating.stored("acme-1", "2024-01-01")
    await put(rating, recount_final=True, **EU)
    await rating.advance(utc("2024-03-05T00:00:00"))
    assert (await rating.stored("acme-1", "2024-02-01")).subtotal_minor == 200
    assert await corrected(rating) == [("2024-01-01", 800)], "four of ten"
    assert await figures(auditor) == {"stored": 12, "new": 12, "suspense": 7, "applied": 5}
    await put(rating, recount_final=True)
    assert await figures(auditor) == {"stored": 12, "new": 12, "held_late": 7, "applied": 5}
    assert {id: (await explained(rating, id))["verdict"] for id in ("e9", "f-eu", "f-us")} == {
        "e9": "held_late",
        "f-eu": "billed",
        "f-us": "held_late",
    }
    await rating.advance(utc("2024-04-05T00:00:00"))
    assert await corrected(rating) == [
        ("2024-01-01", 800),
        ("2024-01-01", 2000),
        ("2024-02-01", 400),
    ]
    assert await figures(auditor) == {"stored": 12, "new": 12, "applied": 12}
    assert await rating.stored("acme-1", "2024-01-01") == final


async def corrected(rating: Deployment) -> list[tuple[str, int]]:
    """What each correction that was told says its period comes to."""
    return [
        (said.period_start_date, said.subtotal_minor) for said in await rating.said() if said.is_correction
    ]


async def test_a_change_that_would_count_a_final_period_otherwise_is_refused(
    rating: Deployment, auditor: asyncpg.Connection
) -> None:
    before = await january(rating)
    refused = await put(rating, 409, **EU)
    assert (
        refused["code"] == "final_periods_counted"
        and "acme-1 2024-01-01" in refused["detail"]
        and "recount_final=true" in refused["detail"]
    )
    assert "2024-02-01" not in refused["detail"], "February is open"
    assert (await rating.client.get("/v1/meters/calls")).json()["filters"] == {}
    for harmless in (
        {"list_price": {"currency": "USD", "unit": "1"}},
        {"heartbeat_s": 60},
        {"missing": "ignore"},
        {"role": "login"},
    ):
        await put(rating, **harmless)
    assert (
        await rating.statement("acme-1", "2024-01-01") == before
        and len(await traced(rating, "2024-01-01")) == 10
    )
    assert await figures(auditor) == {"stored": 12, "new": 12, "applied": 12}


async def test_open_periods_alone_refuse_nothing(rating: Deployment) -> None:
    await rating.customer("acme")
    await rating.meter("calls")
    await rating.apply(terms("acme-1", "acme"))
    await rating.send(event("eu", "acme", NOON, {"region": "eu"}), event("us", "acme", NOON))
    await rating.settled()
    await put(rating, **EU)
    assert (await rating.statement("acme-1", "2024-01-01"))["subtotal"] == "2.00"


async def test_a_statement_of_before_is_read_by_the_version_there_was(
    rating: Deployment, auditor: asyncpg.Connection
) -> None:
    """Statements that name no version: the first known one holds, unless the meter had been changed before
    versions were kept."""
    await january(rating)
    db = await asyncpg.connect(rating.database.admin_url)
    try:
        await db.execute("set session_replication_role = replica")
        await db.execute("update rating.statements set said = ((said::jsonb) - 'meters')::text where final")
        await put(rating, recount_final=True, **EU)
        assert (
            await traced(rating, "2024-01-01") == [f"e{n}" for n in range(10)]
            and (await figures(auditor))["applied"] == 11
        )
        assert {id: (await explained(rating, id))["verdict"] for id in ("e9", "f-us")} == {
            "e9": "billed",
            "f-us": "suspense",
        }
        await db.execute(
            "delete from rating.meter_versions v where exists (select from rating.meter_versions w where w.revision > v.revision)"
        )
        checked = await quantities_of(auditor, [("acme-1", JANUARY)])
        assert checked.holds and checked.figures["unversioned"] == 1
    finally:
        await db.close()
