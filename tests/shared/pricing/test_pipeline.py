"""The order of steps: allowance, segments, part periods, settlement, minimum; figures to check by hand."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from shared.pricing import Balances, Group, Totals, UnitsBelowZero, price_period, text_of, usage_needs
from shared.pricing.steps.measured import UsageMissing
from shared.pricing.steps.without_rate import UsageWithoutRate
from shared.values.decimals import EXACT
from shared.values.period import period_between
from tests.shared.pricing.contracts import JANUARY, amounts, chain, price, terms, usage_line, usage_of

TIERS = {"model": "graduated", "tiers": [{"up_to": "1000", "unit": "0.10"}, {"unit": "0.05"}]}
CHEAPER = {"model": "graduated", "tiers": [{"up_to": "1000", "unit": "0.08"}, {"unit": "0.04"}]}
VOLUME = {"model": "volume", "tiers": [{"up_to": "1000", "unit": "2"}, {"unit": "1"}]}


def amended(old: dict[str, Any], new: dict[str, Any], on: str = "2026-01-16", **line: Any) -> tuple[Any, ...]:
    return chain(terms(lines=[usage_line(old, **line)]), terms(lines=[usage_line(new, **line)], effective=on))


def test_the_allowance_comes_off_before_the_price() -> None:
    (line,) = price(chain(terms(lines=[usage_line(TIERS, included="100")])), "1200").lines
    (segment,) = line.segments
    # 1000 × 0.10 + 100 × 0.05
    assert (line.amount_minor, segment.allowance, segment.priced) == (
        10500,
        Decimal(100),
        Decimal(1100),
    )


def test_a_line_is_rounded_once_and_ties_go_up() -> None:
    priced = price(chain(terms(lines=[usage_line({"model": "per_unit", "unit": "333.335"})])), "1")
    assert amounts(priced) == {"api": 33334}
    assert [str(step.amount) for step in priced.steps if step.op == "settle"] == ["0.005"]


def test_no_usage_still_makes_a_line_of_zero() -> None:
    (line,) = price(chain(terms()), "0").lines
    assert (line.quantity, line.amount_minor, len(line.segments)) == (Decimal(0), 0, 1)


def test_tiers_and_allowance_run_through_an_amendment() -> None:
    """old(1500 − 100) = 120; new(3000 − 100) − new(1400) = 156 − 96 = 60."""
    (line,) = price(amended(TIERS, CHEAPER, included="100"), "1500", "1500").lines
    assert [segment.exact for segment in line.segments] == [Decimal(120), Decimal(60)]
    assert [segment.allowance for segment in line.segments] == [Decimal(100), Decimal(0)]
    assert (line.quantity, line.version, line.amount_minor) == (Decimal(3000), 2, 18000)


def test_a_line_that_restarts_counts_each_part_from_zero() -> None:
    """old(1500) = 125; new(1500) = 100."""
    (line,) = price(amended(TIERS, CHEAPER, on_change="restart"), "1500", "1500").lines
    assert [segment.exact for segment in line.segments] == [Decimal(125), Decimal(100)]


def test_a_volume_line_restarts_whatever_it_says() -> None:
    """old(600) at 2, new(600) at 2: the total of 1200 never lowers the rate of a part."""
    assert amounts(price(amended(VOLUME, {**VOLUME, "flat_at_zero": "none"}), "600", "600")) == {
        "api": 240000
    }


def test_a_flat_fee_of_the_first_tier_is_charged_once_across_an_amendment() -> None:
    flat = {"model": "graduated", "tiers": [{"unit": "1", "flat": "10"}]}
    raised = {"model": "graduated", "tiers": [{"unit": "2", "flat": "10"}]}
    assert amounts(price(amended(flat, raised), "5", "5")) == {"api": 2500}  # 10 + 5 × 1 + 5 × 2


@pytest.mark.parametrize(
    ("usage", "cents"), [(("0", "5"), 900), (("5", "5"), 1400), (("5", "0"), 1400), (("0", "0"), 900)]
)
def test_a_flat_price_that_takes_the_place_of_another_is_due_whole(
    usage: tuple[str, str], cents: int
) -> None:
    """As one that runs through it would cost the same with the units before and without them: nothing."""
    versions = amended({"model": "per_unit", "unit": "1"}, {"model": "flat", "amount": "9"})
    assert amounts(price(versions, *usage)) == {"api": cents}


def test_two_changes_in_one_period_split_in_three() -> None:
    versions = chain(
        *(
            terms(lines=[usage_line({"model": "per_unit", "unit": unit})], effective=day)
            for unit, day in (("1", "2026-01-01"), ("2", "2026-01-10"), ("3", "2026-01-20T12:00:00Z"))
        )
    )
    assert amounts(price(versions, "10", "10", "10")) == {"api": 6000}


def test_a_version_that_does_not_change_a_line_does_not_split_it() -> None:
    versions = chain(
        terms(), terms(effective="2026-01-16", phases=[{"from": "2026-01-01", "minimum_spend": "5"}])
    )
    (line, _) = price(versions, "1").lines
    assert len(line.segments) == 1 and line.version == 1


def test_a_back_dated_version_takes_over_from_its_effective_time() -> None:
    """Version 3 is recorded last and takes force first: version 2 never applies after it."""
    versions = chain(
        *(
            terms(lines=[usage_line({"model": "per_unit", "unit": unit})], effective=day)
            for unit, day in (("1", "2026-01-01"), ("2", "2026-01-20"), ("3", "2026-01-10"))
        )
    )
    (line,) = price(versions, "10", "10").lines
    assert [segment.version for segment in line.segments] == [1, 3] and line.amount_minor == 4000


def test_a_line_added_within_the_period_counts_from_then_on() -> None:
    added = [usage_line(), usage_line(key="extra", meter="jobs")]
    versions = chain(terms(), terms(lines=added, effective="2026-01-16"))
    needs = {(need.line_key, need.start.day): need for need in usage_of(versions, 1, 1)}
    assert set(needs) == {("api", 1), ("extra", 16)}


def test_a_line_removed_within_the_period_is_still_charged_for_its_days() -> None:
    fee = {"key": "fee", "kind": "recurring", "amount": "31.00"}
    versions = chain(terms(lines=[usage_line(), fee]), terms(effective="2026-01-16"))
    assert amounts(price(versions, "1")) == {"fee": 1500, "api": 100}


def test_a_fee_is_charged_by_the_day_across_an_amendment() -> None:
    """15 days at 31.00 and 16 days at 62.00 of 31; a change at noon leaves its day with the old fee."""

    def fee(amount: str) -> list[dict[str, Any]]:
        return [{"key": "fee", "kind": "recurring", "amount": amount}]

    assert amounts(price(chain(terms(lines=fee("31")), terms(lines=fee("62"), effective="2026-01-16")))) == {
        "fee": 4700
    }
    assert amounts(
        price(chain(terms(lines=fee("31")), terms(lines=fee("62"), effective="2026-01-16T12:00:00Z")))
    ) == {"fee": 4600}


def test_a_fee_without_proration_is_due_whole() -> None:
    stub = period_between(date(2026, 1, 17), date(2026, 2, 1), "UTC", whole_days=31)
    fees = [
        {"key": "whole", "kind": "recurring", "amount": "31", "proration": "none"},
        {"key": "daily", "kind": "recurring", "amount": "31"},
    ]
    assert amounts(price(chain(terms(lines=fees)), period=stub)) == {"whole": 3100, "daily": 1500}


def test_a_part_period_prorates_minimum_and_allowance_by_the_day() -> None:
    """15 of 31 days: 310 × 15/31 = 150 included, 1000 × 15/31 = 483.87 minimum."""
    stub = period_between(date(2026, 1, 17), date(2026, 2, 1), "UTC", whole_days=31)
    versions = chain(
        terms(lines=[usage_line(included="310")], phases=[{"from": "2026-01-01", "minimum_spend": "1000"}])
    )
    assert amounts(price(versions, "350", period=stub)) == {"api": 20000, "minimum_spend": 28387}


def test_the_minimum_counts_fees_and_each_phase_by_its_days() -> None:
    """15 days of 1000 and 16 of 2000: 1516.13 less a fee of 16.13 and usage of 500."""
    fee = {"key": "fee", "kind": "recurring", "amount": "16.13"}
    phases = [
        {"from": "2026-01-01", "minimum_spend": "1000"},
        {"from": "2026-01-16", "minimum_spend": "2000"},
    ]
    priced = price(chain(terms(lines=[usage_line(), fee], phases=phases)), "500")
    assert amounts(priced) == {"api": 50000, "fee": 1613, "minimum_spend": 100000}
    assert priced.subtotal_minor == 151613


@pytest.mark.parametrize("rounding", ["up", "down", "ceiling", "floor", "half_up"])
@pytest.mark.parametrize("cut", ["2026-01-11", "2026-01-16"])
def test_a_minimum_that_is_cut_and_stays_the_same_is_the_whole_one(rounding: str, cut: str) -> None:
    """200 × 10/31 and × 21/31 come to a little less together, 15/31 and 16/31 to a little more."""
    phases = [{"from": day, "minimum_spend": "200.00"} for day in ("2026-01-01", cut)]
    versions = chain(terms(phases=phases, billing={"rounding": rounding}))
    assert amounts(price(versions, "0")) == {"api": 0, "minimum_spend": 20000}


def test_no_top_up_at_or_above_the_minimum() -> None:
    versions = chain(terms(phases=[{"from": "2026-01-01", "minimum_spend": "10"}]))
    assert amounts(price(versions, "10")) == {"api": 1000}


def test_groups_of_a_matrix_draw_the_allowance_in_the_order_of_its_rows() -> None:
    rates = [{"region": "us", "unit": "2"}, {"region": "eu", "unit": "3"}]
    line = usage_line({"model": "matrix", "dimensions": ["region"], "rates": rates}, included="15")
    (priced,) = price(
        chain(terms(lines=[line])), {(("region", "eu"),): Decimal(10), (("region", "us"),): Decimal(10)}
    ).lines
    assert {
        segment.group["region"]: (int(segment.allowance), int(segment.exact)) for segment in priced.segments
    } == {"us": (10, 0), "eu": (5, 15)}
    assert priced.amount_minor == 1500


def test_units_below_zero_are_carried_into_the_next_period() -> None:
    versions = chain(terms())
    first = price(versions, "-5")
    assert (amounts(first), first.lines[0].quantity, first.closing) == (
        {"api": 0},
        Decimal(-5),
        Balances((UnitsBelowZero("api", (), Decimal(-5)),)),
    )
    assert any("negative quantity carried" in text_of(step) for step in first.steps)
    second = price_period(versions, JANUARY, usage_of(versions, "8"), first.closing)
    assert (amounts(second), second.closing) == ({"api": 300}, Balances())


def test_missing_usage_fails_the_period() -> None:
    with pytest.raises(UsageMissing, match="calls"):
        price_period(chain(terms()), JANUARY, {})


def test_of_two_faults_that_of_the_earlier_stage_is_told_wherever_its_line_stands() -> None:
    rates = {"model": "matrix", "dimensions": ["region"], "rates": [{"region": "eu", "unit": "1"}]}
    versions = chain(terms(lines=[usage_line(rates), usage_line(key="last", meter="jobs")]))
    lacking, missing = usage_needs(versions, JANUARY)
    counted: dict[Totals, Mapping[Group, Decimal]] = {lacking: {(("region", "us"),): Decimal(1)}}
    with pytest.raises(UsageMissing, match="jobs"):
        price_period(versions, JANUARY, counted)
    with pytest.raises(UsageWithoutRate, match="region=us"):
        price_period(versions, JANUARY, {**counted, missing: {}})


def test_a_period_before_the_first_version_has_no_lines() -> None:
    assert price(chain(terms(effective="2026-02-01"))).lines == ()


def test_the_largest_quantity_at_the_finest_price_is_exact() -> None:
    versions = chain(
        terms(lines=[usage_line({"model": "per_unit", "unit": "9999999999.12345678901234567891"})])
    )
    (line,) = price(versions, "9999999999999999999.999999999999").lines
    # at 32 decimals; a cent is 10^30 of its units
    exact_product = (10**31 - 1) * 999999999912345678901234567891
    assert line.amount_minor == (exact_product + 10**30 // 2) // 10**30
    assert line.segments[0].exact == Decimal(exact_product).scaleb(-32, EXACT)
