"""An escalator."""

from collections.abc import Callable, Iterator, Sequence
from datetime import date
from decimal import Context, Decimal
from typing import Annotated, Final, Literal, NamedTuple

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from shared.errors import AppError
from shared.pricing.applies_to import AppliesTo, names_it
from shared.pricing.clause import Clause
from shared.pricing.fields import PercentChange, StartDay
from shared.pricing.rounding import RoundPrice
from shared.values.decimals import PRICE_FRACTION_DIGITS_MAX, QUANTITY_INTEGER_DIGITS_MAX
from shared.values.money import Rounding, round_to
from shared.values.period import add_months

MINIMUM_SPEND: Final = "minimum_spend"
"""What an escalator calls the least that a period is charged."""
_ONE, _HUNDRED = Decimal(1), Decimal(100)
#: Every digit of a price after each month that the business clock may reach, and no rounding before the one that is meant.
_EXACT_POWERS: Final = Context(prec=200_000)
_TOO_LARGE: Final = Decimal(10) ** QUANTITY_INTEGER_DIGITS_MAX

Raise = Callable[[Decimal], Decimal]
"""From a price as it is written to what it is now."""


class PriceOutOfBounds(AppError):
    """A price that its escalators have raised has more digits than a price may have; amend the contract with prices of
    today, and an escalator that is anchored there."""


def _leaves_something(value: Decimal) -> Decimal:
    if value <= -_HUNDRED:
        raise PydanticCustomError(
            "nothing_left", "A price that falls by 100 % or more is none any more: write more than -100."
        )
    return value


_FINEST: Final = RoundPrice(scale=PRICE_FRACTION_DIGITS_MAX)


class Escalator(Clause):
    """Every so many months the prices of its lines rise (or, below zero, fall) by a percentage: unit prices, rates,
    flats and fees; `minimum_spend` where it is named.

    The first step is one interval after `anchor`, or the term's start; each begins with its local day. `compound`: each
    on the price of the step before, not rounded; `simple`: each on the price as it is written. The price of a step is
    rounded by `round_price`, or half up at 20 decimals.
    """

    percent: Annotated[PercentChange, AfterValidator(_leaves_something)]
    every_months: Annotated[int, Field(strict=True, ge=1, le=1200)]
    anchor: StartDay | None = None
    applies_to: AppliesTo | None = None
    kind: Literal["compound", "simple"] = "compound"
    round_price: RoundPrice | None = None

    def is_of(self, key: str, kind: str) -> bool:
        """Whether a line is one of those it applies to."""
        return names_it(self.applies_to, key, kind)

    @property
    def is_of_minimum_spend(self) -> bool:
        return MINIMUM_SPEND in (self.applies_to or ())

    def times_on(self, day: date, term_start: date) -> int:
        """Return how often it has raised prices by a day, which included."""
        anchor = self.anchor or term_start
        months = (day.year - anchor.year) * 12 + day.month - anchor.month
        times = max(months // self.every_months, 0)
        return times - 1 if times and add_months(anchor, times * self.every_months) > day else times

    def steps_between(self, first: date, last: date, term_start: date) -> Iterator[date]:
        """Yield the days of its steps after one day, until another, which included."""
        anchor, times = self.anchor or term_start, self.times_on(first, term_start) + 1
        while (day := add_months(anchor, times * self.every_months)) <= last:
            yield day
            times += 1

    def factor(self, times: int) -> Decimal:
        """Return by what a price is multiplied after so many steps, exact; never below zero."""
        if self.kind == "simple":
            return max(_EXACT_POWERS.fma(self.percent.scaleb(-2), Decimal(times), _ONE), Decimal(0))
        return _EXACT_POWERS.power(_EXACT_POWERS.add(_ONE, self.percent.scaleb(-2)), times)


class Escalation(NamedTuple):
    """An escalator that has raised prices, so many times."""

    clause: Escalator
    clause_id: str
    times: int

    @property
    def factor(self) -> Decimal:
        return self.clause.factor(self.times)

    @property
    def percent(self) -> Decimal:
        """By how many percent prices are raised in all, to as many decimals as a price has."""
        exact = _EXACT_POWERS.subtract(self.factor, _ONE).scaleb(2, _EXACT_POWERS)
        return round_to(exact, PRICE_FRACTION_DIGITS_MAX, Rounding.HALF_UP)


def rounding_of(escalations: Sequence[Escalation]) -> RoundPrice:
    """Return how a raised price is rounded: as the last of them says that says it."""
    said = [one.clause.round_price for one in escalations if one.clause.round_price is not None]
    return said[-1] if said else _FINEST


def raised_by(escalations: Sequence[Escalation]) -> Raise:
    """Return what makes of a written price the one of today: all factors at once, and one rounding. Raises PriceOutOfBounds."""
    factor, rounding = _ONE, rounding_of(escalations)
    for one in escalations:
        factor = _EXACT_POWERS.multiply(factor, one.factor)
    scale, mode = rounding.scale, Rounding(rounding.mode)

    def price_now(written: Decimal) -> Decimal:
        exact = _EXACT_POWERS.multiply(written, factor)
        if exact >= _TOO_LARGE:
            raise PriceOutOfBounds(
                f"A price of {written:f} has risen to more than {QUANTITY_INTEGER_DIGITS_MAX} digits before the point."
            )
        return round_to(exact, scale, mode)

    return price_now
