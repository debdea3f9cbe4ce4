"""CloudEvents in binary mode: attributes in headers, data in the body. One event, one reader, whichever way
it came."""

import json
from typing import Any
from uuid import uuid4

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.usage_ingest.domain.binary import event_of, event_of_record, http_attributes
from services.usage_ingest.domain.limits import EVENT_MAX_BYTES
from tests.services.usage_ingest.circumstances import codes, event, judge
from tests.services.usage_ingest.conftest import Door
from tests.services.usage_ingest.door.test_bad_input import told
from tests.services.usage_ingest.door.test_flow import settled

PLAIN = [
    ("ce-id", "e1"),
    ("ce-source", "gate"),
    ("ce-type", "departure"),
    ("ce-subject", "UA"),
    ("ce-time", "2013-07-15T11:00:00Z"),
    ("ce-specversion", "1.0"),
]
JSON = "application/json"


def over_http(
    attributes: list[tuple[str, Any]], data: bytes = b'{"distance": 1400, "tail": "N1"}', *content_types: str
) -> bytes:
    headers = [
        (name.encode(), text if isinstance(text, bytes) else text.encode()) for name, text in attributes
    ]
    return event_of(http_attributes(headers), content_types, data)


def in_kafka(
    *more: tuple[str, bytes], value: bytes = b'{"distance": 1400, "tail": "N1"}', without: str = ""
) -> bytes:
    plain = [(name.replace("ce-", "ce_"), text.encode()) for name, text in PLAIN if name != f"ce-{without}"]
    return event_of_record(value, [*plain, *more])


def changed(**attributes: str | bytes) -> list[tuple[str, Any]]:
    return [
        *(one for one in PLAIN if one[0][3:] not in attributes),
        *((f"ce-{name}", value) for name, value in attributes.items()),
    ]


def test_the_same_event_in_either_mode_is_the_same() -> None:
    [(_, structured)] = judge(event()).published
    for same in (
        over_http(PLAIN),
        over_http(PLAIN, b' {"tail":"N1","distance":1400.0}', "application/json; charset=UTF-8"),
        in_kafka(),
        in_kafka(("content-type", b"application/json")),
        in_kafka(("ce_traceparent", b"00-1"), ("other", b"\xff")),
    ):
        judged = judge(same)
        assert codes(judged) == [], judged.results
        assert judged.published[0][1] == structured


@pytest.mark.parametrize(
    ("sent", "meant"),
    [
        ("Euro%20%E2%82%AC%20%F0%9F%98%80", "Euro € 😀"),
        ('"quoted \\"by\\" an older \\\\ sender"', 'quoted "by" an older \\ sender'),
        ("100%25", "100%"),
        ("%55A", "UA"),
        ("50% off", "50% off"),
        ("a%zz", "a%zz"),
        ("+", "+"),
        ("stra%c3%9fe", "straße"),
    ],
)
def test_a_header_is_decoded_once(sent: str, meant: str) -> None:
    assert json.loads(over_http(changed(subject=sent)))["subject"] == meant


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=40))
def test_what_is_encoded_by_the_binding_is_read_as_it_was(text: str) -> None:
    encoded = "".join(
        c if "!" <= c <= "~" and c not in '"%' else "".join(f"%{byte:02X}" for byte in c.encode())
        for c in text
    )
    assert json.loads(over_http(changed(subject=encoded)))["subject"] == text
    assert json.loads(in_kafka(("ce_subject", text.encode()), without="subject"))["subject"] == text


