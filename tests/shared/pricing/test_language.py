"""The terms language: what it refuses, by path and code, and what it keeps."""

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
import yaml

from shared.pricing import (
    ClauseNotPricedYet,
    TermsInvalid,
    check_amendment,
    parse_plan,
    parse_terms,
    terms_json_schema,
)
from shared.pricing.language import content_hash, to_document
from tests.shared.pricing.contracts import document, terms, usage_line

WRITTEN = """
contract: acme-2026
customer: acme
legal_entity: us
currency: USD
timezone: America/New_York
term: {start: 2026-01-01, months: 24}
renewal: {auto: true, notice_days: 60, term_months: 12}
billing: {interval: month, anchor_day: 1, net_days: 30, grace_hours: 72, rounding: half_up}
plan: business
lines:
  - {key: platform, kind: recurring, amount: "500.00", timing: arrears, proration: day}
  - key: api
    kind: usage
    meter: api_calls
    included: "100000"
    price: {model: graduated, tiers: [{up_to: "1000000", unit: "0.0008"}, {unit: "0.0005", flat: "10"}]}
  - key: compute
    kind: usage
    meter: gpu_seconds
    price: {model: matrix, dimensions: [region, gpu], rates: [{region: eu, gpu: h200, unit: "0.0011"}, {unit: "0.0007"}]}
phases:
  - {from: 2026-01-01, minimum_spend: "1000"}
  - {from: 2026-07-01, minimum_spend: "4000"}
activation:
  deadline_days: 60
  milestones:
    - {key: first_call, meter: api_calls, at_least: "1", weight: "0.2"}
    - {key: team, active_users: 5, in_days: 7, weight: "0.3"}
skip_zero_invoices: true
effective: 2026-01-15T00:00:00-05:00
"""


EVERYTHING = """
contract: acme-2026
customer: acme
currency: USD
timezone: America/New_York
term: {start: 2026-01-01, months: 24}
renewal: {auto: true, notice_days: 60, term_months: 12, uplift_percent: "5"}
late_usage: {accept_days: 90, waive_below: "5.00", after: hold}
lines:
  - {key: platform, kind: recurring, amount: "500.00", timing: advance, proration: day}
  - {key: seats, kind: seats, unit_price: "25.00", timing: advance, minimum: 10}
commitments:
  - {key: annual, amount: "120000", period: year, applies_to: [api]}
credits:
  - {key: launch, kind: promotional, amount: "2000", expires: 2026-06-30, priority: 1, applies_to: [api]}
discounts:
  - {key: q1-deal, percent: "12", applies_to: [platform], until: 2026-12-31}
escalators: [{percent: "5", every_months: 12, applies_to: [platform, seats]}]
cap: {spend_per_period: "50000"}
activation:
  deadline_days: 60
  milestones:
    - {key: first_call, meter: api_calls, at_least: "1", weight: "0.2"}
    - {key: team, active_users: 5, in_days: 7, weight: "0.3"}
    - {key: real_use, commitment_share: "0.10", weight: "0.5"}
"""


def faults(written: dict[str, Any], **plan: Any) -> dict[str, str]:
    with pytest.raises(TermsInvalid) as refused:
        parse_terms(written, **plan)
    return {error["path"]: error["code"] for error in refused.value.errors}


def price_faults(price: dict[str, Any]) -> dict[str, str]:
    return faults(document(lines=[usage_line(price)]))


def test_yaml_and_json_of_one_document_are_the_same_terms() -> None:
    from_yaml = parse_terms(yaml.safe_load(WRITTEN))
    as_json = json.loads(json.dumps(to_document(from_yaml)))
    assert parse_terms(as_json) == from_yaml and content_hash(parse_terms(as_json)) == content_hash(from_yaml)
    assert from_yaml.effective_at == datetime(2026, 1, 15, 5, tzinfo=UTC)
    assert as_json["lines"][0]["amount"] == "500.00" and as_json["effective"] == "2026-01-15T05:00:00Z"


