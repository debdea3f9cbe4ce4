"""One event at a time: what is taken, what is quarantined, under which code."""

import pytest

from services.usage_ingest.domain.catalogue import Catalogue
from tests.services.usage_ingest.circumstances import catalogue, codes, customer, event, judge, meter

DEEP = b'{"a":' * 15 + b"1" + b"}" * 15  # 15 levels; `data` around it makes 16


def raw(data: bytes, **attributes: str) -> bytes:
    """An event whose `data` are these very bytes."""
    names = {
        "id": "e1",
        "source": "gate",
        "type": "departure",
        "subject": "UA",
        "time": "2013-07-15T11:00:00Z",
        **attributes,
    }
    return (
        b"{"
        + b"".join(f'"{name}":"{value}",'.encode() for name, value in names.items())
        + b'"data":'
        + data
        + b"}"
    )


def test_a_plain_event_is_published_and_needs_no_word() -> None:
    judged = judge(event())
    ((key, message),) = judged.published
    assert (judged.results, judged.accepted, key) == ([], 1, b"gate\0e1")
    assert (message.subject, message.time_us, bytes(message.data)) == (
        "UA",
        1_373_886_000_000_000,
        b'{"distance":1400,"tail":"N1"}',
    )


@pytest.mark.parametrize("attribute", ["id", "source", "type", "subject"])
@pytest.mark.parametrize("value", [None, ""])
def test_a_missing_attribute_is_named(attribute: str, value: str | None) -> None:
    judged = judge(event(**{attribute: value}))
    assert codes(judged) == ["attribute_missing"]
    assert f"`{attribute}`" in judged.results[0].detail


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"time": None}, "time_missing"),
        ({"time": ""}, "time_missing"),
        ({"time": "yesterday"}, "time_unreadable"),
        ({"time": "2013-07-15T11:00:00"}, "time_unreadable"),
        ({"time": "2013-07-15"}, "time_unreadable"),
        ({"time": "2013-02-30T11:00:00Z"}, "time_unreadable"),
        ({"time": "2013-07-15T11:00:00+0545"}, "time_unreadable"),
        ({"time": 1373886000}, "attribute_not_text"),
        ({"time": "2013-07-15T12:05:00.000001Z"}, "timestamp_out_of_range"),
        ({"time": "2011-05-07T11:59:59Z"}, "timestamp_out_of_range"),
        ({"time": "9999-12-31T23:59:59-23:59"}, "timestamp_out_of_range"),
        ({"time": "0001-01-01T00:00:00+23:59"}, "timestamp_out_of_range"),
        ({"id": 5}, "attribute_not_text"),
        ({"id": "x" * 256}, "name_length"),
        ({"source": "é" * 513}, "name_length"),
        ({"subject": "U\0A"}, "name_character"),
        ({"specversion": "0.3"}, "specversion_unsupported"),
        ({"datacontenttype": "text/xml"}, "data_not_json"),
        ({"data_base64": "AAAA", "data": None}, "data_not_json"),
        ({"data": [1]}, "data_not_an_object"),
        ({"data": {"distance": 1, "note": "a\0b"}}, "text_has_nul"),
        ({"data": {"distance": 1, "a\0b": 1}}, "text_has_nul"),
        ({"data": {"distance": 1, "note": "x" * 1025}}, "string_too_long"),
        ({"data": {f"p{n}": n for n in range(65)}}, "too_many_properties"),
        ({"data": {}}, "value_missing"),
        ({"data": {"distance": None}}, "value_missing"),
        ({"data": {"distance": ""}}, "value_missing"),
        ({"data": {"distance": "far"}}, "value_not_a_number"),
        ({"data": {"distance": "NaN"}}, "value_not_a_number"),
        ({"data": {"distance": "1e400"}}, "value_not_a_number"),
        ({"data": {"distance": "1_000"}}, "value_not_a_number"),
        ({"data": {"distance": "١"}}, "value_not_a_number"),
        ({"data": {"distance": True}}, "value_not_a_number"),
        ({"data": {"distance": {}}}, "value_not_a_number"),
        ({"data": {"distance": 10**19}}, "number_out_of_range"),
        ({"data": {"distance": "0.1234567890123"}}, "number_out_of_range"),
        ({"data": {"distance": 1, "tail": ["N1"]}}, "value_not_scalar"),
        ({"data": {"distance": 1, "big": 10**64}}, "number_out_of_range"),
        ({"padding": "x" * 66_000}, "event_too_large"),
    ],
)
def test_a_fault_has_a_code_and_keeps_its_bytes(change: dict[str, object], code: str) -> None:
    judged = judge(event(**change), event(id="good"))
    assert codes(judged) == [code]
    assert (judged.received, judged.accepted, len(judged.published)) == (2, 1, 1), (
        "the neighbour is not harmed"
    )
    assert judged.quarantined[0].raw and judged.results[0].detail


