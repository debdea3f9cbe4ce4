"""The product's own questions, over HTTP on a running rating service: usage, raw events, what became of one,
and suspense."""

import base64
import json
from datetime import timedelta
from typing import Any

from shared.topics import ALL
from tests.services.rating.deployment import Deployment, event, terms, utc, void
from tests.waiting import until

NOON = utc("2024-01-05T12:00:00")


async def get(rating: Deployment, path: str, status: int = 200, /, **asked: Any) -> Any:
    answer = await rating.client.get(path, params=asked)
    assert answer.status_code == status, answer.text
    return answer.json()


async def started(rating: Deployment) -> None:
    await rating.customer("acme", "Asia/Kathmandu")
    await rating.meter("calls", group_by=["region"], list_price={"currency": "USD", "unit": "0.125"})
    await rating.meter("bytes", aggregation="sum", field="bytes", missing="ignore")
    await rating.meter("users", aggregation="unique", field="user", missing="ignore")


async def test_usage_in_the_customers_time_zone(rating: Deployment) -> None:
    await started(rating)
    midnight = utc("2024-01-05T18:15:00")  # 6 January in Kathmandu
    await rating.send(
        event("a", "acme", midnight - timedelta(seconds=1), {"region": "eu", "bytes": "1.5", "user": "ann"}),
        event("b", "acme", midnight, {"region": "eu", "bytes": 2, "user": "ann"}),
        event("c", "acme", midnight, {"region": "us", "user": "bob"}),
    )
    await rating.settled()
    days = await get(
        rating, "/v1/usage", customer="acme", meter="calls", **{"from": "2024-01-05", "to": "2024-01-08"}
    )
    assert days["timezone"] == "Asia/Kathmandu"
    assert [(day["start"], day["value"]) for day in days["data"]] == [
        ("2024-01-04T18:15:00Z", "1"),
        ("2024-01-05T18:15:00Z", "2"),
        ("2024-01-06T18:15:00Z", "0"),
    ]
    month = {"from": "2024-01-01", "to": "2024-02-01"}
    grouped = await get(
        rating, "/v1/usage", customer="acme", meter="calls", window="month", group_by="region", **month
    )
    assert [(point["group"], point["value"]) for point in grouped["data"]] == [
        ({"region": "eu"}, "2"),
        ({"region": "us"}, "1"),
    ]
    around = {"from": "2024-01-05T23:00:00+05:45", "to": "2024-01-06T01:00:00+05:45"}
    hours = await get(rating, "/v1/usage", subject="acme", meter="bytes", window="hour", **around)
    assert [point["value"] for point in hours["data"]] == ["1.5", "2"]
    users = await get(rating, "/v1/usage", customer="acme", meter="users", window="month", **month)
    assert [point["value"] for point in users["data"]] == ["2"]


async def test_questions_about_usage_that_make_no_sense(rating: Deployment) -> None:
    await started(rating)
    for asked, status, code in (
        ({"meter": "calls"}, 422, "customer_or_subject"),
        ({"meter": "calls", "customer": "x"}, 404, "customer_not_found"),
        ({"meter": "nope", "customer": "acme"}, 404, "meter_not_found"),
        ({"meter": "calls", "customer": "acme", "group_by": "plan"}, 422, "dimension_unknown"),
        ({"meter": "calls", "customer": "acme", "from": "yesterday"}, 422, "time_unreadable"),
        (
            {"meter": "calls", "customer": "acme", "from": "2024-01-02", "to": "2024-01-01"},
            422,
            "times_reversed",
        ),
        (
            {
                "meter": "calls",
                "customer": "acme",
                "from": "2020-01-01",
                "to": "2024-01-01",
                "window": "hour",
            },
            422,
            "too_many_windows",
        ),
        ({"meter": "calls\0", "customer": "acme"}, 422, "body_invalid"),
    ):
        assert (await get(rating, "/v1/usage", status, **asked))["code"] == code