def test_a_date_takes_force_at_local_midnight_and_the_term_start_is_the_default() -> None:
    kathmandu = terms(timezone="Asia/Kathmandu")
    assert kathmandu.effective_at == datetime(2025, 12, 31, 18, 15, tzinfo=UTC)
    assert terms(effective=date(2026, 2, 1)).effective_at == datetime(2026, 2, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("over", "path", "code"),
    [
        ({"colour": "red"}, "colour", "unknown_key"),
        ({"currency": "USDT"}, "currency", "unknown_currency"),
        ({"currency": "XAU"}, "currency", "unknown_currency"),
        ({"timezone": "Mars/Olympus"}, "timezone", "unknown_timezone"),
        ({"timezone": "../etc/passwd"}, "timezone", "unknown_timezone"),
        ({"term": {"start": "2026-02-30", "months": 1}}, "term.start", "not_a_date"),
        ({"term": {"start": 1700000000, "months": 1}}, "term.start", "not_a_date"),
        ({"term": {"start": "0001-01-01", "months": 1}}, "term.start", "date_out_of_range"),
        ({"term": {"start": "9999-12-01", "months": 24}}, "term.start", "date_out_of_range"),
        ({"term": {"start": "2026-01-01"}}, "term.months", "missing"),
        ({"term": {"start": "2026-01-01", "months": True}}, "term.months", "int_type"),
        ({"effective": "2026-01-15T00:00:00"}, "effective", "not_an_instant"),
        ({"effective": "2026-W20-1"}, "effective", "not_a_date"),
        ({"effective": "20260505"}, "effective", "not_a_date"),
        ({"effective": "２026-05-05"}, "effective", "not_a_date"),
        ({"effective": "20260505T000000Z"}, "effective", "not_an_instant"),
        ({"effective": "2026-05-05T00Z"}, "effective", "not_an_instant"),
        ({"effective": "2026-W20-1T00:00:00Z"}, "effective", "not_an_instant"),
        ({"effective": "2026-05-05T00:00:00+0000"}, "effective", "not_an_instant"),
        ({"term": {"start": "2026-W01-4", "months": 12}}, "term.start", "not_a_date"),
        ({"effective": "0001-01-01T00:00:00+14:00"}, "effective", "date_out_of_range"),
        ({"effective": "9999-12-31T23:59:59-14:00"}, "effective", "date_out_of_range"),
        ({"effective": "9999-12-31"}, "effective", "date_out_of_range"),
        ({"effective": "2025-12-31"}, "effective", "effective_before_term"),
        ({"billing": {"rounding": "bankers"}}, "billing.rounding", "unknown_value"),
        ({"billing": {"anchor_day": 32}}, "billing.anchor_day", "less_than_equal"),
        ({"lines": []}, "lines", "missing"),
        ({"lines": [usage_line(), usage_line()]}, "lines[1].key", "duplicate_key"),
        ({"lines": [usage_line(colour="red")]}, "lines[0].colour", "unknown_key"),
        ({"lines": [{"key": "x", "kind": "subscription"}]}, "lines[0].kind", "unknown_value"),
        ({"lines": [{"key": "x"}]}, "lines[0].kind", "union_tag_not_found"),
        ({"lines": [usage_line({"unit": "1"})]}, "lines[0].price.model", "union_tag_not_found"),
        (
            {
                "lines": [
                    usage_line({"model": "matrix", "dimensions": ["r"], "rates": [{"r": "a\0", "unit": "1"}]})
                ]
            },
            "lines[0].price.rates[0].r",
            "string_pattern_mismatch",
        ),
        ({"lines": [usage_line(included=0.5)]}, "lines[0].included", "float_refused"),
        ({"lines": [usage_line(included="1e9")]}, "lines[0].included", "not_a_decimal"),
        ({"lines": [{"key": "x", "kind": "recurring", "amount": 9.99}]}, "lines[0].amount", "float_refused"),
        (
            {"lines": [{"key": "x", "kind": "recurring", "amount": "1e1000000"}]},
            "lines[0].amount",
            "not_a_decimal",
        ),
        ({"lines": [{"key": "x", "kind": "recurring", "amount": "-1"}]}, "lines[0].amount", "negative"),
        ({"lines": [{"key": "x", "kind": "recurring", "amount": True}]}, "lines[0].amount", "not_a_decimal"),
        (
            {"lines": [{"key": "x", "kind": "recurring", "amount": 10**5000}]},
            "lines[0].amount",
            "not_a_decimal",
        ),
        (
            {
                "phases": [
                    {"from": "2026-07-01", "minimum_spend": 1},
                    {"from": "2026-07-01", "minimum_spend": 2},
                ]
            },
            "phases[1].from",
            "phase_overlap",
        ),
        (
            {
                "phases": [
                    {"from": "2026-07-01", "minimum_spend": 1},
                    {"from": "2026-01-01", "minimum_spend": 2},
                ]
            },
            "phases[1].from",
            "phase_overlap",
        ),
        (
            {
                "activation": {
                    "deadline_days": 9,
                    "milestones": [{"key": "a", "meter": "m", "at_least": "0", "weight": "1"}],
                }
            },
            "activation.milestones[0].at_least",
            "not_positive",
        ),
        (
            {
                "activation": {
                    "deadline_days": 9,
                    "milestones": [{"key": "a", "active_users": 3, "weight": "1"}],
                }
            },
            "activation.milestones[0].in_days",
            "missing",
        ),
    ],
)
def test_a_fault_is_refused_with_its_path(over: dict[str, Any], path: str, code: str) -> None:
    assert faults(document(**over)) == {path: code}


