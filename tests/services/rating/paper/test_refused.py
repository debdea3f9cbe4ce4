"""A question that cannot be priced says what is wrong, where, and what to do; nothing is priced in half."""

import json
from typing import Any

import pytest

from services.rating.paper.domain.answered import LINES_MAX
from services.rating.paper.requests.documents import BLOCKS_MAX, METERS_MAX, VERSIONS_MAX
from services.rating.paper.usecases import answer_question
from shared.errors import AppError
from tests.services.rating.paper.questions import METER, event, question, used
from tests.shared.pricing.contracts import document, usage_line

AMENDED = document(effective="2026-01-16", lines=[usage_line({"model": "per_unit", "unit": "2"})])
MATRIX = {"model": "matrix", "dimensions": ["model"], "rates": [{"model": "a", "unit": "1"}]}
A_CENTURY = document(
    term={"start": "2000-01-01", "months": 1200}, lines=[usage_line(key=f"k{n}") for n in range(20)]
)


def begins(n: int) -> str:
    return f"2026-01-{n // 24 + 2:02}T{n % 24:02}:01:00Z"


def block(**over: Any) -> dict[str, Any]:
    return {
        "id": "b",
        "kind": "promotional",
        "contract": "acme-2026",
        "amount": "5",
        "currency": "USD",
        **over,
    }


MANY_BLOCKS = [
    block(id=f"b{n}", effective=begins(n), expires=begins(n).replace(":01:", ":31:"))
    for n in range(BLOCKS_MAX)
]
TEN_YEARS = {"start": "2026-01-01", "months": 120}
DAILY = {"key": "daily", "amount": "1", "refill": {"every": "day"}}
ONE_MORE = [{"key": "c", "amount": "1", "effective": "2026-01-20", "expires": "2026-01-21"}]

