"""How far a month is closed: what its statements come to, by state and currency, and what those that are open wait
for."""

from collections import Counter
from decimal import Decimal
from typing import Any

import asyncpg

from services.rating.closing.repository import WAITING_MAX
from services.rating.statements.repository.requests import FAN_OUT
from tests.services.rating.deployment import Deployment, event, folder_held, terms, utc
from tests.waiting import until

RATES = [{"region": "eu", "unit": "1.00"}]


async def _read(rating: Deployment, path: str, status: int = 200, **query: Any) -> Any:
    answer = await rating.client.get(path, params=query)
    assert answer.status_code == status, answer.text
    return answer.json()


async def _book(rating: Deployment) -> None:
    """Three customers in two currencies; one contract begins in the middle of months, one cannot be priced."""
    for customer in ("acme", "bolt", "core"):
        await rating.customer(customer)
    await rating.meter("calls")
    await rating.meter("regional", event_type="regional", group_by=["region"])
    await rating.apply(terms("acme-1", "acme"))
    await rating.meter("yen", event_type="yen")
    price = {"model": "per_unit", "unit": "70"}
    yen = [{"key": "yen", "kind": "usage", "meter": "yen", "price": price}]
    middle = {
        "term": {"start": "2024-01-16", "months": 12},
        "billing": {"interval": "month", "anchor_day": 16, "grace_hours": 72},
    }
    await rating.apply(terms("acme-2", "acme", currency="JPY", lines=yen, **middle))
    held = {"model": "matrix", "dimensions": ["region"], "rates": RATES}
    await rating.apply(
        terms("bolt-1", "bolt", lines=[{"key": "r", "kind": "usage", "meter": "regional", "price": held}])
    )
    await rating.apply(terms("core-1", "core", billing={"interval": "month", "grace_hours": 999}))
    await rating.send(
        event("a", "acme", utc("2024-01-05T10:00:00")),
        event("b", "acme", utc("2024-01-20T10:00:00"), type="yen"),
        event("c", "core", utc("2024-01-20T10:00:00")),
        event("d", "bolt", utc("2024-01-20T10:00:00"), {"region": "moon"}, "regional"),
    )
    await rating.settled()


async def test_a_month_is_counted_by_state_and_currency_as_its_statements_say(rating: Deployment) -> None:
    await _book(rating)
    await rating.advance(utc("2024-02-10T00:00:00"))
    for month in ("2024-01", "2024-02", "2023-12"):
        listed = (await _read(rating, "/v1/statements", month=month, limit=200))["data"]
        counted: Counter[tuple[str, str]] = Counter()
        summed: dict[tuple[str, str], Decimal] = {}
        for state in ("open", "due", "held", "final"):
            of_state = (await _read(rating, "/v1/statements", month=month, state=state))["data"]
            for one in of_state:
                place = (state, one["currency"])
                counted[place] += 1
                summed[place] = summed.get(place, Decimal(0)) + Decimal(one["subtotal"])
        assert counted.total() == len(listed), "each has one state"
        assert all(one["period"]["end"].startswith(month) for one in listed)
        closing = await _read(rating, f"/v1/closing/{month}")
        shown = {(one["state"], one["currency"]): one for one in closing["totals"]}
        assert {place: one["statements"] for place, one in shown.items() if place[1] is not None} == counted
        assert {
            place: Decimal(one["subtotal"]) for place, one in shown.items() if place[1] is not None
        } == summed
    january = {
        (one["state"], one["currency"]) for one in (await _read(rating, "/v1/closing/2024-01"))["totals"]
    }
    assert {state for state, _ in january} == {"final", "held", "open"}
    assert closing["totals"] == [] and closing["month"] == "2023-12"