@pytest.mark.parametrize(
    ("tiers", "path", "code"),
    [
        ([{"up_to": "10", "unit": "1"}, {"from": "11", "unit": "2"}], "tiers[1].from", "tier_gap"),
        ([{"up_to": "10", "unit": "1"}, {"from": "9", "unit": "2"}], "tiers[1].from", "tier_gap"),
        ([{"from": "1", "up_to": "10", "unit": "1"}, {"unit": "2"}], "tiers[0].from", "tier_gap"),
        (
            [{"up_to": "10", "unit": "1"}, {"up_to": "5", "unit": "2"}, {"unit": "1"}],
            "tiers[1].up_to",
            "tier_order",
        ),
        ([{"up_to": "10", "unit": "1"}], "tiers[0].up_to", "last_tier_bounded"),
        ([{"unit": "1"}, {"unit": "2"}], "tiers[0].up_to", "tier_open_inside"),
        ([{"up_to": "10"}, {"unit": "2"}], "tiers[0].unit", "missing"),
        ([{"up_to": 1.5, "unit": "1"}, {"unit": "2"}], "tiers[0].up_to", "float_refused"),
        ([], "tiers", "too_short"),
    ],
)
@pytest.mark.parametrize("model", ["graduated", "volume"])
def test_tiers_start_at_zero_without_gap_and_the_last_is_open(
    model: str, tiers: list[dict[str, Any]], path: str, code: str
) -> None:
    assert price_faults({"model": model, "tiers": tiers}) == {f"lines[0].price.{path}": code}


def test_tiers_may_repeat_the_bound_before_them() -> None:
    rows = [{"from": "0", "up_to": "10", "unit": "1"}, {"from": 10, "unit": "2"}]
    assert (
        terms(lines=[usage_line({"model": "graduated", "tiers": rows})])
        .usage_lines[0]
        .price.cost(Decimal(11))
        == 12
    )


def test_faults_of_a_matrix() -> None:
    rates = [{"region": "eu", "unit": "1"}, {"zone": "a", "unit": "1"}, {"region": "eu", "unit": "2"}]
    at = "lines[0].price.rates"
    found = price_faults({"model": "matrix", "dimensions": ["region"], "rates": rates})
    assert found == {f"{at}[1].zone": "unknown_key", f"{at}[2]": "duplicate_rate"}
    lists = [{"region": ["eu", "us"], "unit": "1"}, {"region": ["us", "ap"], "unit": "1"}]
    empty, named = {"region": [], "unit": "2"}, {"region": ["us", "eu"], "unit": "2"}
    found = price_faults({"model": "matrix", "dimensions": ["region"], "rates": [*lists, empty]})
    assert found == {f"{at}[2].region": "too_short"}
    found = price_faults({"model": "matrix", "dimensions": ["region"], "rates": [*lists, named]})
    assert found == {f"{at}[2]": "duplicate_rate"}
    many = [str(number) for number in range(1000)]
    found = price_faults(
        {"model": "matrix", "dimensions": ["a", "b"], "rates": [{"a": many, "b": many, "unit": "1"}]}
    )
    assert found == {at: "too_many_values"}


