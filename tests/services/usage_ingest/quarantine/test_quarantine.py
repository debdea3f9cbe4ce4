"""The quarantine: nothing refused is lost, and what is mended counts once."""

import asyncio
import base64
import json
import unicodedata
from typing import Any
from uuid import uuid4

import pytest

from shared.bus import Record
from shared.topics.rating import CATALOGUE_METERS
from shared.topics.usage_ingest import USAGE_QUARANTINE, QuarantineMessage
from tests.services.usage_ingest.circumstances import event, meter
from tests.services.usage_ingest.conftest import Door
from tests.waiting import until


async def quarantined(door: Door, *events: dict[str, object]) -> list[dict[str, Any]]:
    """Send these faulty events and return their entries, oldest first."""
    with door.client() as client:
        answer = client.post("/v1/events", json=list(events))
        assert answer.json()["quarantined"] == len(events), answer.text

        async def stored() -> bool:
            return len(entries(door, answer.headers["x-request-id"])) == len(events)

        await until(stored)
    return sorted(entries(door, answer.headers["x-request-id"]), key=lambda entry: int(entry["index"]))


def entries(door: Door, trace: str, **query: str) -> list[dict[str, Any]]:
    with door.client() as client:
        return [
            entry
            for entry in client.get("/v1/quarantine", params={"limit": 200, **query}).json()["data"]
            if entry["request_id"] == trace
        ]


def one(door: Door, entry: dict[str, Any], verb: str = "", body: object = None) -> Any:
    """The entry itself, or what a verb on it answers."""
    path = f"/v1/quarantine/{entry['quarantine_id']}"
    with door.client() as client:
        return client.post(f"{path}/{verb}", json=body) if verb else client.get(path).json()


async def test_an_entry_has_its_bytes_and_its_reason(door: Door) -> None:
    mine = str(uuid4())
    (entry,) = await quarantined(door, event(source=mine, data={"distance": "far"}))
    shown = one(door, entry)
    assert (shown["status"], shown["code"], shown["source"], shown["id"]) == (
        "open",
        "value_not_a_number",
        mine,
        "e1",
    )
    assert shown["time"] == "2013-07-15T11:00:00Z"
    assert '"far"' in shown["raw"]
    assert base64.b64decode(shown["raw_base64"]).decode() == shown["raw"]
    assert shown["business_at"] == "2013-07-15T12:00:00Z"


async def test_the_list_is_filtered_and_paged(door: Door) -> None:
    mine = str(uuid4())
    await quarantined(
        door,
        event(source=mine, time=""),
        event(source=mine, id="e2", time=""),
        event(source=mine, id="e3", data={}),
    )
    with door.client() as client:
        first = client.get("/v1/quarantine", params={"source": mine, "limit": 2}).json()
        rest = client.get(
            "/v1/quarantine", params={"source": mine, "limit": 2, "cursor": first["next_cursor"]}
        ).json()
        by_code = client.get(
            "/v1/quarantine",
            params={"source": mine, "code": "time_missing", "status": "open", "subject": "UA"},
        ).json()
    assert sorted(entry["id"] for entry in first["data"] + rest["data"]) == ["e1", "e2", "e3"]
    assert (first["has_more"], rest["has_more"], len(by_code["data"])) == (True, False, 2)
    assert client_status(door, "/v1/quarantine?status=lost") == 422
    assert client_status(door, "/v1/quarantine?cursor=x") == 422
    assert client_status(door, "/v1/quarantine/qua_none") == 404


def client_status(door: Door, path: str) -> int:
    with door.client() as client:
        return int(client.get(path).status_code)


async def test_a_replay_judges_with_todays_catalogue_and_counts_once(door: Door) -> None:
    mine, name = str(uuid4()), f"m{uuid4().hex}"
    await door.hear(CATALOGUE_METERS, meter(name, "sum", name))

    async def heard() -> bool:
        with door.client() as client:
            return bool(client.post("/v1/events?dry_run=true", json=event()).json()["quarantined"])

    await until(heard)
    (entry,) = await quarantined(door, event(source=mine))
    assert entry["code"] == "value_missing"
    assert one(door, entry, "replay").json()["status"] == "open", "the meter still wants a value"
    assert await door.usage(mine) == []

    await door.hear(CATALOGUE_METERS, meter(name, "sum", name, "ignore", revision=2))

    async def relented() -> bool:
        return not await heard()

    await until(relented)
    for _ in range(2):
        shown = one(door, entry, "replay").json()
        assert (shown["status"], shown["resolved_at"] is not None) == ("replayed", True)
    assert [message.id for message in await door.usage(mine)] == ["e1"]
    assert one(door, entry, "repair", {"event": event()}).status_code == 409