async def test_an_open_statement_says_what_it_waits_for(rating: Deployment) -> None:
    await _book(rating)
    await rating.advance(utc("2024-02-10T00:00:00"))
    rows = []
    cursor: dict[str, Any] = {}
    while True:
        page = await _read(rating, "/v1/closing/2024-02/statements", limit=2, **cursor)
        rows += page["data"]
        if not page["has_more"]:
            break
        cursor = {"cursor": page["next_cursor"]}
    february = {row["contract"]: row for row in rows}
    assert list(february) == ["acme-1", "acme-2", "bolt-1", "core-1"]
    assert (february["acme-2"]["start"], february["acme-2"]["end"]) == ("2024-01-16", "2024-02-15")
    assert {name: row["older_open"] for name, row in february.items()} == {
        "acme-1": False,
        "acme-2": False,
        "bolt-1": True,
        "core-1": True,
    }
    [held, late] = (await _read(rating, "/v1/closing/2024-01/statements"))["data"]
    assert (held["contract"], held["state"], late["contract"], late["state"]) == (
        "bolt-1",
        "held",
        "core-1",
        "open",
    )
    exception = (await _read(rating, "/v1/exceptions", kind="pricing_failed"))["data"][0]
    assert held["held"] == {key: exception[key] for key in ("id", "detail", "owner")}


async def test_the_barrier_counts_what_no_statement_knows_yet(rating: Deployment) -> None:
    await _book(rating)
    empty = (await _read(rating, "/v1/closing/2024-01"))["barrier"]
    assert [one["records"] for one in empty["records"]] == [0 for _ in empty["records"]]
    assert (empty["batches"], empty["marks"], empty["since"]) == (0, 0, None)
    assert empty["records"][-1]["service"] == "rating"
    async with folder_held(rating):
        await rating.send(event("e", "acme", utc("2024-01-06T10:00:00")))

        async def metered() -> Any:
            barrier = (await _read(rating, "/v1/closing/2024-01"))["barrier"]
            return barrier if barrier["batches"] and not barrier["records"][-1]["records"] else None

        waiting = await until(metered)
        assert waiting["batches"] == 1 and waiting["since"] is not None
    # Whoever has the turn to fan out keeps marks from becoming requests.
    admin = await asyncpg.connect(rating.database.admin_url)
    try:
        await admin.execute("select pg_advisory_lock($1)", FAN_OUT)
        await admin.execute(
            """insert into rating.marks (subject, day) values ('acme', '2024-01-06'), ('acme', '2024-01-31'),
                ('acme', '2024-02-01'), ('nobody', '2024-01-06')"""
        )
        barrier = (await _read(rating, "/v1/closing/2024-01"))["barrier"]
        rows = (await _read(rating, "/v1/closing/2024-01/statements"))["data"]
        await admin.execute(
            "insert into rating.marks (subject, day) select 'nobody', '2024-01-06' from generate_series(1, $1)",
            WAITING_MAX,
        )
        beyond = (await _read(rating, "/v1/closing/2024-01/statements"))["data"]
    finally:
        await admin.close()
    assert [row["marks"] for row in beyond] == [None, None, None], "not known is not none"
    assert barrier["marks"] >= 4 and barrier["since"] is not None
    assert {row["contract"]: row["marks"] for row in rows} == {"acme-1": 2, "bolt-1": 0, "core-1": 0}


async def test_what_is_no_month_is_refused(rating: Deployment) -> None:
    for path in ("/v1/closing/2024-13", "/v1/closing/2024", "/v1/closing/%00", "/v1/closing/2024-01-01"):
        assert (await _read(rating, path, 422))["code"] == "body_invalid"
        assert (await _read(rating, f"{path}/statements", 422))["code"] == "body_invalid"
    for query in ({"month": "2024-00"}, {"state": "closed"}, {"month": ""}):
        assert (await _read(rating, "/v1/statements", 422, **query))["code"] == "body_invalid"
    refused = await _read(rating, "/v1/closing/2024-01/statements", 422, cursor="WyJhIl0=")
    assert refused["code"] == "cursor_invalid"