def test_faults_of_blocks() -> None:
    at, tiers = (
        "lines[0].price.tiers",
        [{"size": "10", "price": "1"}, {"size": "0", "max": "1.5", "price": 1}],
    )
    assert price_faults({"model": "blocks", "tiers": tiers}) == {
        f"{at}[1].size": "not_positive",
        f"{at}[1].max": "not_whole",
    }
    assert price_faults({"model": "blocks", "tiers": tiers[:1] * 2}) == {f"{at}[0].max": "tier_open_inside"}
    assert price_faults({"model": "blocks", "tiers": []}) == {at: "too_short"}


@pytest.mark.parametrize(
    ("over", "path"),
    [
        ({"renewal": {"auto": True, "uplift_percent": "5"}}, "renewal.uplift_percent"),
        ({"billing": {"interval": "week"}}, "billing.interval"),
        ({"lines": [{"key": "seats", "kind": "seats", "unit_price": "25.00"}]}, "lines[0].kind"),
        (
            {"lines": [{"key": "fee", "kind": "recurring", "amount": "1", "timing": "advance"}]},
            "lines[0].timing",
        ),
        ({"lines": [usage_line(on_change="scale")]}, "lines[0].on_change"),
        ({"lines": [usage_line({"model": "dynamic", "amount": "data.cost"})]}, "lines[0].price.model"),
        ({"lines": [usage_line({"model": "percentage", "rate": "3", "fixed": "2"})]}, "lines[0].price.fixed"),
        (
            {"lines": [usage_line({"model": "percentage", "rate": "3", "minimum": "2"})]},
            "lines[0].price.minimum",
        ),
        ({"lines": [usage_line(round_used_first=False)]}, "lines[0].round_used_first"),
        (
            {"phases": [{"from": "2026-01-01", "minimum_spend": "1", "round_used_first": False}]},
            "phases[0].round_used_first",
        ),
        (
            {
                "activation": {
                    "deadline_days": 9,
                    "milestones": [{"key": "a", "commitment_share": "0.1", "weight": "1"}],
                }
            },
            "activation.milestones[0].commitment_share",
        ),
    ],
)
def test_a_clause_that_is_not_priced_yet_is_refused_by_name(over: dict[str, Any], path: str) -> None:
    with pytest.raises(ClauseNotPricedYet) as refused:
        parse_terms(document(**over))
    assert [(error["path"], error["code"]) for error in refused.value.errors] == [
        (path, "clause_not_priced_yet")
    ]
    assert path in refused.value.detail and "not priced yet" in refused.value.detail


@pytest.mark.parametrize(
    ("over", "path", "remedy"),
    [
        ({"minimum_spend": "5"}, "minimum_spend", "in a phase"),
        ({"lines": [usage_line(discount={"percent": "5"})]}, "lines[0].discount", "applies_to"),
        ({"lines": [usage_line(cap="5")]}, "lines[0].cap", "maximum"),
        (
            {"lines": [usage_line({"model": "package", "size": 1, "price": 1, "convert": {"divide": "2"}})]},
            "lines[0].price.convert",
            "on the line",
        ),
    ],
)
def test_a_clause_that_is_written_elsewhere_is_told_where(
    over: dict[str, Any], path: str, remedy: str
) -> None:
    with pytest.raises(TermsInvalid) as refused:
        parse_terms(document(**over))
    (error,) = refused.value.errors
    assert (error["path"], error["code"]) == (path, "written_elsewhere") and remedy in error["detail"]


def test_a_contract_with_everything_names_each_clause_that_is_not_priced_yet() -> None:
    with pytest.raises(ClauseNotPricedYet) as refused:
        parse_terms(yaml.safe_load(EVERYTHING))
    assert [error["path"] for error in refused.value.errors] == [
        "renewal.uplift_percent",
        "lines[0].timing",
        "lines[1].kind",
        "activation.milestones[2].commitment_share",
    ]


def per(units: str) -> dict[str, Any]:
    return document(lines=[usage_line({"model": "per_unit", "unit": "1", "per": units})])


@pytest.mark.parametrize(
    ("units", "code"),
    [("3", "not_exact"), ("7000", "not_exact"), (str(2**60), "not_exact"), ("0", "not_positive")],
)
def test_a_price_of_many_units_divides_without_a_rest(units: str, code: str) -> None:
    assert [parse_terms(per(fits)).contract for fits in ("1000", "0.25")] == ["acme-2026"] * 2
    assert faults(per(units)) == {"lines[0].price.per": code}


