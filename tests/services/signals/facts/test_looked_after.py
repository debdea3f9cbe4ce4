"""Signals are somebody's: assigned, noted, and looked after many at once."""

from datetime import timedelta
from typing import Any

from tests.services.signals.deployment import START, Signals, fact

LATER = (START + timedelta(days=3)).isoformat()


async def _ids(signals: Signals, *numbers: int) -> list[str]:
    told = [fact(number) for number in numbers]
    await signals.tell(*told)
    return [one.signal_id for one in told]


async def _listed(signals: Signals, **query: Any) -> set[str]:
    return {row["id"] for row in (await signals.get("/v1/signals", **query))["data"]}


async def test_a_signal_is_assigned_and_found_by_who_looks_after_it(signals: Signals) -> None:
    first, second = await _ids(signals, 1, 2)
    assert (await signals.get(f"/v1/signals/{first}"))["assignee"] is None
    shown = await signals.post(f"/v1/signals/{first}/assign", {"to": "usr_maria"})
    assert (shown["assignee"], shown["state"]) == ("usr_maria", "open")
    assert await _listed(signals, assignee="usr_maria") == {first}
    assert await _listed(signals, assignee="usr_john") == set()
    assert (await signals.post(f"/v1/signals/{first}/assign", {"to": None}))["assignee"] is None
    assert await _listed(signals) == {first, second}
    for body in ({}, {"to": ""}, {"to": "a b"}, {"to": "\0"}, {"to": "x" * 200}, {"who": "usr_1"}):
        await signals.post(f"/v1/signals/{first}/assign", body, 422)
    await signals.post("/v1/signals/sig_none/assign", {"to": "usr_maria"}, 404)


async def test_notes_are_kept_beside_each_other_the_newest_first(signals: Signals) -> None:
    [one] = await _ids(signals, 1)
    await signals.post(f"/v1/signals/{one}/note", {"text": "called; nobody there"})
    await signals.move_clock(START + timedelta(days=1))
    hostile = "<b>=1+1</b> {{7*7}} \u202e"
    shown = await signals.post(f"/v1/signals/{one}/note", {"text": hostile})
    assert [(note["text"], note["at"]) for note in shown["notes"]] == [
        (hostile, "2024-01-02T12:00:00Z"),
        ("called; nobody there", "2024-01-01T12:00:00Z"),
    ]
    assert shown["notes"][0]["by"] == "key_test"
    assert (await signals.get(f"/v1/signals/{one}"))["notes"] == shown["notes"]
    for body in ({}, {"text": ""}, {"text": "\0"}, {"text": "x" * 4001}):
        await signals.post(f"/v1/signals/{one}/note", body, 422)
    await signals.post("/v1/signals/sig_none/note", {"text": "x"}, 404)


async def test_several_are_changed_together_or_none(signals: Signals) -> None:
    ids = await _ids(signals, 1, 2, 3)
    acts: tuple[tuple[dict[str, Any], str, Any], ...] = (
        ({"act": "assign", "to": "usr_maria"}, "assignee", "usr_maria"),
        ({"act": "snooze", "until": LATER}, "state", "snoozed"),
        ({"act": "acknowledge"}, "state", "acknowledged"),
        ({"act": "assign", "to": None}, "assignee", None),
    )
    for body, field, value in acts:
        # One that is named twice is changed once.
        done = await signals.post("/v1/signals/many", {"signals": [ids[0], ids[1], ids[0]], **body})
        assert [(row["id"], row[field]) for row in done["data"]] == [(one, value) for one in sorted(ids[:2])]
        for one in ids[:2]:
            assert (await signals.get(f"/v1/signals/{one}"))[field] == value
    await signals.post("/v1/signals/many", {"signals": ids[:2], "act": "note", "text": "all of them"})
    rows = (await signals.get("/v1/audit", object_id=ids[0], limit=200))["data"]
    assert [row["verb"] for row in rows] == ["change_signals"] * 5
    assert (rows[0]["before"]["notes"], rows[0]["after"]["notes"][0]["text"]) == ([], "all of them")
    untouched = await signals.get(f"/v1/signals/{ids[2]}")
    assert (untouched["state"], untouched["assignee"], untouched["notes"]) == ("open", None, [])
    refused = await signals.post(
        "/v1/signals/many", {"signals": [ids[2], "sig_none"], "act": "acknowledge"}, 404
    )
    assert "sig_none" in refused["detail"]
    assert await signals.get(f"/v1/signals/{ids[2]}") == untouched, "all of them, or none"


async def test_what_is_to_be_done_with_several_is_said_whole(signals: Signals) -> None:
    [one] = await _ids(signals, 1)
    past = (START - timedelta(days=1)).isoformat()
    for body in (
        {"act": "acknowledge", "signals": []},
        {"act": "acknowledge", "signals": [f"sig_{n}" for n in range(201)]},
        {"act": "acknowledge", "to": "usr_1"},
        {"act": "snooze"},
        {"act": "snooze", "until": None},
        {"act": "snooze", "until": past},
        {"act": "note"},
        {"act": "note", "text": None},
        {"act": "assign"},
        {"act": "outcome"},
        {"act": "note", "text": "x", "until": LATER},
    ):
        await signals.post("/v1/signals/many", {"signals": [one], **body}, 422)
    assert (await signals.get(f"/v1/signals/{one}"))["state"] == "open"