async def test_raw_events_page_by_page_and_up_to_a_watermark(rating: Deployment) -> None:
    await started(rating)
    await rating.send(
        *(
            event(str(n), "acme", NOON + timedelta(minutes=n), {"region": "eu" if n % 2 else "us"})
            for n in range(7)
        )
    )
    await rating.settled()
    watermark = {
        str(row["partition"]): row["batch_id"]
        for row in await rating.context.db.pool.fetch(
            "select partition, max(batch_id) as batch_id from bus.batches where grp = 'rating' and topic = 'usage.events' group by 1"
        )
    }
    await rating.send(event("late", "acme", NOON, {"region": "eu"}), void("1"))
    await rating.settled()
    asked = {
        "customer": "acme",
        "meter": "calls",
        "from": "2024-01-05",
        "to": "2024-01-07",
        "group": '{"region":"eu"}',
    }
    found: list[str] = []
    further: dict[str, Any] = {"limit": 1}
    while True:
        page = await get(rating, "/v1/events", **asked, **further)
        found += [one["id"] for one in page["data"]]
        if not page["has_more"]:
            break
        further["cursor"] = page["next_cursor"]
    assert found == ["late", "3", "5"]
    before = await get(rating, "/v1/events", before_batch=json.dumps(watermark), **asked)
    assert [one["id"] for one in before["data"]] == ["1", "3", "5"]
    assert before["data"][0]["value"] == "1" and before["data"][0]["data"] == {"region": "eu"}
    assert (await get(rating, "/v1/events", 422, **{**asked, "group": "[1]"}))[
        "code"
    ] == "parameter_unreadable"
    for place in ([-(2**57), 1, 1], [10**30, 1, 1], [1, 2**63, 1], [1, 1, 2**31], [1, 1], [1, "1", 1]):
        cursor = base64.urlsafe_b64encode(json.dumps(place).encode()).decode()
        assert (await get(rating, "/v1/events", 422, **asked, cursor=cursor))["code"] == "cursor_invalid", (
            place
        )
    for end in ("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"):
        assert (await get(rating, "/v1/events", 422, **{**asked, "to": end}))["code"] == "time_unreadable", (
            end
        )


async def test_what_became_of_an_event(rating: Deployment) -> None:
    await started(rating)

    async def told(id: str) -> Any:
        return await get(rating, "/v1/events/explain", source="test", id=id)

    nothing = await told("nope")
    assert nothing["status"] == "unknown"
    assert nothing["detail"].startswith("not stored (yet): if it was sent within the last seconds, ask again")
    lost = event("e", "who", NOON, {"region": "eu", "user": "ann"})
    await rating.send(
        lost,
        lost,
        event("e", "who", NOON, {"region": "us"}),
        void("later"),
        event("odd", "acme", NOON, type="strange"),
    )
    await rating.settled()
    assert (await told("later"))["status"] == "awaited"
    assert (await told("odd"))["disposition"] == "suspense" and "no meter" in (await told("odd"))["detail"]
    found = await told("e")
    assert (found["status"], found["disposition"], len(found["duplicates"]), len(found["conflicts"])) == (
        "stored",
        "suspense",
        1,
        1,
    )
    assert found["conflicts"][0]["body"]["data"] == {"region": "us"}
    assert (
        found["stored"]["offsets"]["from"] <= found["stored"]["offsets"]["to"]
        and found["stored"]["topic"] == "usage.events"
    )
    assert {fed["meter"]: (fed["value"], fed["item"], fed["unreadable"]) for fed in found["meters"]} == {
        "calls": ("1", None, False),
        "bytes": (None, None, True),
        "users": ("1", "ann", False),
    }
    await rating.alias("acme", "who")
    assert "no contract" in (await told("e"))["detail"]
    await rating.apply(
        terms(
            "acme-1",
            "acme",
            lines=[
                {"key": "b", "kind": "usage", "meter": "users", "price": {"model": "per_unit", "unit": "1"}}
            ],
        )
    )
    priced = await told("e")
    assert (priced["disposition"], priced["customer"]["by_alias"]) == ("priced", True)
    assert [(c["contract"], c["version"], c["meters"]) for c in priced["contracts"]] == [
        ("acme-1", 1, ["users"])
    ]
    await rating.send(void("e"))
    await rating.settled()
    assert (await told("e"))["status"] == "voided"