@pytest.mark.parametrize("subject", ["%C0%A0", "%ff", "é".encode("latin-1"), "é".encode(), b"\xff"])
def test_a_name_that_would_be_a_guess_is_quarantined(subject: str | bytes) -> None:
    """Overlong or broken UTF-8, and bytes that some clients mean as Latin-1 and others as UTF-8."""
    raw = over_http(changed(subject=subject))
    assert codes(judge(raw)) == ["text_not_unicode"]
    again = judge(bytes(judge(raw).quarantined[0].raw))
    assert (codes(again), again.quarantined[0].traits.source) == (["text_not_unicode"], "gate"), (
        "a replay finds the same"
    )


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (over_http([*PLAIN, ("ce-id", "e2")]), "name_repeated"),
        (over_http(PLAIN, b"{}", JSON, JSON), "name_repeated"),
        (over_http([*PLAIN, ("ce-datacontenttype", JSON)], b"{}", JSON), "name_repeated"),
        (over_http([*PLAIN, ("ce-data", "x")], b"{}", JSON), "name_repeated"),
        (over_http(changed(specversion="0.3")), "specversion_unsupported"),
        (over_http(PLAIN[1:]), "attribute_missing"),
        (over_http(PLAIN[:4]), "time_missing"),
        (over_http(PLAIN, b"distance 1400", "text/plain"), "data_not_json"),
        (over_http(PLAIN, b"<x/>", "application/xml"), "data_not_json"),
        (over_http(PLAIN, b"\x00\xff"), "data_not_json"),
        (over_http(PLAIN, b"{broken", JSON), "data_not_json"),
        (over_http(PLAIN, b"{} {}"), "data_not_json"),
        (
            over_http(PLAIN, b'{"distance":1,"tail":"\xe9"}', "application/json; charset=latin1"),
            "data_not_json",
        ),
        (over_http(PLAIN, b"[" * 10_000 + b"]" * 10_000), "data_not_json"),
        (over_http(PLAIN, b'"text"'), "data_not_an_object"),
        (over_http(PLAIN, b"x" * EVENT_MAX_BYTES), "event_too_large"),
        (over_http(PLAIN, rb'{"tail":"\ud800"}'), "text_not_unicode"),
        (over_http(PLAIN, b'{"distance":1,"distance":2}'), "name_repeated"),
        (over_http(PLAIN, b""), "value_missing"),
        (in_kafka(without="id"), "attribute_missing"),
        (in_kafka(("ce_id", b"e2")), "name_repeated"),
        (in_kafka(("ce_subject", b"\xff"), without="subject"), "text_not_unicode"),
        (in_kafka(value=b""), "value_missing"),
        (in_kafka(("content-type", b"application/avro")), "data_not_json"),
        (
            in_kafka(("content-type", b"application/cloudevents+json"), value=json.dumps(event()).encode()),
            "content_mode_ambiguous",
        ),
        (
            in_kafka(("Content-Type", b"Application/CloudEvents-batch+json; charset=UTF-8"), value=b"[]"),
            "content_mode_ambiguous",
        ),
    ],
)
def test_each_fault_is_found_and_kept_with_all_that_came(raw: bytes, code: str) -> None:
    judged = judge(raw)
    assert codes(judged) == [code]
    assert judged.quarantined[0].raw == raw
    assert codes(judge(raw)) == [code], "a replay finds the same"
    assert judged.quarantined[0].traits.source == "gate"


def test_records_without_attributes_are_what_they_are() -> None:
    raw = json.dumps(event()).encode()
    structured = [("content-type", b"application/cloudevents+json; charset=utf-8")]
    for headers in ([], structured, [("ce_traceparent", b"x")], [("id", b"e2"), ("\ufffd", b"")]):
        assert event_of_record(raw, headers) is raw


async def test_the_door_takes_binary_events(door: Door) -> None:
    """Seen: 202, and the event's identity thrown away."""
    mine = str(uuid4())
    headers = {
        "ce-specversion": "1.0",
        "ce-source": mine,
        "ce-type": "departure",
        "ce-subject": "UA",
        "ce-time": "2013-07-15T11:00:00Z",
    }
    with door.client() as client:

        def send(name: str, body: bytes, **more: str) -> httpx2.Response:
            return client.post(
                "/v1/events",
                content=body,
                headers={**headers, "ce-id": name, **{k.replace("_", "-"): v for k, v in more.items()}},
            )

        extended = {"content_type": "application/json; charset=utf-8", "ce_region": "eu"}
        for name, more in (("none", {}), ("json", {"content_type": JSON}), ("extended", extended)):
            answer = send(name, b'{"distance": 3}', **more)
            assert (answer.status_code, answer.json()["accepted"], answer.json()["results"]) == (
                202,
                1,
                [],
            ), answer.text
        data = b'{"distance": 3}'
        faulty = [
            send("plain", b"3 miles", content_type="text/plain"),
            send("empty", b"", content_type=JSON),
            send("latin", data, ce_subject="caf%E9"),
        ]
        assert [answer.json()["results"][0]["code"] for answer in faulty] == [
            "data_not_json",
            "value_missing",
            "text_not_unicode",
        ]
    assert sorted(message.id for message in await door.usage(mine)) == ["extended", "json", "none"]
    assert await settled(door, mine, 6) == {"received": 6, "published": 3, "quarantined": 3, "refused": 0}


@pytest.mark.parametrize(
    "content_type",
    [
        "application/cloudevents+json",
        "application/cloudevents-batch+json; charset=UTF-8",
        "application/cloudevents+avro",
        "application/x-ndjson",
    ],
)
async def test_both_modes_at_once_are_refused(door: Door, content_type: str) -> None:
    mine = str(uuid4())
    body = json.dumps(event(source=mine)) if "batch" not in content_type else json.dumps([event(source=mine)])
    for attribute in ("ce-id", "ce-subject"):
        with door.client() as client:
            problem = told(
                client.post(
                    "/v1/events", content=body, headers={attribute: "other", "Content-Type": content_type}
                ),
                415,
            )
        assert problem["code"] == "content_mode_ambiguous"
    assert await door.usage(mine) == []


async def test_a_header_of_a_proxy_makes_no_binary_event(door: Door) -> None:
    with door.client() as client:
        answer = client.post(
            "/v1/events", json=event(source=str(uuid4())), headers={"ce-connecting-ip": "10.0.0.1"}
        )
    assert (answer.status_code, answer.json()["results"]) == (202, [])
