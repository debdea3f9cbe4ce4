"""What a question comes to: the whole chain of periods, by the functions that statements call."""

import json
from decimal import Decimal

from services.rating.paper.usecases import answer_question
from tests.services.rating.paper.questions import METER, ask, event, question, totals, used
from tests.shared.pricing.contracts import chain, document, price, terms, usage_line

GRADUATED = {"model": "graduated", "tiers": [{"up_to": "100", "unit": "1"}, {"unit": "0.505"}]}


def test_an_answer_has_the_format_that_is_published() -> None:
    asked = question(
        document(
            lines=[usage_line(GRADUATED, included="10"), {"key": "fee", "kind": "recurring", "amount": "9.5"}]
        ),
        usage=[{"line": "api", "from": "2026-01-01", "to": "2026-02-01", "quantity": "111"}],
    )
    answer = ask(asked)
    (statement,) = answer["statements"]
    assert answer.keys() == {"statements", "balances"} and answer["balances"] == []
    explanation = statement.pop("explanation")
    assert statement == {
        "period": {"start": "2026-01-01", "end": "2026-01-31"},
        "occasion": "period",
        "sequence": 0,
        "lines": [
            {"key": "fee", "kind": "recurring", "quantity": "1", "exact": "9.5", "amount": "9.50"},
            {"key": "api", "kind": "usage", "quantity": "111", "exact": "100.505", "amount": "100.51"},
        ],
        "subtotal": "110.01",
        "draws": [],
        "total": "110.01",
    }
    assert {
        one["line"]: sum(Decimal(step["amount"]) for step in one["steps"] if step["amount"])
        for one in explanation
    } == {"fee": Decimal("9.5"), "api": Decimal("100.51")}


def test_it_is_what_a_statement_of_the_same_terms_comes_to() -> None:
    over = {
        "lines": [usage_line(GRADUATED, included="7")],
        "phases": [{"from": "2026-01-01", "minimum_spend": "50"}],
    }
    for quantity in ("0", "49.3", "207.25"):
        stated = price(chain(terms(**over)), quantity)
        assert totals(question(document(**over), usage=[used(quantity)])) == [
            f"{stated.subtotal_minor / 100:.2f}"
        ]


def test_every_period_that_begins_before_until_is_answered_and_hands_on_its_balances() -> None:
    asked = question(
        usage=[used("-5"), used("8", "2026-02-10"), used("2", "2026-03-01")], until="2026-03-01T00:00:01Z"
    )
    answer = ask(asked)
    assert [(one["period"]["start"], one["total"]) for one in answer["statements"]] == [
        ("2026-01-01", "0.00"),
        ("2026-02-01", "3.00"),
        ("2026-03-01", "2.00"),
    ]


def test_what_has_not_ended_by_until_is_not_lifted_to_its_minimum_yet() -> None:
    versions = document(phases=[{"from": "2026-01-01", "minimum_spend": "100"}])
    asked = question(versions, usage=[used("30"), used("20", "2026-02-03")], until="2026-02-04")
    (january, february) = ask(asked)["statements"]
    assert january["total"] == "100.00" and [line["kind"] for line in january["lines"]] == [
        "usage",
        "minimum",
    ]
    assert february["total"] == "20.00" and [line["kind"] for line in february["lines"]] == ["usage"]


def test_days_are_those_of_the_contract_and_until_cuts_to_the_instant() -> None:
    versions = document(timezone="America/New_York")
    at_midnight = {"line": "api", "at": "2026-02-01T04:59:59Z", "quantity": "1"}
    later = {"line": "api", "at": "2026-02-01T05:00:00Z", "quantity": "1"}
    assert totals(question(versions, usage=[at_midnight, later])) == ["1.00"]
    assert totals(question(versions, usage=[at_midnight, later], until="2026-02-01T05:00:00.000001Z")) == [
        "1.00",
        "1.00",
    ]


def test_events_are_counted_as_meters_count_them() -> None:
    """The first event of an id counts, and what a filter leaves out does not."""
    meter = {**METER, "filters": {"region": ["eu"]}, "group_by": ["model"]}
    prices = {
        "model": "matrix",
        "dimensions": ["model"],
        "rates": [{"model": "a", "unit": "1"}, {"unit": "10"}],
    }
    raw = [
        event("1", "2026-01-03T00:00:00Z", 1, region="eu", model="a"),
        event("1", "2026-01-04T00:00:00Z", 99, region="eu", model="a"),
        event("2", "2026-01-05T00:00:00Z", "0.5", region="eu", model="b"),
        event("3", "2026-01-05T00:00:00Z", 7, region="us", model="b"),
    ]
    asked = question(document(lines=[usage_line(prices)]), meters=[meter], events=raw)
    assert totals(asked) == ["6.00"]