async def test_suspense_in_money_resolves_by_itself(rating: Deployment) -> None:
    await started(rating)
    await rating.send(
        *(event(f"w{n}", "who", NOON, {"region": "eu"}) for n in range(4)),
        event("feb", "who", utc("2024-02-02T00:00:00")),
        void("w0"),
        event("a1", "acme", NOON),
        event("dec", "acme", utc("2023-12-31T00:00:00")),
        event("odd", "acme", NOON, type="strange"),
    )
    await rating.settled()

    async def listed() -> list[tuple[Any, ...]]:
        rows = (await get(rating, "/v1/suspense", to="2025-01-01"))["data"]
        return [
            (
                row["customer"] or row["subject"],
                row["month"],
                row["reason"],
                row["events"],
                (row["value"] or {}).get("amount"),
            )
            for row in rows
        ]

    assert await listed() == [
        ("acme", "2023-12", "no_contract", 1, "0.13"),
        ("acme", "2024-01", "no_contract", 1, "0.13"),
        ("acme", "2024-01", "no_meter", 1, None),
        ("who", "2024-01", "no_customer", 3, "0.38"),
        ("who", "2024-02", "no_customer", 1, "0.13"),
    ]
    await rating.apply(terms("acme-1", "acme"))
    assert await listed() == [
        ("acme", "2023-12", "no_contract", 1, "0.13"),
        ("acme", "2024-01", "no_meter", 1, None),
        ("who", "2024-01", "no_customer", 3, "0.38"),
        ("who", "2024-02", "no_customer", 1, "0.13"),
    ]
    await rating.alias("acme", "who")
    await rating.advance(utc("2024-02-10T00:00:00"))
    assert await listed() == [
        ("acme", "2023-12", "no_contract", 1, "0.13"),
        ("acme", "2024-01", "no_meter", 1, None),
    ]
    first = await get(rating, "/v1/suspense", to="2025-01-01", limit=1)
    rest = await get(rating, "/v1/suspense", to="2025-01-01", limit=1, cursor=first["next_cursor"])
    assert [row["reason"] for row in first["data"] + rest["data"]] == ["no_contract", "no_meter"] and rest[
        "next_cursor"
    ] is None


async def test_customers_and_meters_are_told_and_refused(rating: Deployment) -> None:
    await started(rating)
    twice = [
        await rating.client.post(
            "/v1/customers",
            json={"external_id": "beta", "name": "Beta", "aliases": ["b1", "b2"]},
            headers={"idempotency-key": "k1"},
        )
        for _ in range(2)
    ]
    assert [answer.status_code for answer in twice] == [201, 201] and twice[0].json() == twice[1].json()
    for body, status in (
        ({"external_id": "beta", "name": "x"}, 409),
        ({"external_id": "new", "name": "x", "aliases": ["b1"]}, 409),
        ({"external_id": "b1", "name": "x"}, 409),
        ({"external_id": "x", "name": "x", "timezone": "Mars/Base"}, 422),
        ({"external_id": "x", "name": "x", "surprise": 1}, 422),
        ({"external_id": "nul\0", "name": "x"}, 422),
    ):
        assert (await rating.client.post("/v1/customers", json=body)).status_code == status, body
    assert (await get(rating, "/v1/customers/beta"))["aliases"] == ["b1", "b2"]
    await get(rating, "/v1/customers/b1", 404)
    assert (await rating.client.post("/v1/customers/beta/aliases", json={"alias": "acme"})).status_code == 409
    for changes, status in (
        ({"field": "x"}, 422),
        ({"aggregation": "sum"}, 422),
        ({"group_by": ["other"]}, 422),
        ({"missing": "drop"}, 422),
        ({"list_price": {"currency": "USD", "unit": "1"}}, 409),
        ({"role": "user"}, 422),
        ({"filters": {"a": ["\0"]}}, 422),
    ):
        document = {"meter": "m", "event_type": "call", "aggregation": "count", **changes}
        assert (await rating.client.post("/v1/meters", json=document)).status_code == status, document
    for told in (
        b'"a": "\\u0000"',
        b'"a\\u0000": 1',
        b'"a": [{"b": "\\ud800"}]',
        b'"a": 1e999',
        b'"a": ' + b"[" * 300 + b"]" * 300,
    ):
        hostile = b'{"plan": "p", ' + told + b"}"
        refused = await rating.client.post(
            "/v1/plans", content=hostile, headers={"content-type": "application/json"}
        )
        assert refused.status_code == 422, (hostile, refused.text)
    plan = {"plan": "pro", "object": "mine", "lines": [{"a": 1.5, "b": None}]}
    put = (await rating.client.post("/v1/plans", json=plan)).json()
    assert put == {**plan, "object": "plan", "revision": put["revision"]} and (
        await get(rating, "/v1/plans")
    )["data"] == [put]
    assert [meter["meter"] for meter in (await get(rating, "/v1/meters"))["data"]] == [
        "bytes",
        "calls",
        "users",
    ]
    said = await until(lambda: _said(rating, "customers.customers", 2))
    assert {message.external_id: message.aliases for message in said} == {"acme": (), "beta": ("b1", "b2")}
    assert {message.meter for message in await until(lambda: _said(rating, "catalogue.meters", 3))} == {
        "bytes",
        "calls",
        "users",
    }


async def _said(rating: Deployment, topic: str, size: int) -> list[Any]:
    """All messages of a topic of one partition, once there are so many."""
    head = (await rating.context.bus.heads(topic))[0]
    if head < size:
        return []
    return [
        ALL[topic].decode(record.value)
        for record in (await rating.context.bus.read(topic, 0, 0, head)).records
    ]
