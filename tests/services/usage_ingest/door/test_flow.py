"""What comes in by each way, and that all of it is counted: received = published + quarantined + refused."""

import base64
import json
from typing import Any
from uuid import uuid4

import asyncpg

from shared.bus import Record
from shared.topics.usage_ingest import USAGE_RECEIPTS
from tests.services.usage_ingest.circumstances import event
from tests.services.usage_ingest.conftest import Door
from tests.waiting import until


async def counts(door: Door, source: str) -> dict[str, int]:
    """The door's sums of one source."""
    with door.client() as client:
        rows = client.get("/v1/receipts/door", params={"source": source}).json()["data"]
    return {
        name: sum(row[name] for row in rows) for name in ("received", "published", "quarantined", "refused")
    }


async def settled(door: Door, source: str, received: int) -> dict[str, int]:
    async def all_in() -> bool:
        return (await counts(door, source))["received"] == received

    await until(all_in)
    return await counts(door, source)


async def test_each_content_type_brings_its_events(door: Door) -> None:
    mine = str(uuid4())
    one = event(source=mine, id="1")
    with door.client() as client:

        def send(media: str, body: str) -> Any:
            answer = client.post("/v1/events", content=body, headers={"Content-Type": media})
            assert answer.status_code == 202, answer.text
            return answer.json()

        assert send("application/cloudevents+json; charset=UTF-8", json.dumps(one))["accepted"] == 1
        assert send("application/json", json.dumps({**one, "id": "2"}))["accepted"] == 1
        assert (
            send("application/cloudevents-batch+json", json.dumps([{**one, "id": "3"}, {**one, "id": "4"}]))[
                "accepted"
            ]
            == 2
        )
        assert send("application/json", "[]") == {
            "accepted": 0,
            "results": [],
            "received": 0,
            "published": 0,
            "quarantined": 0,
        }
        assert (
            send("application/x-ndjson", "\n".join(json.dumps({**one, "id": str(n)}) for n in (5, 6)) + "\n")[
                "accepted"
            ]
            == 2
        )
    assert sorted(message.id for message in await door.usage(mine)) == ["1", "2", "3", "4", "5", "6"]
    assert await settled(door, mine, 6) == {"received": 6, "published": 6, "quarantined": 0, "refused": 0}


async def test_a_dry_run_leaves_no_trace(door: Door) -> None:
    mine = str(uuid4())
    with door.client() as client:
        answer = client.post(
            "/v1/events?dry_run=true", json=[event(source=mine), event(source=mine, data={})]
        ).json()
        assert (answer["accepted"], answer["quarantined"]) == (1, 1)
        assert (
            client.post("/v1/events/void?dry_run=true", json={"source": mine, "id": "e1"}).status_code == 202
        )
        assert client.post("/v1/events", json=[event(source=mine, id="real")]).status_code == 202
    assert (await settled(door, mine, 1))["published"] == 1
    assert [message.id for message in await door.usage(mine)] == ["real"]


async def test_voids_come_in_three_shapes_and_are_receipted(door: Door) -> None:
    mine = str(uuid4())
    with door.client() as client:
        third = {"source": mine, "id": "3"}
        for body in ({"source": mine, "id": "1"}, [{"source": mine, "id": "2"}], {"voids": [third, third]}):
            answer = client.post("/v1/events/void", json=body)
            assert answer.status_code == 202, answer.text
    assert [result["status"] for result in answer.json()["results"]] == ["duplicate"]
    assert sorted((message.kind, message.id) for message in await door.usage(mine)) == [
        ("void", "1"),
        ("void", "2"),
        ("void", "3"),
        ("void", "3"),
    ]
    assert (await settled(door, mine, 4))["published"] == 4


async def test_a_correction_voids_and_replaces_or_does_neither(door: Door) -> None:
    mine = str(uuid4())
    with door.client() as client:
        wrong = client.post(
            "/v1/events/correct",
            json={"source": mine, "id": "e1", "event": event(source=mine, id="e2", data={"distance": "x"})},
        )
        assert (wrong.status_code, wrong.json()["code"], wrong.json()["errors"][0]["code"]) == (
            422,
            "correction_refused",
            "value_not_a_number",
        )
        same = client.post(
            "/v1/events/correct", json={"source": mine, "id": "e1", "event": event(source=mine)}
        )
        assert (same.status_code, same.json()["code"]) == (422, "correction_keeps_id")
        assert await door.usage(mine) == []
        right = client.post(
            "/v1/events/correct", json={"source": mine, "id": "e1", "event": event(source=mine, id="e2")}
        )
        assert right.status_code == 202, right.text
    assert sorted((message.kind, message.id) for message in await door.usage(mine)) == [
        ("event", "e2"),
        ("void", "e1"),
    ]


