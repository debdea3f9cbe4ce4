"""A customer changes, and a subject that leaves one: what is final keeps what it closed with, and nothing is
counted twice or lost."""

from datetime import datetime
from typing import Any

import asyncpg

from services.billing.conservation.answers.events import PlacedEventAnswer
from services.billing.conservation.checks.k3_disposition import disposition
from services.billing.conservation.checks.k4_quantity import quantities_of
from services.billing.conservation.domain.filters import Drill, Narrow
from services.billing.conservation.repository import reconciliation
from tests.services.rating.deployment import Deployment, event, terms, utc, void

NOON, CLOSE = utc("2024-01-10T12:00:00"), utc("2024-02-04T00:00:00")
JANUARY = utc("2024-01-01T00:00:00")


async def change(
    rating: Deployment,
    customer: str,
    status: int = 200,
    headers: dict[str, str] | None = None,
    **changes: Any,
) -> Any:
    answer = await rating.client.patch(f"/v1/customers/{customer}", json=changes, headers=headers or {})
    assert answer.status_code == status, answer.text
    return answer.json()


async def explained(rating: Deployment, id: str) -> dict[str, Any]:
    found: dict[str, Any] = (
        await rating.client.get("/v1/events/explain", params={"source": "test", "id": id})
    ).json()
    return found


async def traced(rating: Deployment, contract: str) -> list[str]:
    """The ids behind the lines of January's statement, in order."""
    lines = (await rating.statement(contract, "2024-01-01"))["lines"]
    answers = [
        await rating.client.get(f"/v1/statements/{contract}/2024-01-01/lines/{line['id']}/events")
        for line in lines
    ]
    return sorted(found["id"] for answer in answers for found in answer.json()["data"])


async def holds(auditor: asyncpg.Connection, *contracts: str) -> dict[str, int]:
    """K3's figures without the empty buckets; neither K3 nor K4 of these contracts' Januaries has a break,
    and none waits to be priced."""
    checked, quantities = (
        await disposition(auditor, None),
        await quantities_of(auditor, [(contract, JANUARY) for contract in contracts], None),
    )
    assert checked.holds and quantities.holds, (checked.breaks, quantities.breaks)
    assert quantities.figures["pending"] == 0
    return {name: count for name, count in checked.figures.items() if count}


async def held_late(auditor: asyncpg.Connection, customer: str | None = None) -> list[dict[str, Any]]:
    found = await reconciliation.events(auditor, Narrow(customer=customer), Drill("held_late"), 100)
    return [PlacedEventAnswer.of(event).as_json() for event in found]


async def acme_with_labs(rating: Deployment, **more: Any) -> None:
    """acme counts three calls of January, two of them under its alias labs."""
    await rating.customer("acme")
    await rating.alias("acme", "labs")
    await rating.meter("calls", list_price={"currency": "USD", "unit": "0.50"})
    await rating.apply(terms("acme-1", "acme", **more))
    await rating.send(
        event("own", "acme", NOON),
        event("lab-1", "labs", NOON),
        event("lab-2", "labs", NOON.replace(hour=13)),
    )
    await rating.settled()


async def test_a_customer_is_changed_in_what_is_given(rating: Deployment) -> None:
    await rating.customer("acme")
    before = (await rating.client.get("/v1/customers/acme")).json()
    after = await change(rating, "acme", name="Acme Corp", timezone="Asia/Kathmandu", legal_entity="acme-eu")
    assert (after["name"], after["timezone"], after["legal_entity"], after["id"]) == (
        "Acme Corp",
        "Asia/Kathmandu",
        "acme-eu",
        before["id"],
    )
    assert (
        after["revision"] > before["revision"] and await change(rating, "acme", name="Acme Corp") == after
    ), "nothing new, nothing told"
    for refused in (
        {"external_id": "other"},
        {"name": None},
        {"aliases": {"add": ["x"], "remove": ["x"]}},
        {"aliases": ["x"]},
    ):
        await change(rating, "acme", 422, **refused)
    await change(rating, "acme", 409, aliases={"remove": ["nobodys"]})
    await change(rating, "acme", 409, aliases={"remove": ["acme"]})
    await change(rating, "nobody", 404, name="x")
    assert (await change(rating, "acme", aliases={"add": ["Cafe\u0301"]}))["aliases"] == ["Caf\u00e9"]
    twice = [
        await change(rating, "acme", headers={"Idempotency-Key": "k"}, aliases={"remove": ["Caf\u00e9"]})
        for _ in range(2)
    ]
    assert twice[0] == twice[1] and twice[0]["aliases"] == []


async def test_an_alias_taken_back_leaves_every_open_period(
    rating: Deployment, auditor: asyncpg.Connection
) -> None:
    await acme_with_labs(rating)
    assert (await rating.statement("acme-1", "2024-01-01"))["subtotal"] == "6.00"
    await change(rating, "acme", aliases={"remove": ["labs"]})
    await rating.settled()
    assert (await rating.statement("acme-1", "2024-01-01"))["subtotal"] == "2.00"
    assert (
        await holds(auditor, "acme-1") == {"stored": 3, "new": 3, "suspense": 2, "applied": 1}
        and await held_late(auditor) == []
    )
    await change(rating, "acme", aliases={"add": ["labs"]})
    await rating.settled()
    assert (await rating.statement("acme-1", "2024-01-01"))["subtotal"] == "6.00"
    assert await holds(auditor, "acme-1") == {"stored": 3, "new": 3, "applied": 3}