async def test_a_bulk_replay_takes_what_fits_the_filter(door: Door) -> None:
    mine = str(uuid4())
    early = [event(source=mine, id=f"e{n}", time="2013-07-15T13:00:00Z") for n in range(3)]
    faulty = await quarantined(door, *early, event(source=mine, id="bad", data={}))
    with door.client() as client:
        none = client.post(
            "/v1/quarantine/replay", json={"source": mine, "code": "timestamp_out_of_range"}
        ).json()
        assert (none["replayed"], none["still_open"], none["more"]) == (0, 3, False)
        assert client.post("/v1/quarantine/replay", json={"sauce": mine}).status_code == 422
    assert {entry["status"] for entry in entries(door, faulty[0]["request_id"])} == {"open"}


async def test_a_bulk_replay_goes_on_behind_what_stays_open(door: Door) -> None:
    mine = str(uuid4())
    faulty = await quarantined(
        door, *[event(source=mine, id=f"e{n}", time="2013-07-15T13:00:00Z") for n in range(5)]
    )
    ids = sorted(entry["quarantine_id"] for entry in faulty)
    with door.client() as client:
        rest = client.post("/v1/quarantine/replay", json={"source": mine, "after": ids[1]}).json()
        assert (rest["still_open"], rest["more"], rest["after"]) == (3, False, ids[-1])
        assert client.post("/v1/quarantine/replay", json={"source": mine, "after": "a\0b"}).status_code == 422


async def test_a_repair_counts_the_new_body_and_keeps_the_old_bytes(door: Door) -> None:
    mine = str(uuid4())
    (entry,) = await quarantined(door, event(source=mine, data={"distance": "1,400"}))
    refused = one(door, entry, "repair", {"event": event(source=mine, data={"distance": "x"})})
    assert (refused.status_code, refused.json()["code"]) == (422, "repair_refused")
    assert one(door, entry, "repair", {"evnt": 1}).status_code in (400, 422)
    repaired = one(door, entry, "repair", {"event": event(source=mine)})
    assert (repaired.status_code, repaired.json()["status"]) == (200, "repaired")
    assert '"1,400"' in repaired.json()["raw"] and "1400" in repaired.json()["repaired"]
    assert [bytes(message.data) for message in await door.usage(mine)] == [b'{"distance":1400,"tail":"N1"}']
    assert one(door, entry, "repair", {"event": event(source=mine)}).status_code == 409


async def test_of_many_at_once_one_resolves_it_and_its_row_says_so(door: Door) -> None:
    """Two repairs of one event differ, and each would count; what is discarded must not."""
    for _ in range(3):
        mine = str(uuid4())
        (entry,) = await quarantined(door, event(source=mine, data={"distance": "far"}))
        repairs = [event(source=mine, data={"distance": distance}) for distance in (1, 2, 3, 4)]
        calls = [("repair", {"event": body}) for body in repairs] + [("discard", {"reason": "no"})] * 2
        answers = await asyncio.gather(*(asyncio.to_thread(one, door, entry, *call) for call in calls))
        assert sorted(answer.status_code for answer in answers) == [200] + [409] * 5
        (said,) = [answer.json()["status"] for answer in answers if answer.status_code == 200]
        assert len(await door.usage(mine)) == (said == "repaired")
        with door.client() as client:
            (row,) = client.get("/v1/audit", params={"object_id": entry["quarantine_id"]}).json()["data"]
        assert (row["before"]["status"], row["after"]["status"]) == ("open", said)


async def test_a_discard_needs_a_reason_and_is_final(door: Door) -> None:
    (entry,) = await quarantined(door, event(source=str(uuid4()), time=""))
    assert one(door, entry, "discard", {}).status_code == 422
    shown = one(door, entry, "discard", {"reason": "a test of the producer's"}).json()
    assert (shown["status"], shown["resolution"]) == ("discarded", "a test of the producer's")
    assert one(door, entry, "replay").status_code == 409


