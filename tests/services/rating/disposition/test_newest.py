"""The events that were stored last: newest first, each with the verdict that an explanation of it gives."""

from typing import Any

from services.rating.disposition.repository.events import LOOKED_MAX
from tests.services.rating.deployment import Deployment, event, folder_held, terms, utc, void
from tests.waiting import until

NOON = utc("2024-01-10T12:00:00")


async def _newest(rating: Deployment, status: int = 200, **query: Any) -> Any:
    answer = await rating.client.get("/v1/events/latest", params=query)
    assert answer.status_code == status, answer.text
    return answer.json()


async def _names(rating: Deployment, **query: Any) -> list[str]:
    return [row["id"] for row in (await _newest(rating, **query))["data"]]


async def _book(rating: Deployment) -> None:
    """An event of every verdict that a stored one can have without a decision of a person."""
    for customer in ("acme", "bolt", "core", "dune"):
        await rating.customer(customer)
    await rating.meter("calls")
    await rating.meter("other", event_type="other")
    await rating.meter("regional", event_type="regional", group_by=["region"])
    await rating.apply(terms("acme-1", "acme"))
    matrix = {"model": "matrix", "dimensions": ["region"], "rates": [{"region": "eu", "unit": "1.00"}]}
    await rating.apply(
        terms("bolt-1", "bolt", lines=[{"key": "r", "kind": "usage", "meter": "regional", "price": matrix}])
    )
    await rating.alias("core", "core-eu")
    await rating.apply(terms("core-1", "core"))
    await rating.send(
        event("billed", "acme", NOON), event("left", "core-eu", NOON), event("void-late", "acme", NOON)
    )
    await rating.settled()
    await rating.advance(utc("2024-02-05T00:00:00"))
    changed = await rating.client.patch("/v1/customers/core", json={"aliases": {"remove": ["core-eu"]}})
    assert changed.status_code == 200, changed.text
    later = utc("2024-02-04T12:00:00")
    await rating.send(
        event("late", "acme", NOON),
        event("will-be-billed", "acme", later),
        event("nobody", "strange", later),
        event("no-meter", "acme", later, type="unheard"),
        event("no-contract", "dune", later),
        event("unpriced", "acme", later, type="other"),
        event("voided", "acme", later),
        event("conflicting", "acme", later),
        event("held", "bolt", later, {"region": "moon"}, "regional"),
    )
    await rating.metered()
    await rating.send(
        void("voided"), void("conflicting"), void("void-late"), event("conflicting", "acme", later, {"n": 2})
    )
    await rating.settled()


async def test_each_has_the_verdict_of_its_explanation(rating: Deployment) -> None:
    await _book(rating)
    shown = (await _newest(rating, limit=200))["data"]
    assert len(shown) == 12
    verdicts = set()
    for row in shown:
        answer = await rating.client.get(
            "/v1/events/explain", params={"source": row["source"], "id": row["id"]}
        )
        told = answer.json()
        assert (row["verdict"], row["detail"]) == (told["verdict"], told["detail"]), row["id"]
        assert row["meters"] == [reading["meter"] for reading in told["meters"]]
        assert [one["contract"] for one in row["applied"]] == [
            one["contract"] for one in told["contracts"] if one["meters"]
        ], row["id"]
        for one in told["contracts"]:
            stands = await rating.statement(one["contract"], one["period"]["start"])
            assert one["statement"] == stands["id"], "the statement is named"
            assert {line["line_id"] for line in one["lines"]} <= {line["id"] for line in stands["lines"]}
        verdicts.add(row["verdict"])
    assert verdicts == {
        "billed",
        "held_late",
        "will_be_billed",
        "suspense",
        "unpriced",
        "voided",
        "conflict",
        "held",
    }
    reasons = {row["id"]: row["reason"] for row in shown if row["reason"]}
    assert reasons == {"nobody": "no_customer", "no-meter": "no_meter", "no-contract": "no_contract"}