async def test_raw_records_take_the_same_way(door: Door) -> None:
    """What HTTP would refuse is quarantined with its bytes; the receipt names the offsets."""
    mine = str(uuid4())
    good = [json.dumps(event(source=mine, id=name)).encode() for name in ("e1", "e2")]
    bodies = [
        *good,
        json.dumps(event(source=mine, id="bad", data={})).encode(),
        b"{broken " + mine.encode(),
        b"\xff\xfe",
        b"",
        b"[1]",
        b'{"a":' * 100_000,
        b"x" * 600_000,
    ]
    await door.publish("usage.raw", *(Record(mine.encode(), body) for body in bodies))

    async def stored() -> bool:
        return (
            len(await door.fetch("select 1 from usage_ingest.quarantine where key_id like 'usage.raw:%'"))
            == len(bodies) - 2
        )

    await until(stored)
    kept = await door.fetch(
        "select raw, code from usage_ingest.quarantine where key_id like 'usage.raw:%' order by index_"
    )
    assert [row["raw"] for row in kept] == bodies[2:]
    assert [row["code"] for row in kept] == [
        "value_missing",
        "json_malformed",
        "text_not_unicode",
        "json_malformed",
        "not_an_object",
        "event_too_large",
        "event_too_large",
    ]
    assert sorted(message.id for message in await door.usage(mine)) == ["e1", "e2"]
    assert await settled(door, mine, 3) == {"received": 3, "published": 2, "quarantined": 1, "refused": 0}
    receipts = [
        receipt for receipt in await door.read(USAGE_RECEIPTS) if receipt.key_id.startswith("usage.raw:")
    ]
    assert sum(receipt.received for receipt in receipts) == len(bodies)
    assert sum(receipt.refused for receipt in receipts) == 1, "the record that fits no message"
    assert all(receipt.key_id.count(":") == 2 and "-" in receipt.key_id for receipt in receipts)


async def test_a_raw_record_whose_event_the_bus_refuses_is_set_aside_alone(door: Door) -> None:
    """A rule of the broker, here a trigger, about what one record would become on usage.events."""
    mine = str(uuid4())
    bodies = [json.dumps(event(source=mine, id=name)).encode() for name in ("e1", "against-the-rule", "e2")]
    admin = await asyncpg.connect(door.database.admin_url)
    try:
        await admin.execute("""
            create function bus.rule() returns trigger language plpgsql as $$ begin
                if new.topic = 'usage.events' and position('against-the-rule'::bytea in new.payload) > 0
                    then raise exception 'not this'; end if;
                return new; end $$;
            create trigger rule before insert on bus.segments for each row execute function bus.rule()""")
        await door.publish("usage.raw", *(Record(mine.encode(), body) for body in bodies))

        async def all_there() -> bool:
            return {message.id for message in await door.usage(mine)} == {"e1", "e2"}

        await until(all_there)
        [letter] = await admin.fetch(
            "select value, error from bus.dead_letters where grp = 'usage_ingest' and topic = 'usage.raw'"
        )
        assert letter["value"] == bodies[1] and "not this" in letter["error"]
    finally:
        await admin.execute(
            "drop trigger rule on bus.segments; drop function bus.rule(); delete from bus.dead_letters where topic = 'usage.raw'"
        )
        await admin.close()


def test_a_cursor_of_ones_own_making_is_refused(door: Door) -> None:
    with door.client() as client:
        for path in ("/v1/receipts/door", "/v1/quarantine", "/v1/keys"):
            for made in ([], ["a\0"], [10**18, "a", "b"], ["x"] if path == "/v1/receipts/door" else []):
                cursor = base64.urlsafe_b64encode(json.dumps(made).encode()).decode()
                assert client.get(path, params={"cursor": cursor}).status_code in (200, 422), (path, made)


def test_an_hour_that_is_none_is_refused(door: Door) -> None:
    """Instants at either end of time, where another zone has no such day, and cursors before and after
    them."""
    ends = (
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
        "0001-01-01T00:00:00Z",
        "9999-12-31T23:59:59Z",
    )
    asked = [{name: end} for name in ("from", "to") for end in ends]
    asked += [
        {"cursor": base64.urlsafe_b64encode(json.dumps([us, "k", "s"]).encode()).decode()}
        for us in (-99999999999999999, 10**18, 10**40)
    ]
    with door.client() as client:
        for parameters in asked:
            assert client.get("/v1/receipts/door", params=parameters).status_code == 422, parameters
        assert (
            client.get(
                "/v1/receipts/door",
                params={"from": "2013-01-01T00:00:00+14:00", "to": "2199-12-31T23:59:59-14:00"},
            ).status_code
            == 200
        )


async def test_nothing_received_is_unaccounted(door: Door) -> None:
    """K2 over everything sent so far."""
    rows = await door.fetch(
        "select sum(received) r, sum(published) p, sum(quarantined) q, sum(refused) f from usage_ingest.receipts"
    )
    assert rows[0]["r"] == rows[0]["p"] + rows[0]["q"] + rows[0]["f"] > 0
    hours = await door.fetch(
        "select sum(received) r, sum(published) p, sum(quarantined) q, sum(refused) f from usage_ingest.door_hours"
    )
    assert tuple(hours[0]) == tuple(rows[0])
    published = await door.fetch(
        "select coalesce(sum(head), 0) as head from bus.heads where topic = 'usage.events'"
    )
    assert rows[0]["p"] <= published[0]["head"]
