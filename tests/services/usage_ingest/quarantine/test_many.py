"""The quarantine as a whole: counted by what events have in common, tried out, and discarded many at once."""

from typing import Any
from uuid import uuid4

from services.usage_ingest.quarantine.usecases.walk_open import PART
from tests.services.usage_ingest.circumstances import event
from tests.services.usage_ingest.conftest import Door
from tests.services.usage_ingest.quarantine.test_quarantine import one, quarantined


def _ask(door: Door, method: str, path: str, status: int = 200, **call: Any) -> Any:
    with door.client() as client:
        answer = client.request(method, f"/v1/quarantine{path}", **call)
    assert answer.status_code == status, answer.text
    return answer.json()


async def test_a_summary_counts_what_the_list_has_by_what_it_has_in_common(door: Door) -> None:
    mine, other = str(uuid4()), str(uuid4())
    await quarantined(door, *[event(source=mine, id=f"t{n}", time="") for n in range(3)])
    await quarantined(door, event(source=mine, id="v", data={"distance": "far"}))
    await quarantined(door, event(source=other, time=""))
    listed = _ask(door, "GET", "", params={"source": mine})["data"]
    [day] = {row["received_at"][:10] for row in listed}
    by_code = _ask(door, "GET", "/summary", params={"source": mine, "status": "open"})
    assert (by_code["events"], by_code["more"]) == (4, False)
    assert by_code["oldest"] == min(row["received_at"] for row in listed)
    assert [(g["code"], g["source"], g["day"], g["events"]) for g in by_code["groups"]] == [
        ("time_missing", None, None, 3),
        ("value_not_a_number", None, None, 1),
    ]
    whole = _ask(
        door, "GET", "/summary", params={"q": "t", "source": mine, "group_by": ["day", "source", "code"]}
    )
    [group] = whole["groups"]
    assert (group["code"], group["source"], group["day"]) == ("time_missing", mine, day)
    assert (group["oldest"], group["newest"]) == (
        min(row["received_at"] for row in listed if row["id"] != "v"),
        max(row["received_at"] for row in listed if row["id"] != "v"),
    )
    assert _ask(door, "GET", "/summary", params={"source": "none"}) == {
        "object": "quarantine_summary",
        "events": 0,
        "oldest": None,
        "owner": "integration engineer",
        "groups": [],
        "more": False,
    }
    for refused in ({"group_by": "subject"}, {"group_by": ""}, {"status": "lost"}, {"limit": 1}):
        _ask(door, "GET", "/summary", 422, params=refused)


async def test_a_dry_run_says_what_would_come_of_it_and_changes_nothing(door: Door) -> None:
    mine = str(uuid4())
    entry, early = await quarantined(
        door,
        event(source=mine, id="a", data={"distance": "far"}),
        event(source=mine, id="b", time="2013-07-15T13:00:00Z"),
    )
    dry = {"dry_run": "true"}
    shown = _ask(door, "POST", f"/{entry['quarantine_id']}/replay", params=dry)
    assert shown == {
        "object": "judgement",
        "quarantine_id": entry["quarantine_id"],
        "passes": False,
        "code": entry["code"],
        "detail": entry["detail"],
    }
    for body, passes in ((event(source=mine, id="a"), True), (event(source=mine, id="a", time=""), False)):
        tried = _ask(door, "POST", f"/{entry['quarantine_id']}/repair", params=dry, json={"event": body})
        assert (tried["passes"], tried["code"]) == (passes, None if passes else "time_missing")
    _ask(door, "POST", f"/{entry['quarantine_id']}/repair", 400, params=dry, content=b"{", headers=_JSON)
    whole = _ask(door, "POST", "/replay", params=dry, json={"source": mine})
    assert (whole["replayed"], whole["still_open"], whole["dry_run"]) == (0, 2, True)
    gone = _ask(door, "POST", "/discard", params=dry, json={"source": mine, "reason": "none"})
    assert gone == {
        "object": "discard",
        "discarded": 2,
        "more": False,
        "after": max(entry["quarantine_id"], early["quarantine_id"]),
        "dry_run": True,
    }
    rows = _ask(door, "GET", "", params={"source": mine})["data"]
    assert {row["id"]: (row["status"], row["code"]) for row in rows} == {
        row["id"]: ("open", row["code"]) for row in (entry, early)
    }
    assert await door.usage(mine) == []
    for path in (entry["quarantine_id"], early["quarantine_id"]):
        with door.client() as client:
            assert client.get("/v1/audit", params={"object_id": path}).json()["data"] == []
    one(door, entry, "discard", {"reason": "seen"})
    refused = _ask(door, "POST", f"/{entry['quarantine_id']}/replay", 409, params=dry)
    assert refused["code"] == "already_resolved"
    _ask(door, "POST", "/qua_none/replay", 404, params=dry)


_JSON = {"content-type": "application/json"}


async def test_many_are_discarded_by_what_they_have_in_common_and_the_reason_stays_with_each(
    door: Door,
) -> None:
    mine = str(uuid4())
    kept, *_ = await quarantined(door, event(source=mine, id="kept", data={"distance": "far"}))
    count = PART + 3
    for start in range(0, count, 100):
        await quarantined(
            door, *[event(source=mine, id=f"e{n}", time="") for n in range(start, min(start + 100, count))]
        )
    wanted = {"source": mine, "code": "time_missing", "reason": "a loop of the producer's"}
    headers = {"idempotency-key": str(uuid4())}
    done = _ask(door, "POST", "/discard", json=wanted, headers=headers)
    assert (done["discarded"], done["more"], done["dry_run"]) == (count, False, False)
    assert _ask(door, "POST", "/discard", json=wanted, headers=headers) == done, "once under one key"
    assert _ask(door, "POST", "/discard", json=wanted)["discarded"] == 0
    summary = _ask(door, "GET", "/summary", params={"source": mine, "status": "discarded"})
    assert summary["events"] == count
    [row] = _ask(door, "GET", "", params={"source": mine, "id": "e7"})["data"]
    assert (row["status"], row["resolution"]) == ("discarded", "a loop of the producer's")
    with door.client() as client:
        [audited] = client.get("/v1/audit", params={"object_id": row["quarantine_id"]}).json()["data"]
    assert (audited["verb"], audited["after"]["resolution"]) == (
        "discard_quarantine",
        "a loop of the producer's",
    )
    assert one(door, kept)["status"] == "open"


async def test_a_discard_of_many_says_of_which_and_why(door: Door) -> None:
    for body in (
        {"reason": "all"},
        {"reason": "all", "after": "qua_0"},
        {"source": "x"},
        {"source": "x", "reason": ""},
        {"source": "x", "reason": "\0"},
        {"sauce": "x", "reason": "why"},
        {"source": "x", "reason": "why", "after": "a\0b"},
    ):
        _ask(door, "POST", "/discard", 422, json=body)
