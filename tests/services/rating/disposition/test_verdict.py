"""What became of an event, in one word: on the bus, set aside, stored, billed."""

from typing import Any

import asyncpg
import pytest

from services.rating.disposition import clients
from services.rating.disposition.usecases import explain_event
from shared.bus import Record
from shared.bus.dead_letters import Name, discard
from shared.topics.usage_ingest import USAGE_EVENTS, event_key
from tests.conftest import say
from tests.services.rating.deployment import Deployment, event, folder_held, terms, utc, void
from tests.waiting import until

NOON, CLOSE = utc("2024-01-10T12:00:00"), utc("2024-02-04T00:00:00")


async def told(rating: Deployment, id: str) -> dict[str, Any]:
    answer = await rating.client.get("/v1/events/explain", params={"source": "test", "id": id})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def word(rating: Deployment, id: str) -> str:
    found: str = (await told(rating, id))["verdict"]
    return found


async def test_from_suspense_to_billed_with_the_lines_that_charge_it(rating: Deployment) -> None:
    await rating.customer("acme")
    await rating.meter("calls")
    await rating.send(event("a", "acme", NOON), event("odd", "acme", NOON, type="unheard.of"))
    await rating.settled()
    assert (await word(rating, "a"), await word(rating, "odd"), await word(rating, "nope")) == (
        "suspense",
        "suspense",
        "unknown",
    )
    await rating.apply(terms("acme-1", "acme"))
    await until(lambda: _lines(rating, "a"))
    assert await word(rating, "a") == "will_be_billed"
    await rating.advance(CLOSE)
    found = await told(rating, "a")
    [contract] = found["contracts"]
    statement = await rating.statement("acme-1", "2024-01-01")
    assert found["verdict"] == "billed" and contract["final"]
    assert contract["lines"] == [
        {"line_id": line["id"], "key": "calls", "meter": "calls"} for line in statement["lines"]
    ]
    await rating.send(event("late", "acme", NOON))
    await rating.settled()
    assert await word(rating, "late") == "held_late"


async def _lines(rating: Deployment, id: str) -> bool:
    return any(contract["lines"] for contract in (await told(rating, id))["contracts"])


async def test_the_one_that_stands_answers_and_a_correction_under_a_voided_id_is_a_conflict(
    rating: Deployment,
) -> None:
    await rating.customer("acme")
    await rating.meter("calls")
    await rating.apply(terms("acme-1", "acme"))
    await rating.send(event("twice", "acme", NOON), event("twice", "acme", NOON, {"n": 2}))
    await rating.send(event("gone", "acme", NOON), void("gone"), void("awaited"))
    await rating.send(event("again", "acme", NOON), void("again"), event("again", "acme", NOON, {"n": 2}))
    await rating.settled()
    found = await told(rating, "twice")
    assert (found["verdict"], [body["body"]["data"] for body in found["conflicts"]]) == (
        "will_be_billed",
        [{"n": 2}],
    )
    assert (await word(rating, "gone"), await word(rating, "awaited")) == ("voided", "voided")
    found = await told(rating, "again")
    assert (found["verdict"], found["status"], [body["body"]["data"] for body in found["conflicts"]]) == (
        "conflict",
        "voided",
        [{"n": 2}],
    )


async def test_a_list_that_is_cut_says_of_how_many(
    rating: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(explain_event, "LISTED_MAX", 2)
    await rating.send(
        *[event("a", "acme", NOON)] * 5, *(event("a", "acme", NOON, {"n": n}) for n in range(3))
    )
    await rating.settled()
    found = await told(rating, "a")
    assert (
        len(found["duplicates"]),
        found["duplicates_total"],
        len(found["conflicts"]),
        found["conflicts_total"],
    ) == (2, 4, 2, 3)


async def test_what_metering_has_not_taken_is_in_flight(
    rating: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    await rating.send(event("first", "acme", NOON))
    await rating.settled()
    admin = await asyncpg.connect(rating.database.admin_url)
    try:
        async with admin.transaction():
            # nothing is metered while this is held
            await admin.execute("select from bus.positions where grp = 'rating' for update")
            await rating.send(
                *(event(str(n), "acme", NOON) for n in range(40)),
                event("waits", "acme", NOON),
                void("only-void"),
            )
            found = await told(rating, "waits")
            assert found["verdict"] == "in_flight" and [record["kind"] for record in found["in_flight"]] == [
                "event"
            ]
            assert (await word(rating, "only-void"), await word(rating, "nope")) == ("unknown", "unknown")
            monkeypatch.setattr(clients, "READ_MAX", 0)
            found = await told(rating, "waits")
            assert (
                found["verdict"] == "unknown"
                and found["in_flight_unread"] > 0
                and "may be among them" in found["detail"]
            )
    finally:
        await admin.close()
    await rating.settled()
    assert await word(rating, "waits") == "suspense"


async def test_what_is_stored_and_not_folded_is_in_flight(rating: Deployment) -> None:
    await rating.customer("acme")
    await rating.meter("calls")
    await rating.apply(terms("acme-1", "acme"))
    await rating.send(event("first", "acme", NOON))
    await rating.settled()
    async with folder_held(rating):
        await rating.send(event("waits", "acme", NOON), event("nobody's", "nobody", NOON), void("first"))
        waiting = await until(lambda: _stored(rating, "waits"))
        assert waiting["disposition"] == waiting["verdict"] == "in_flight"
        assert "fold" in waiting["detail"] and [meter["meter"] for meter in waiting["meters"]] == ["calls"]
        taken_back = await until(lambda: _voided(rating, "first"))
        assert taken_back["verdict"] == "in_flight" and "still count the event" in taken_back["detail"]
        await until(lambda: _stored(rating, "nobody's"))
        assert await _suspense(rating) == [], "what it counts is what its quantities are made of"
    await rating.settled()
    assert [await word(rating, id) for id in ("waits", "first", "nobody's")] == [
        "will_be_billed",
        "voided",
        "suspense",
    ]
    assert await _suspense(rating) == [1]


async def _suspense(rating: Deployment) -> list[int]:
    answer = await rating.client.get("/v1/suspense", params={"to": "2024-02-01"})
    return [row["events"] for row in answer.json()["data"]]


async def _stored(rating: Deployment, id: str) -> dict[str, Any] | None:
    found = await told(rating, id)
    return found if found["stored"] else None


async def _voided(rating: Deployment, id: str) -> dict[str, Any] | None:
    found = await told(rating, id)
    return found if found["void"] else None


async def test_what_metering_could_not_take_is_set_aside_until_it_is_published_again(
    rating: Deployment,
) -> None:
    await say(
        rating.database.admin_url,
        USAGE_EVENTS.name,
        [Record(event_key("test", "broken"), b'{"source": "test", "id": "broken"}')],
    )
    await rating.settled()
    found = await told(rating, "broken")
    [letter] = found["dead_letters"]
    assert (
        found["verdict"] == "set_aside"
        and letter["name"] in found["detail"]
        and "received_us" in letter["error"]
    )
    await discard(rating.context.db.pool, [Name.read(letter["name"])], "ann", "a probe")
    found = await told(rating, "broken")
    assert (found["verdict"], found["dead_letters"][0]["discarded"]["by"]) == (
        "set_aside",
        "ann",
    ) and "a probe" in found["detail"]
    await rating.send(event("broken", "acme", NOON))
    await rating.settled()
    assert await word(rating, "broken") == "suspense", "what is stored answers"