REFUSED: dict[str, tuple[dict[str, Any], str, str, str]] = {
    "no versions": (question() | {"versions": []}, "question_invalid", "versions", "too_short"),
    "too many versions": (
        question(*[document()] * (VERSIONS_MAX + 1)),
        "question_invalid",
        "versions",
        "too_long",
    ),
    "too many meters": (
        question(meters=[METER] * (METERS_MAX + 1)),
        "question_invalid",
        "meters",
        "too_long",
    ),
    "a version that is none": (
        question() | {"versions": [7]},
        "question_invalid",
        "versions[0]",
        "dict_type",
    ),
    "an unknown key": (question(untill="x"), "question_invalid", "untill", "extra_forbidden"),
    "until is missing": ({"versions": [document()]}, "question_invalid", "until", "missing"),
    "until is no instant": (question(until="soon"), "question_invalid", "until", "not_a_date"),
    "until without an offset": (
        question(until="2026-02-01T00:00:00"),
        "question_invalid",
        "until",
        "not_an_instant",
    ),
    "a bad term": (
        question(document(), document(currency="XXX")),
        "terms_invalid",
        "versions[1].currency",
        "unknown_currency",
    ),
    "a term that is not priced yet": (
        question(document(pause={})),
        "clause_not_priced_yet",
        "versions[0].pause",
        "clause_not_priced_yet",
    ),
    "an amendment of what is fixed": (
        question(document(), document(currency="EUR")),
        "terms_invalid",
        "versions[1].currency",
        "fixed_by_first_version",
    ),
    "a plan": (question(document(plan="business")), "question_invalid", "versions[0].plan", "plan_not_read"),
    "recorded is no instant": (
        question(document() | {"recorded": 5}),
        "question_invalid",
        "versions[0].recorded",
        "not_a_date",
    ),
    "nothing known yet": (
        question(document() | {"recorded": "2026-01-05"}, as_known_at="2026-01-04"),
        "question_invalid",
        "as_known_at",
        "no_version_known",
    ),
    "cards": (question(cards=[{"card": "llm"}]), "clause_not_priced_yet", "cards", "clause_not_priced_yet"),
    "a commitment of zero": (
        question(document(commitments=[{"key": "c", "amount": "0"}])),
        "terms_invalid",
        "versions[0].commitments[0].amount",
        "not_positive",
    ),
    "overage below its price": (
        question(document(commitments=[{"key": "c", "amount": "5", "overage_percent": "99"}])),
        "terms_invalid",
        "versions[0].commitments[0].overage_percent",
        "overage_below_price",
    ),
    "a minimum above the cap": (
        question(
            document(cap={"spend_per_period": "5"}, phases=[{"from": "2026-01-01", "minimum_spend": "6"}])
        ),
        "terms_invalid",
        "versions[0].phases[0].minimum_spend",
        "minimum_above_cap",
    ),
    "two discounts of one key": (
        question(document(discounts=[{"key": "d", "percent": "1"}, {"key": "d", "percent": "2"}])),
        "terms_invalid",
        "versions[0].discounts[1].key",
        "duplicate_key",
    ),
    "an escalator of all there is": (
        question(document(escalators=[{"percent": "-100", "every_months": 12}])),
        "terms_invalid",
        "versions[0].escalators[0].percent",
        "nothing_left",
    ),
    "a version before the term": (
        question(document(), document(effective="2025-12-31")),
        "terms_invalid",
        "versions[1].effective",
        "effective_before_term",
    ),
    "an amount with too many digits": (
        question(document(cap={"spend_per_period": "10000000000000000000"})),
        "terms_invalid",
        "versions[0].cap.spend_per_period",
        "not_a_decimal",
    ),
    "a period that blocks cut too often": (
        question(document(credits=ONE_MORE), blocks=MANY_BLOCKS),
        "too_many_edges",
        "",
        "",
    ),
    "a credit that is refilled every day for ten years, beside forty lines": (
        question(
            document(term=TEN_YEARS, credits=[DAILY], lines=[usage_line(key=f"k{n}") for n in range(40)]),
            until="2036-01-01",
        ),
        "question_invalid",
        "until",
        "too_many_slices",
    ),
    "a block in units": (
        question(blocks=[block(unit="calls")]),
        "clause_not_priced_yet",
        "blocks[0]",
        "clause_not_priced_yet",
    ),
    "a block of nobody": (
        question(blocks=[{name: value for name, value in block().items() if name != "contract"}]),
        "question_invalid",
        "blocks[0]",
        "whose",
    ),
    "a block of another contract": (
        question(blocks=[block(contract="other")]),
        "question_invalid",
        "blocks[0]",
        "another_contract",
    ),
    "a block in another currency": (
        question(blocks=[block(currency="EUR")]),
        "question_invalid",
        "blocks[0].currency",
        "currency_differs",
    ),
    "a block twice": (
        question(blocks=[block(), block()]),
        "question_invalid",
        "blocks[1].id",
        "duplicate_key",
    ),
    "an empty block": (
        question(blocks=[block(amount="0")]),
        "question_invalid",
        "blocks[0].amount",
        "not_positive",
    ),
    "a block that is over before it begins": (
        question(blocks=[block(effective="2026-02-01", expires="2026-01-30")]),
        "question_invalid",
        "blocks[0].expires",
        "expires_before_effective",
    ),
    "more before proration than after it": (
        question(usage=[used("5", full_quantity="4.9")]),
        "question_invalid",
        "usage[0]",
        "full_below_quantity",
    ),
    "an adjustment beyond the balance": (
        question(
            blocks=[
                {
                    "id": "b",
                    "kind": "promotional",
                    "contract": "acme-2026",
                    "amount": "5",
                    "currency": "USD",
                    "adjustments": [{"amount": "1"}, {"amount": "-6.01"}],
                }
            ]
        ),
        "question_invalid",
        "blocks[0].adjustments[1].amount",
        "balance_too_small",
    ),
    "events and usage": (question(events=[], usage=[]), "question_invalid", "", "usage_misfit"),
    "a meter that is missing": (
        question(events=[]),
        "question_invalid",
        "versions[0].lines[0].meter",
        "meter_unknown",
    ),
    "a meter twice": (
        question(events=[], meters=[METER, METER]),
        "question_invalid",
        "meters[1].meter",
        "duplicate_key",
    ),
    "a meter that counts in no known way": (
        question(events=[], meters=[{**METER, "aggregation": "median"}]),
        "question_invalid",
        "meters[0].aggregation",
        "literal_error",
    ),
    "an event at a day": (
        question(meters=[METER], events=[event("1", "2026-01-03")]),
        "question_invalid",
        "events[0].time",
        "not_an_instant",
    ),
    "an event without its value": (
        question(meters=[METER], events=[event("1", "2026-01-03T00:00:00Z", "many")]),
        "events_unread",
        "",
        "",
    ),
    "usage of an unknown line": (
        question(usage=[used("1") | {"line": "apis"}]),
        "question_invalid",
        "usage[0].line",
        "line_unknown",
    ),
    "usage of a fee": (
        question(document(lines=[{"key": "api", "kind": "recurring", "amount": "1"}]), usage=[used("1")]),
        "question_invalid",
        "usage[0].line",
        "line_unknown",
    ),
    "usage never": (
        question(usage=[{"line": "api", "quantity": "1"}]),
        "question_invalid",
        "usage[0]",
        "when_misfit",
    ),
    "usage from, and no to": (
        question(usage=[{"line": "api", "from": "2026-01-01", "quantity": "1"}]),
        "question_invalid",
        "usage[0]",
        "when_misfit",
    ),
    "usage backwards": (
        question(usage=[{"line": "api", "from": "2026-01-02", "to": "2026-01-02", "quantity": "1"}]),
        "question_invalid",
        "usage[0].to",
        "span_empty",
    ),
    "usage across two periods": (
        question(
            usage=[{"line": "api", "from": "2026-01-30", "to": "2026-02-02", "quantity": "1"}],
            until="2026-03-01",
        ),
        "question_invalid",
        "usage[0]",
        "usage_across_an_edge",
    ),
    "usage across a change of its price": (
        question(
            document(),
            AMENDED,
            usage=[{"line": "api", "from": "2026-01-01", "to": "2026-02-01", "quantity": "1"}],
        ),
        "question_invalid",
        "usage[0]",
        "usage_across_an_edge",
    ),
    "usage across the end of the question": (
        question(
            usage=[{"line": "api", "from": "2026-01-01", "to": "2026-02-01", "quantity": "1"}],
            until="2026-01-20",
        ),
        "question_invalid",
        "usage[0]",
        "usage_across_an_edge",
    ),
    "usage before the contract": (
        question(usage=[used("1", "2025-12-31")]),
        "question_invalid",
        "usage[0]",
        "usage_outside",
    ),
    "a float of money": (
        question(usage=[used("1") | {"quantity": 1.5}]),
        "question_invalid",
        "usage[0].quantity",
        "not_a_decimal",
    ),
    "a group without a price": (
        question(document(lines=[usage_line(MATRIX)]), usage=[used("1", group={"model": "b"})]),
        "usage_without_rate",
        "",
        "",
    ),
    "more than can be billed": (
        question(
            document(lines=[usage_line({"model": "per_unit", "unit": "9999999999999999999"})]),
            usage=[used("9999999999")],
        ),
        "figures_out_of_bounds",
        "",
        "",
    ),
    "more than is answered at once": (
        question(A_CENTURY, until="2100-01-01"),
        "question_invalid",
        "until",
        "too_many_lines",
    ),
}