@pytest.mark.parametrize("verb", ["replay", "repair", "discard"])
def test_what_is_not_there_is_not_found(door: Door, verb: str) -> None:
    body = {"repair": {"event": event()}, "discard": {"reason": "x"}}.get(verb)
    assert one(door, {"quarantine_id": "qua_none"}, verb, body).status_code == 404


async def test_an_event_is_found_by_its_names_as_they_were_sent(door: Door) -> None:
    """Also one too long to be kept whole, one in another spelling, and one whose bytes spell emoji as
    escapes."""
    mine = f"caf\u00e9 {uuid4()}"
    names = ["caf\u00e9 ", "x" * 3000, "\U0001f469\u200b\U0001f4bb"]
    found = await quarantined(
        door,
        *[event(source=mine, id=name) for name in names],
        event(source=mine, id="other", subject="a\u2028b"),
    )
    assert [entry["code"] for entry in found] == [
        "name_character",
        "name_length",
        "name_character",
        "name_character",
    ]
    with door.client() as client:
        for name in names:
            for spelling in (name, unicodedata.normalize("NFD", name)):
                asked = {
                    "source": unicodedata.normalize("NFD", mine),
                    "id": spelling,
                    "by": "door",
                    "status": "open",
                }
                rows = client.get("/v1/quarantine", params=asked).json()["data"]
                assert [row["id"] for row in rows] == [name[:1024]]
        assert client.get("/v1/quarantine", params={"source": mine, "id": "x"}).json()["data"] == []
        assert (
            len(
                client.get("/v1/quarantine", params={"source": mine, "code": "name_character"}).json()["data"]
            )
            == 3
        )
        assert client.get("/v1/quarantine", params={"source": mine, "by": "metering"}).json()["data"] == []


async def test_what_metering_refused_is_resolved_like_what_the_door_did(door: Door) -> None:
    mine = str(uuid4())
    sent = [json.dumps(event(source=mine, id=f"e{n}")).encode() for n in range(3)]
    told = [
        QuarantineMessage(
            f"qua_{uuid4().hex[:22]}",
            "not_storable",
            "too wide",
            raw,
            1,
            1,
            source=mine,
            id=f"e{n}",
            by="metering",
        )
        for n, raw in enumerate(sent)
    ]
    await door.publish(
        USAGE_QUARANTINE.name, *(Record(b"any", USAGE_QUARANTINE.encode(message)) for message in told)
    )

    def listed() -> list[dict[str, Any]]:
        with door.client() as client:
            return list(
                client.get("/v1/quarantine", params={"source": mine, "by": "metering"}).json()["data"]
            )

    async def stored() -> bool:
        return len(listed()) == len(told)

    await until(stored)
    replayed, repaired, discarded = sorted(listed(), key=lambda entry: str(entry["id"]))
    assert one(door, replayed, "replay").json()["status"] == "replayed"
    assert (
        one(door, repaired, "repair", {"event": event(source=mine, id="mended")}).json()["status"]
        == "repaired"
    )
    assert one(door, discarded, "discard", {"reason": "a test"}).json()["status"] == "discarded"
    assert sorted(message.id for message in await door.usage(mine)) == ["e0", "mended"]


async def test_ten_look_alikes_are_one_id_or_none(door: Door) -> None:
    mine = str(uuid4())
    like = [
        "caf\u00e9",
        "cafe\u0301",
        *(f"caf{hidden}\u00e9" for hidden in "\u200b\u200c\u200d\u00ad\u2060\ufeff\u00a0"),
        "caf\u00e9 ",
    ]
    with door.client() as client:
        answer = client.post("/v1/events", json=[event(source=mine, id=name) for name in like]).json()
        assert [result["status"] for result in answer["results"]] == ["duplicate"] + ["quarantined"] * 8
        assert answer["accepted"] == 1
        void = client.post("/v1/events/void", json={"source": mine, "id": "caf\u00e9 "})
    assert void.status_code == 202, "what was stored before such a name was refused can still be voided"
    assert {message.id for message in await door.usage(mine)} == {"caf\u00e9", "caf\u00e9 "}