async def test_the_newest_come_first_and_the_next_call_has_what_came_since(rating: Deployment) -> None:
    assert (await _newest(rating)) == {"object": "newest_events", "data": [], "more": False, "after": ""}
    await rating.customer("acme")
    await rating.meter("calls")
    await rating.apply(terms("acme-1", "acme"))
    for name in ("one", "two", "three"):
        await rating.send(event(name, "acme", NOON))
        await rating.metered()
    assert await _names(rating) == ["three", "two", "one"]
    two = await _newest(rating, limit=2)
    assert ([row["id"] for row in two["data"]], two["more"]) == (["three", "two"], True)
    nothing = await _newest(rating, after=two["after"])
    assert (nothing["data"], nothing["more"], nothing["after"]) == ([], False, two["after"])
    async with folder_held(rating):
        await rating.send(event("four", "acme", NOON))
        since = await until(lambda: _since(rating, two["after"]))
        [four] = since["data"]
        assert (four["id"], four["verdict"]) == ("four", "in_flight")
    assert (await _newest(rating, after=since["after"]))["data"] == []


async def _since(rating: Deployment, after: str) -> Any:
    found = await _newest(rating, after=after)
    return found if found["data"] else None


async def test_it_is_narrowed_and_looks_no_further_than_it_says(rating: Deployment) -> None:
    await rating.customer("acme")
    await rating.send(event("old", "zenith", NOON, type="rare"))
    await rating.metered()
    await rating.send(event("new", "acme", NOON, type="call"))
    await rating.metered()
    assert await _names(rating, type="rare") == ["old"]
    assert await _names(rating, subject="acme") == ["new"]
    assert await _names(rating, source="test", type="call") == ["new"]
    assert await _names(rating, source="other") == []
    await _many(rating, LOOKED_MAX)
    beyond = await _newest(rating, type="rare")
    assert (beyond["data"], beyond["more"]) == ([], True), "it lies beyond"
    assert len(await _names(rating, subject="acme", limit=200)) == 200


async def _many(rating: Deployment, count: int) -> None:
    """So many more like the event `new`, just after it."""
    await rating.context.db.pool.execute(
        """insert into rating.events (batch_id, seq, partition, received_at, key, source, id, type, subject, time, data)
           select e.batch_id + 1, n, e.partition, e.received_at, decode(md5(n::text), 'hex'), 'test', 'n' || n, e.type,
               e.subject, e.time, e.data
           from rating.events e, generate_series(1, $1) n where e.id = 'new'""",
        count,
    )


async def test_where_more_came_than_is_looked_through_it_says_that_more_may_have_come(
    rating: Deployment,
) -> None:
    await rating.send(event("first", "acme", NOON))
    await rating.metered()
    before = (await _newest(rating, type="rare"))["after"]
    await rating.send(event("old", "zenith", NOON, type="rare"))
    await rating.metered()
    one = await _newest(rating, type="rare", after=before)
    assert ([row["id"] for row in one["data"]], one["more"]) == (["old"], False)
    await rating.send(event("new", "acme", NOON))
    await rating.metered()
    await _many(rating, LOOKED_MAX)
    none = await _newest(rating, type="rare", after=before)
    assert (none["data"], none["more"]) == ([], True), "the one that fits lies beyond"
    nothing = await _newest(rating, type="rare", after=none["after"])
    assert (nothing["data"], nothing["more"]) == ([], False)


async def test_what_it_cannot_read_is_refused(rating: Deployment) -> None:
    for query in (
        {"limit": 0},
        {"limit": 201},
        {"after": "x"},
        {"after": "0:1,"},
        {"after": "0:9999999999999999999"},
        {"type": "\0"},
        {"subject": ""},
        {"cursor": "x"},
    ):
        assert (await _newest(rating, 422, **query))["code"] in (
            "body_invalid",
            "after_invalid",
            "query_parameter_unknown",
        ), query