async def test_a_final_statement_keeps_the_subjects_it_closed_with(
    rating: Deployment, auditor: asyncpg.Connection
) -> None:
    await acme_with_labs(rating)
    await rating.advance(CLOSE)
    await rating.send(event("late", "labs", NOON), event("next", "labs", utc("2024-02-02T12:00:00")))
    await rating.settled()
    await change(rating, "acme", aliases={"remove": ["labs"]})
    await rating.settled()
    assert (await rating.statement("acme-1", "2024-01-01"))["subtotal"] == "6.00" and await traced(
        rating, "acme-1"
    ) == ["lab-1", "lab-2", "own"]
    assert (await rating.statement("acme-1", "2024-02-01"))["subtotal"] == "0.00"
    assert await holds(auditor, "acme-1") == {"stored": 5, "new": 5, "suspense": 2, "applied": 3}
    rows = await held_late(auditor, "acme")
    assert [(row["kind"], row["id"], row["owner"], row["value"], row["bucket"]) for row in rows] == [
        ("leaving", id, "finance", {"currency": "USD", "amount": "0.50"}, "applied")
        for id in ("lab-1", "lab-2")
    ]
    assert rows[0]["periods"] == [
        {"contract": "acme-1", "period_start": "2024-01-01T00:00:00Z"}
    ] and rows == await held_late(auditor)
    stories = {id: await explained(rating, id) for id in ("own", "lab-1", "late", "next")}
    assert {id: story["verdict"] for id, story in stories.items()} == {
        "own": "billed",
        "lab-1": "billed",
        "late": "suspense",
        "next": "suspense",
    }
    assert (
        stories["lab-1"]["left"]["external_id"] == "acme"
        and "leaving is held late" in stories["lab-1"]["detail"]
    )
    waiting = (await rating.client.get("/v1/suspense")).json()["data"]
    assert [(row["subject"], row["month"], row["events"], row["value"]["amount"]) for row in waiting] == [
        ("labs", "2024-01", 1, "0.50"),
        ("labs", "2024-02", 1, "0.50"),
    ]

    await rating.send(void("lab-2"))
    await rating.settled()
    assert await holds(auditor, "acme-1") == {"stored": 5, "new": 5, "suspense": 2, "applied": 3}
    assert [(row["kind"], row["id"]) for row in await held_late(auditor)] == [
        ("leaving", "lab-1"),
        ("void", "lab-2"),
    ]
    assert (await explained(rating, "lab-2"))["verdict"] == "billed"


UNIQUE = {"key": "users", "kind": "usage", "meter": "users", "price": {"model": "per_unit", "unit": "7.00"}}
CALLS = {"key": "calls", "kind": "usage", "meter": "calls", "price": {"model": "per_unit", "unit": "2.00"}}


def lab_call(id: str, at: datetime, user: str) -> Any:
    return event(id, "labs", at, {"user": user})


async def test_an_alias_that_moves_is_counted_once(rating: Deployment, auditor: asyncpg.Connection) -> None:
    """January of acme is final when its alias becomes bolt's, whose January is open: bolt counts what acme's
    cut did not have, and no more."""
    for customer in ("acme", "bolt"):
        await rating.customer(customer)
    await rating.alias("acme", "labs")
    await rating.meter("calls")
    await rating.meter("users", aggregation="unique", field="user", missing="ignore")
    await rating.apply(terms("acme-1", "acme", lines=[CALLS, UNIQUE]))
    await rating.apply(
        terms(
            "bolt-1",
            "bolt",
            lines=[CALLS, UNIQUE],
            timezone="Asia/Kathmandu",
            billing={"interval": "month", "net_days": 30, "grace_hours": 720},
        )
    )
    await rating.send(
        *(lab_call(f"lab-{n}", NOON.replace(hour=n), f"u{n % 2}") for n in range(6)),
        event("bolts", "bolt", NOON, {"user": "u9"}),
    )
    await rating.settled()
    await rating.advance(CLOSE)
    await rating.send(lab_call("late", NOON, "u0"), lab_call("later", NOON.replace(hour=23), "u7"))
    await rating.settled()
    await change(rating, "acme", aliases={"remove": ["labs"]})
    await change(rating, "bolt", aliases={"add": ["labs"]})
    await rating.settled()
    bolt = await rating.statement("bolt-1", "2024-01-01")
    assert [(line["key"], line["quantity"]) for line in bolt["lines"]] == [("calls", "3"), ("users", "3")], (
        "bolts, late, later: u9, u0, u7"
    )
    assert [line["quantity"] for line in (await rating.statement("acme-1", "2024-01-01"))["lines"]] == [
        "6",
        "2",
    ]
    assert await holds(auditor, "acme-1") == {"stored": 9, "new": 9, "applied": 9}
    start = datetime.fromisoformat(bolt["period"]["starts_at"])
    assert (await quantities_of(auditor, [("bolt-1", start)], None)).holds
    assert {(await explained(rating, id))["verdict"] for id in ("lab-0", "lab-5")} == {"billed"}
    assert {(await explained(rating, id))["verdict"] for id in ("late", "later", "bolts")} == {
        "will_be_billed"
    }

    await rating.advance(utc("2024-03-05T00:00:00"))
    assert (await rating.stored("bolt-1", "2024-01-01")).final
    ids = await traced(rating, "bolt-1")
    assert ids == sorted([*["bolts", "late", "later"] * 2]) and await traced(rating, "acme-1") == sorted(
        [f"lab-{n}" for n in range(6)] * 2
    )
    assert (await quantities_of(auditor, [("bolt-1", start), ("acme-1", JANUARY)], None)).holds
    assert [(row["kind"], row["id"]) for row in await held_late(auditor)] == [
        ("leaving", f"lab-{n}") for n in range(6)
    ]
    assert (await disposition(auditor, None)).figures["applied"] == 9