def test_neither_order_nor_repetition_of_events_matters() -> None:
    raw = [event(str(n), f"2026-01-0{n}T00:00:00Z", n) for n in range(1, 6)]
    asked = question(meters=[METER], events=raw)
    assert ask({**asked, "events": [*reversed(raw), *raw]}) == ask(asked)
    assert totals(asked) == ["15.00"]


def test_a_number_of_json_is_read_digit_by_digit() -> None:
    asked = json.dumps(
        question(document(lines=[usage_line({"model": "per_unit", "unit": "1"})]), meters=[METER], events=[])
    )
    raw = '[{"id": "1", "type": "call", "time": "2026-01-03T00:00:00Z", "data": {"n": 12345678901234567.000000000001}}]'
    answered, _, _ = answer_question(asked.replace('"events": []', f'"events": {raw}').encode())
    assert answered[0][1].lines[0].quantity == Decimal("12345678901234567.000000000001")


def test_unique_meters_count_items_once_a_stretch() -> None:
    meter = {**METER, "aggregation": "unique", "field": "user"}
    raw = [event(str(n), f"2026-01-0{n + 1}T00:00:00Z", user=user) for n, user in enumerate("abab")]
    raw.append(event("9", "2026-02-01T00:00:00Z", user="a"))
    assert totals(question(meters=[meter], events=raw, until="2026-03-01")) == ["2.00", "1.00"]


def test_versions_are_known_from_when_they_were_recorded() -> None:
    dearer = document(effective="2026-01-16", lines=[usage_line({"model": "per_unit", "unit": "3"})]) | {
        "recorded": "2026-02-10T12:00:00Z"
    }
    asked = question(document(), dearer, usage=[used("10", "2026-01-15"), used("10", "2026-01-16")])
    assert totals(asked) == ["40.00"]
    assert totals({**asked, "as_known_at": "2026-02-10T11:59:59Z"}) == ["20.00"]
    assert totals({**asked, "as_known_at": "2026-02-10T12:00:00Z"}) == ["40.00"]


def test_without_usage_there_are_fees_and_minimums_alone() -> None:
    assert totals(question(document(phases=[{"from": "2026-01-01", "minimum_spend": "25"}]))) == ["25.00"]


def test_the_version_recorded_last_is_in_force_whatever_order_they_are_written_in() -> None:
    later = document(lines=[usage_line({"model": "per_unit", "unit": "7"})]) | {"recorded": "2026-01-02"}
    for versions in ([document(), later], [later, document()]):
        assert totals(question(*versions, usage=[used("1")])) == ["7.00"]


def test_what_is_agreed_beforehand_is_asked_for_and_pays() -> None:
    """1,700 committed and paid on 1 January; 950 a month; 110 % beyond it; a gift of 100 that ends in February."""
    asked = question(
        document(
            lines=[usage_line({"model": "per_unit", "unit": "95"})],
            term={"start": "2026-01-01", "months": 12},
            commitments=[{"key": "annual", "amount": "1700", "payment": "prepaid", "overage_percent": "110"}],
            credits=[{"key": "gift", "amount": "150", "expires": "2026-02-10"}],
        ),
        usage=[used("10"), used("10", "2026-02-05")],
        until="2026-03-01",
    )
    answer = ask(asked)
    commitment, january, february = answer["statements"]
    assert (commitment["occasion"], commitment["total"]) == ("commitment:annual:1", "1700.00")
    assert commitment["period"] == {"start": "2026-01-01", "end": "2026-12-31"}
    assert [(line["key"], line["kind"], line["amount"]) for line in commitment["lines"]] == [
        ("annual", "commitment", "1700.00")
    ]
    assert (january["subtotal"], january["draws"], january["total"]) == (
        "950.00",
        [{"block": "annual", "line": "api", "amount": "950.00"}],
        "0.00",
    )
    # 200 exceed it and cost 20 more; the gift pays 150 of them
    assert (february["subtotal"], february["total"]) == ("970.00", "70.00")
    assert answer["balances"] == [
        {"block": "annual", "left": "0.00", "expired": "0.00"},
        {"block": "gift", "left": "0.00", "expired": "0.00"},
    ]
    for statement in answer["statements"]:
        steps = {one["line"]: one["steps"] for one in statement["explanation"]}
        for line in statement["lines"]:
            amounts = [Decimal(step["amount"]) for step in steps[line["key"]] if step["amount"]]
            assert sum(amounts) == Decimal(line["amount"])