@pytest.mark.parametrize("written", [[], "terms", None, 7])
def test_what_is_no_document_is_refused(written: Any) -> None:
    with pytest.raises(TermsInvalid, match="one object"):
        parse_terms(written)


def test_all_faults_are_told_at_once() -> None:
    written = document(
        colour="red",
        late_usage={"accept_days": -1},
        currency="???",
        lines=[usage_line(included=1.5), usage_line()],
    )
    assert faults(written) == {
        "colour": "unknown_key",
        "currency": "unknown_currency",
        "late_usage.accept_days": "greater_than_equal",
        "lines[0].included": "float_refused",
        "lines[1].key": "duplicate_key",
    }


PLAN = {"plan": "business", "lines": [usage_line(), {"key": "fee", "kind": "recurring", "amount": "500"}]}


def test_a_contract_line_replaces_the_plan_line_of_its_key_or_adds_one() -> None:
    own = [{"key": "fee", "kind": "recurring", "amount": "400"}, usage_line(key="extra", meter="jobs")]
    merged = parse_terms(document(plan="business", lines=own), plan=PLAN)
    assert [line.key for line in merged.lines] == ["api", "fee", "extra"]
    assert merged.recurring_lines[0].amount == 400
    assert parse_terms(to_document(merged)) == merged


def test_a_fault_in_a_merged_line_names_the_document_it_was_written_in() -> None:
    bad_plan = {
        "plan": "business",
        "lines": [usage_line(), {"key": "fee", "kind": "recurring", "amount": 1.5}],
    }
    assert faults(
        document(plan="business", lines=[usage_line(key="extra", included=1.5)]), plan=bad_plan
    ) == {
        "plan.lines[1].amount": "float_refused",
        "lines[0].included": "float_refused",
    }


def test_a_plan_is_validated_by_itself() -> None:
    assert [line.key for line in parse_plan(PLAN).lines] == ["api", "fee"]
    with pytest.raises(TermsInvalid, match=r"lines\[0\]\.meter"):
        parse_plan(
            {
                "plan": "business",
                "lines": [{"key": "x", "kind": "usage", "price": {"model": "per_unit", "unit": 1}}],
            }
        )


def test_a_hash_tells_meaning_not_writing() -> None:
    written_out = terms(
        legal_entity="default",
        billing={"net_days": 30},
        lines=[usage_line({"model": "per_unit", "unit": "1.00"})],
    )
    assert content_hash(terms()) == content_hash(written_out)
    assert content_hash(terms()) != content_hash(terms(billing={"net_days": 31}))
    rows = [{"up_to": "10", "unit": "1"}, {"unit": "2"}]
    graduated, volume = (usage_line({"model": model, "tiers": rows}) for model in ("graduated", "volume"))
    assert terms(lines=[graduated]).lines[0].hash != terms(lines=[volume]).lines[0].hash


def test_an_amendment_keeps_what_periods_rest_on() -> None:
    with pytest.raises(TermsInvalid) as refused:
        check_amendment(
            terms(),
            terms(
                currency="EUR", term={"start": "2026-02-01", "months": 24}, lines=[usage_line(meter="jobs")]
            ),
        )
    assert {error["path"] for error in refused.value.errors} == {"currency", "term.start", "lines.api.meter"}
    check_amendment(
        terms(),
        terms(
            term={"start": "2026-01-01", "months": 36}, lines=[usage_line({"model": "per_unit", "unit": "2"})]
        ),
    )


def test_the_calendar_ends_with_the_term_unless_it_renews() -> None:
    assert len(list(terms().calendar.periods())) == 24
    assert terms(renewal={"auto": True}).calendar.containing(datetime(2040, 1, 1, tzinfo=UTC)) is not None


def test_the_schema_closes_every_object_and_names_every_key() -> None:
    schema = terms_json_schema()
    assert schema["additionalProperties"] is False and set(document()) <= set(schema["properties"])
    closed = [name for name, part in schema["$defs"].items() if part.get("additionalProperties") is False]
    assert set(schema["$defs"]) - set(closed) == {"Rate"}
