"""How a body falls into events."""

import json

import pytest

from services.usage_ingest.domain import framing
from services.usage_ingest.domain.limits import EVENT_KEPT_MAX_BYTES
from tests.services.usage_ingest.circumstances import codes, event, judge

HALF = b'{"id":"\\ud800","n":[1]}'


def test_elements_come_out_byte_for_byte() -> None:
    assert framing.array(b' [ {"a": 1} ,5,\n["x"],' + HALF + b"] ") == [b'{"a": 1}', b"5", b'["x"]', HALF]


def test_lines_stand_alone() -> None:
    assert framing.lines(b'{"a":1}\r\n\n  \n{broken\n{"b":2}') == [b'{"a":1}', b"{broken", b'{"b":2}']
    judged = judge(*framing.lines(json.dumps(event()).encode() + b"\n{broken\n[1]\n\xff\n"))
    assert codes(judged) == ["json_malformed", "not_an_object", "text_not_unicode"]


@pytest.mark.parametrize(
    ("body", "offset"),
    [
        (b"[{]", "byte 2"),
        (b'[{"a":1},]', "byte 9"),
        (b'[{"a":NaN}]', "byte 6"),
        (b'[{"a":1}', "byte 8"),
        (b"", "byte 0"),
        (b"[1]x", "byte 4"),
        (b'["\xff"]', "byte 2"),
    ],
)
def test_a_syntax_fault_refuses_the_array_and_says_where(body: bytes, offset: str) -> None:
    with pytest.raises(framing.BodyMalformed, match=offset):
        framing.array(body)


@pytest.mark.parametrize(
    "body",
    [b"[" * 100_000, b"[" * 100_000 + b"]" * 100_000, b'[{"data":' + b"[" * 100_000 + b"]" * 100_000 + b"}]"],
)
def test_hopeless_nesting_is_refused_at_once(body: bytes) -> None:
    for frame in (framing.array, framing.array_or_single):
        with pytest.raises(framing.NestingTooDeep):
            frame(body)


def test_a_batch_is_an_array_and_an_event_an_object() -> None:
    with pytest.raises(framing.BodyMalformed):
        framing.array(b'{"a":1}')
    with pytest.raises(framing.BodyMalformed):
        framing.single(b"[]")
    assert framing.array_or_single(b' {"a":1} ') == [b'{"a":1}']


def test_limits_of_a_request() -> None:
    assert len(framing.array(b"[" + b",".join([b"{}"] * 10_000) + b"]")) == 10_000
    with pytest.raises(framing.TooManyEvents):
        framing.array(b"[" + b",".join([b"{}"] * 10_001) + b"]")
    with pytest.raises(framing.TooManyEvents):
        framing.lines(b"{}\n" * 10_001)
    with pytest.raises(framing.EventTooLarge):
        framing.single(b'{"a":"' + b"x" * EVENT_KEPT_MAX_BYTES + b'"}')