def test_what_lapsed_by_then_is_told_apart_from_what_is_left() -> None:
    credits_ = [
        {"key": "soon", "amount": "10", "expires": "2026-01-10"},
        {"key": "long", "amount": "10"},
        {"key": "not-yet", "amount": "10", "effective": "2026-05-01"},
    ]
    answer = ask(
        question(document(credits=credits_), usage=[used("3", "2026-01-02"), used("4", "2026-01-20")])
    )
    assert answer["balances"] == [
        {"block": "soon", "left": "0.00", "expired": "7.00"},
        {"block": "long", "left": "6.00", "expired": "0.00"},
    ]


GIFT = {"id": "gift", "contract": "acme-2026", "kind": "promotional", "amount": "30", "currency": "USD"}


def test_granted_blocks_pay_by_event_time_and_what_is_left_of_them_is_told() -> None:
    """The gift, with the lower priority, pays first and until its last day: 20 of 30. The pool pays 25, then 2.50."""
    asked = question(
        usage=[used("20", "2026-01-10"), used("25", "2026-01-20"), used("5", "2026-02-03")],
        blocks=[
            {**GIFT, "expires": "2026-01-19", "priority": 1},
            {**GIFT, "id": "pool", "priority": 2, "amount": "27.50"},
        ],
        until="2026-02-04",
    )
    answer = ask(asked)
    january, february = answer["statements"]
    assert {one["block"]: one["amount"] for one in january["draws"]} == {"gift": "20.00", "pool": "25.00"}
    assert (january["subtotal"], january["total"], february["total"]) == ("45.00", "0.00", "2.50")
    assert {one.pop("block"): one for one in answer["balances"]} == {
        "gift": {"left": "0.00", "expired": "10.00"},
        "pool": {"left": "0.00", "expired": "0.00"},
    }


def test_a_prepaid_block_is_asked_for_as_it_begins() -> None:
    """One that begins before the first period is asked for in it; document: none asks nothing."""
    paid = {**GIFT, "kind": "prepaid", "effective": "2026-01-10"}
    asked = question(
        usage=[used("20", "2026-01-12")],
        blocks=[
            paid,
            {**paid, "id": "early", "effective": "2025-12-20", "amount": "7"},
            {**paid, "id": "elsewhere", "document": "none"},
        ],
    )
    answer = ask(asked)
    assert [(one["occasion"], one["total"]) for one in answer["statements"]] == [
        ("prepayment:early", "7.00"),
        ("prepayment:gift", "30.00"),
        ("period", "0.00"),
    ]
    [line] = answer["statements"][1]["lines"]
    assert (line["kind"], line["amount"], answer["statements"][1]["period"]["start"]) == (
        "prepayment",
        "30.00",
        "2026-01-10",
    )


def test_a_block_that_is_sold_below_its_amount_is_asked_for_at_its_cost_and_pays_as_much_as_it_is() -> None:
    sold = {**GIFT, "kind": "prepaid", "amount": "30.01", "cost_basis": "0.8"}
    answer = ask(question(usage=[used("20", "2026-01-12")], blocks=[sold]))
    assert [(one["occasion"], one["total"]) for one in answer["statements"]] == [
        ("prepayment:gift", "24.01"),
        ("period", "0.00"),
    ]
    [asked_line] = answer["statements"][0]["explanation"]
    assert [step["op"] for step in asked_line["steps"]] == ["cost", "part"]


def test_a_block_is_adjusted_before_anything_is_drawn() -> None:
    """30, 20 taken off and 5 added: 15 of the 20 used. What is missing below zero pays nothing."""
    changed = [{"amount": "-20", "reason": "x"}, {"amount": "5"}]
    asked = question(usage=[used("20", "2026-01-12")], blocks=[{**GIFT, "adjustments": changed}])
    assert totals(asked) == ["5.00"]
    below = [{"amount": "-40", "allow_negative": True}]
    answer = ask(question(usage=[used("20", "2026-01-12")], blocks=[{**GIFT, "adjustments": below}]))
    assert (answer["statements"][0]["total"], answer["balances"][0]["left"]) == ("20.00", "-10.00")


def test_a_discount_that_changes_its_kind_leaves_what_a_fee_of_its_own_interval_had_of_it() -> None:
    """59 of the 90 days of the quarter have ten percent off; an amount is of the period in which it holds alone."""
    fee = {"key": "fee", "kind": "recurring", "amount": "30", "every": {"months": 3}}
    first = document(lines=[fee], discounts=[{"key": "deal", "amount": "5"}])
    then = document(lines=[fee], discounts=[{"key": "deal", "percent": "10"}], effective="2026-02-01")
    assert totals(question(first, then, until="2026-04-01", usage=[])) == ["0.00", "0.00", "28.03"]
