"""A fee is divided once, however often the period is cut; its pieces sum to it."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, localcontext
from fractions import Fraction
from math import ceil, floor
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.pricing import PricedLine, PricedPeriod, VersionInForce
from shared.pricing.in_force import version_at
from shared.values.decimals import EXACT, QUANTITY_FRACTION_DIGITS_MAX
from shared.values.money import Rounding, currency, round_to, share
from shared.values.period import ServicePeriod, local_midnight, period_between
from tests.shared.pricing.contracts import amounts, chain, price, terms

MODES = [mode.value for mode in Rounding]
ZONES = ("UTC", "America/New_York", "Asia/Kathmandu", "America/Sao_Paulo", "Pacific/Apia")
#: Clocks change within it in New York and Sao Paulo, there at midnight.
FIRST, END = date(2018, 10, 20), date(2018, 11, 20)

#: As people write them, as terms may write them at most, and such that those of the whole period come to whole units
#: where the shares do not.
amounts_written = [
    kind.map(lambda amount: format(amount, "f"))
    for kind in (
        st.decimals(min_value=0, max_value=1000, places=2),
        st.decimals(min_value=0, max_value=10**19 - 1, places=20),
        st.integers(0, 100).map(lambda times: Decimal(7 + 31 * times)),
    )
]
fees = st.one_of(*amounts_written)
minutes = st.integers(0, 34 * 24 * 60).map(lambda count: timedelta(minutes=count))
#: At any minute of the period, of a day before and of two after it.
moments = minutes.map(lambda since: datetime(2018, 10, 19, tzinfo=UTC) + since)
#: A whole period, or what is left of one.
periods = st.builds(
    lambda zone, gone: period_between(FIRST + timedelta(days=gone), END, zone, whole_days=31),
    st.sampled_from(ZONES),
    st.just(0) | st.integers(0, 30),
)
#: What is signed, and what changes when: to another amount, or the fee is taken out, or brought back.
histories = st.one_of(
    *(
        st.tuples(kind, st.lists(st.tuples(moments, st.none() | kind), min_size=1, max_size=6))
        for kind in amounts_written
    )
)
contracts = st.fixed_dictionaries(
    {"currency": st.sampled_from(["JPY", "USD", "KWD"]), "mode": st.sampled_from(MODES)}
)


def fee(amount: str, **over: str) -> dict[str, Any]:
    return {"key": "fee", "kind": "recurring", "amount": amount, **over}


def version(period: ServicePeriod, said: dict[str, str], line: dict[str, Any] | None, **over: Any) -> Any:
    return terms(
        currency=said["currency"],
        billing={"rounding": said["mode"]},
        timezone=period.timezone,
        term={"start": "2018-10-01", "months": 12},
        lines=[line] if line else [fee("0", key="other")],
        **over,
    )


def line_of(priced: PricedPeriod) -> PricedLine:
    return next(line for line in priced.lines if line.key == "fee")


def settled(exact: Fraction, mode: Rounding) -> int:
    """A number that is not negative in whole units, by the words of the mode."""
    below, above = floor(exact), ceil(exact)
    if mode in (Rounding.UP, Rounding.CEILING):
        return above
    if mode in (Rounding.DOWN, Rounding.FLOOR):
        return below
    rest = exact - below
    if rest == Fraction(1, 2):
        even = below if below % 2 == 0 else above
        return {Rounding.HALF_UP: above, Rounding.HALF_DOWN: below, Rounding.HALF_EVEN: even}[mode]
    return above if rest > Fraction(1, 2) else below


def by_each_day(versions: tuple[VersionInForce, ...], period: ServicePeriod) -> Fraction:
    """What the fee comes to: of each local day a share, at the amount in force as the day begins."""
    total, days = Fraction(0), [period.start_date + timedelta(days=n) for n in range(period.billed_days)]
    for day in days:
        in_force = version_at(versions, local_midnight(day, period.timezone))
        written = in_force.terms.by_key.get("fee") if in_force else None
        if written is not None and written.kind == "recurring":
            total += Fraction(written.amount) / period.whole_days
    return total


@pytest.mark.parametrize("rounding", MODES)
@pytest.mark.parametrize("cut", ["2026-01-11", "2026-01-16", "2026-01-21T12:00:00Z"])
def test_a_fee_that_is_cut_and_stays_the_same_is_the_whole_one(rounding: str, cut: str) -> None:
    """200 × 10/31 and × 21/31 come to a little less together, 15/31 and 16/31 to a little more."""
    billing = {"rounding": rounding}
    signed = terms(lines=[fee("200.00")], billing=billing)
    renamed = terms(lines=[fee("200.00", description="Platform")], billing=billing, effective=cut)
    priced = price(chain(signed, renamed))
    assert amounts(priced) == {"fee": 20000}
    (line,) = priced.lines
    assert len(line.segments) == 2 and line.quantity == 1


@pytest.mark.parametrize("rounding", MODES)
@pytest.mark.parametrize("cut", [11, 16, 21])
def test_a_fee_that_is_raised_is_divided_once(rounding: str, cut: int) -> None:
    """10 for some days and 41 for the others: a whole number of units, one for each day at 41 and 10 for all."""
    versions = chain(
        terms(lines=[fee("10")], billing={"rounding": rounding}),
        terms(lines=[fee("41")], billing={"rounding": rounding}, effective=f"2026-01-{cut}"),
    )
    assert amounts(price(versions)) == {"fee": 1000 + 100 * (32 - cut)}


def test_what_was_charged_whole_is_not_charged_again_by_what_takes_over_from_it() -> None:
    """The fee first in force says how the period is counted: its own amount, once, with its own bounds."""
    versions = chain(
        terms(lines=[fee("31", proration="none", maximum="20")]),
        *(
            terms(lines=[fee("200", description=name)], effective=day)
            for name, day in (("a", "2026-01-11"), ("b", "2026-01-16"))
        ),
    )
    (segment,) = line_of(price(versions)).segments
    assert segment.exact == 31 and segment.quantity == 1 and amounts(price(versions)) == {"fee": 2000}
    february = period_between(date(2026, 2, 1), date(2026, 3, 1), "UTC")
    assert amounts(price(versions, period=february)) == {"fee": 20000}


def test_a_fee_that_would_be_due_whole_is_charged_for_its_days_where_days_before_it_were() -> None:
    """10 days of 31 at 31, and the other 21 at 62: each day once. The month after it is due whole."""
    versions = chain(
        terms(lines=[fee("31")]), terms(lines=[fee("62", proration="none")], effective="2026-01-11")
    )
    assert amounts(price(versions)) == {"fee": 1000 + 4200}
    february = period_between(date(2026, 2, 1), date(2026, 2, 11), "UTC", whole_days=28)
    assert amounts(price(versions, period=february)) == {"fee": 6200}


def test_the_steps_of_a_cut_fee_say_what_came_before() -> None:
    versions = chain(terms(lines=[fee("200")]), terms(lines=[fee("300")], effective="2026-01-11"))
    said = [step.inputs for step in price(versions).steps if step.op == "fee"]
    assert [(one["fee"], one["days"], one["whole_days"], one["before"]) for one in said] == [
        (200, 10, 31, 0),
        (300, 21, 31, 2000),
    ]


@given(period=periods, said=contracts, amount=fees, cuts=st.lists(moments, min_size=1, max_size=6))
def test_a_fee_that_is_cut_anywhere_comes_to_the_same(
    period: ServicePeriod, said: dict[str, str], amount: str, cuts: list[datetime]
) -> None:
    signed = version(period, said, fee(amount))
    renamed = [
        version(period, said, fee(amount, description=f"No. {number}"), effective=moment)
        for number, moment in enumerate(cuts)
    ]
    whole, cut = (price(chain(*versions), period=period) for versions in ([signed], [signed, *renamed]))
    assert amounts(cut) == amounts(whole)
    with localcontext(EXACT):
        assert line_of(cut).quantity == line_of(whole).quantity
        assert sum(one.exact for one in line_of(cut).segments) == line_of(whole).segments[0].exact
        assert all(one.exact >= 0 and one.quantity >= 0 for one in line_of(cut).segments)


@given(period=periods, said=contracts, history=histories)
def test_a_fee_that_changes_is_the_sum_of_its_days_rounded_once(
    period: ServicePeriod, said: dict[str, str], history: tuple[str, list[tuple[datetime, str | None]]]
) -> None:
    signed, changes = history
    versions = chain(
        version(period, said, fee(signed)),
        *(
            version(period, said, None if amount is None else fee(amount), effective=moment)
            for moment, amount in changes
        ),
    )
    priced = price(versions, period=period)
    units = by_each_day(versions, period) * 10 ** currency(said["currency"]).exponent
    assert amounts(priced).get("fee", 0) == settled(units, Rounding(said["mode"]))
    with localcontext(EXACT):
        told = sum((step.amount or Decimal(0) for step in priced.steps), Decimal(0))
        assert told == Decimal(priced.subtotal_minor).scaleb(-currency(said["currency"]).exponent)


@given(period=periods, said=contracts, amount=fees)
def test_a_fee_that_nothing_cuts_is_written_as_its_share_of_the_days(
    period: ServicePeriod, said: dict[str, str], amount: str
) -> None:
    """To the last character: segments travel and are kept as text."""
    days, whole_days = period.billed_days, period.whole_days
    (segment,) = line_of(price(chain(version(period, said, fee(amount))), period=period)).segments
    part = share(Decimal(1), days, whole_days)
    units = "1" if days == whole_days else str(round_to(part, QUANTITY_FRACTION_DIGITS_MAX, Rounding.HALF_UP))
    assert str(segment.exact) == str(share(Decimal(amount), days, whole_days))
    assert (str(segment.quantity), str(segment.priced)) == (units, units)


def test_the_oracle_rounds_as_its_modes_say() -> None:
    halves = [Fraction(n, 2) for n in (1, 3)]
    assert {mode.value: [settled(one, mode) for one in halves] for mode in Rounding} == {
        "half_up": [1, 2],
        "half_even": [0, 2],
        "half_down": [0, 1],
        "up": [1, 2],
        "down": [0, 1],
        "ceiling": [1, 2],
        "floor": [0, 1],
    }