@pytest.mark.parametrize("what", REFUSED)
def test_it_says_what_where_and_what_to_do(what: str) -> None:
    asked, code, path, fault = REFUSED[what]
    with pytest.raises(AppError) as refused:
        answer_question(json.dumps(asked).encode())
    assert refused.value.code == code, refused.value.detail
    if fault:
        assert (path, fault) in {(one["path"], one["code"]) for one in refused.value.errors}, (
            refused.value.errors
        )
    assert len(refused.value.detail) > 20


def test_the_bound_of_lines_is_itself_answered() -> None:
    months = LINES_MAX // 20
    asked = question(A_CENTURY, until=f"{2000 + months // 12}-{months % 12 + 1:02}-01")
    answered, _, _ = answer_question(json.dumps(asked).encode())
    assert sum(len(priced.lines) for _, priced, _ in answered) == LINES_MAX


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "document_unreadable"),
        (b"[]", "question_invalid"),
        (b"null", "question_invalid"),
        (b'{"until": NaN}', "document_unreadable"),
        (b'{"until": 1, "until": 2}', "document_unreadable"),
        (b"\xff", "document_unreadable"),
        (b"[" * 100_000, "document_unreadable"),
        (b'{"versions": [' + b"[" * 80 + b"]" * 80 + b"]}", "document_unreadable"),
        (b'{"until": "\\ud800", "versions": [{"contract": "\\u0000"}]}', "question_invalid"),
    ],
)
def test_what_is_no_question_is_refused_by_its_kind(body: bytes, code: str) -> None:
    with pytest.raises(AppError) as refused:
        answer_question(body)
    assert refused.value.code == code, refused.value.detail


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"null", "It is no object; write its keys and values in braces."),
        (
            b'{"versions": [[]], "until": "2026-02-01"}',
            "It is no object; write its keys and values in braces.",
        ),
        (b'{"versions": {}, "until": "2026-02-01"}', "It is no list; write its items in brackets."),
    ],
)
def test_what_has_another_shape_is_told_which_it_has(body: bytes, said: str) -> None:
    with pytest.raises(AppError) as refused:
        answer_question(body)
    assert said in [one["detail"] for one in refused.value.errors]


def test_another_media_type_is_named() -> None:
    with pytest.raises(AppError) as refused:
        answer_question(b"until: 1", "application/yaml")
    assert refused.value.code == "document_type_unsupported"


def test_an_amendment_keeps_the_interval_of_a_fee() -> None:
    """A fee by the month that becomes one by the quarter would be two lines of one period under one id."""
    fee = {"key": "fee", "kind": "recurring", "amount": "10"}
    amended = document(lines=[{**fee, "every": {"months": 3}}], effective="2026-01-16")
    with pytest.raises(AppError) as refused:
        answer_question(json.dumps(question(document(lines=[fee]), amended)).encode())
    assert [(one["path"], one["code"]) for one in refused.value.errors] == [
        ("versions[1].lines.fee.every", "fixed_by_first_version")
    ]