@pytest.mark.parametrize(
    "literal",
    [
        b"1e400",
        b"1e1000000",
        b"-1e400",
        b"1e-400",
        b"0e-999999999",
        b"9" * 65,
        b"1" * 5000,
        b"0." + b"1" * 63,
    ],
)
def test_a_number_out_of_bounds_is_refused_before_arithmetic(literal: bytes) -> None:
    assert codes(judge(raw(b'{"distance":' + literal + b"}"))) == ["number_out_of_range"]


def test_nan_is_not_json() -> None:
    assert codes(judge(raw(b'{"distance":NaN}'))) == ["json_malformed"]


def test_half_a_surrogate_pair_is_named_and_its_traits_are_read() -> None:
    judged = judge(raw(b'{"distance":1,"note":"\\ud800"}'), raw(b"{}", subject="\\udfff"))
    assert codes(judged) == ["text_not_unicode", "text_not_unicode"]
    assert [quarantined.traits.id for quarantined in judged.quarantined] == ["e1", "e1"]


def test_an_escaped_backslash_is_neither_nul_nor_surrogate() -> None:
    judged = judge(raw(b'{"distance":1,"path":"C:\\\\u0000 \\\\ud800","smile":"\\ud83d\\ude00"}'))
    assert judged.results == []


def test_limits_hold_at_their_edge() -> None:
    assert codes(judge(raw(b'{"distance":1,"deep":' + DEEP + b"}"))) == []
    assert codes(judge(raw(b'{"distance":1,"deep":' + b'{"a":' + DEEP + b"}}"))) == ["nesting_too_deep"]
    assert codes(judge(raw(b'{"distance":1,"deep":' + b"[" * 900 + b"]" * 900 + b"}"))) == [
        "nesting_too_deep"
    ]
    assert codes(judge(raw(b'{"distance":1,"deep":' + b"[" * 100_000 + b"]" * 100_000 + b"}"))) == [
        "event_too_large"
    ]
    assert codes(judge(raw(b'{"distance":1,"deep":' + b"[" * 30_000 + b"]" * 30_000 + b"}"))) == [
        "nesting_too_deep"
    ]
    assert codes(judge(event(data={"distance": 1, "note": "x" * 1024}))) == []
    assert codes(judge(event(data={"distance": 1, **{f"p{n}": n for n in range(63)}}))) == []
    assert codes(judge(event(id="x" * 255))) == []
    assert codes(judge(event(time="2013-07-15T12:05:00Z"))) == []
    assert codes(judge(event(time="2011-05-07T12:00:00Z"))) == []


@pytest.mark.parametrize("value", [0, -3, 12.5, "12.50", 10**19 - 1, "0.123456789012"])
def test_a_quantity_is_a_number_or_its_text(value: object) -> None:
    assert judge(event(data={"distance": value})).results == []


def test_a_meter_that_ignores_missing_values_takes_none_from_an_event() -> None:
    assert judge(event(data={"distance": 1, "tail": ""}), event(id="e2", data={"distance": 1})).results == []


def test_a_filtered_meter_demands_nothing_of_events_it_does_not_take() -> None:
    known = Catalogue()
    known.hear_meters(
        [
            meter(
                "long_haul",
                "sum",
                "trip.miles",
                filters={"class": ("long",), "jet": ("true",), "gate": ("1.5",)},
            )
        ]
    )
    known.hear_customers([customer("UA")])
    taken = {"class": "long", "jet": True, "gate": 1.50}
    assert judge(event(data={**taken, "trip": {"miles": 3}}), known=known).results == []
    assert codes(judge(event(data={**taken, "trip": {"miles": "?"}}), known=known)) == ["value_not_a_number"]
    assert judge(event(data={**taken, "gate": 1, "trip": 7}), known=known).results == []


@pytest.mark.parametrize("change", [{"subject": "nobody"}, {"type": "unheard.of"}])
def test_an_unknown_customer_or_type_is_accepted_as_unmatched(change: dict[str, object]) -> None:
    judged = judge(event(**change))
    assert [(result.status, result.code) for result in judged.results] == [("accepted", "unmatched")]
    assert (judged.accepted, len(judged.published)) == (1, 1)


def test_an_alias_matches_until_it_is_taken_away() -> None:
    known = catalogue()
    assert judge(event(subject="united"), known=known).results == []
    known.hear_customers([customer("UA", revision=3), customer("UA", "united", revision=2)])
    assert codes(judge(event(subject="united"), known=known)) == ["unmatched"]


def test_repeats_within_a_request_are_said_and_published_all_the_same() -> None:
    same, other = event(data={"distance": 1400.0, "tail": "N1"}), event(data={"distance": 7})
    judged = judge(event(), same, other, event(source="other"))
    assert [(result.index, result.status) for result in judged.results] == [(1, "duplicate"), (2, "conflict")]
    assert (judged.accepted, len(judged.published), judged.tallies["gate"].published) == (2, 4, 3)


def test_two_spellings_of_one_id_are_one_id() -> None:
    judged = judge(event(id="caf\u00e9"), event(id="cafe\u0301"))
    assert codes(judged) == ["duplicate"]
    assert judged.published[1][1].id == "caf\u00e9"
