"""Figures that can be billed: what comes to more fails, and is told as a fault of its usage or its price."""

from collections.abc import Sequence

from shared.errors import AppError
from shared.pricing.balances import Balances
from shared.pricing.facts import NO_FACTS, Facts
from shared.pricing.inputs import VersionInForce
from shared.pricing.needs import Usage
from shared.pricing.pipeline import price_period
from shared.pricing.results import PricedPeriod
from shared.values.money import MINOR_MAX
from shared.values.period import ServicePeriod


class FiguresOutOfBounds(AppError):
    """A statement comes to more than can be billed; its usage or its price is wrong."""


def price_within_bounds(
    chain: Sequence[VersionInForce],
    period: ServicePeriod,
    usage: Usage,
    opening: Balances,
    *,
    facts: Facts = NO_FACTS,
    explain: bool = False,
) -> PricedPeriod:
    """Price a period as `price_period` does. Raises FiguresOutOfBounds for figures beyond what money columns and exact
    arithmetic hold."""
    of = f"{chain[-1].terms.contract}:{period.start_date}"
    try:
        priced = price_period(chain, period, usage, opening, facts=facts, explain=explain)
    except ArithmeticError as fault:
        raise FiguresOutOfBounds(f"{of}: {fault!r}") from fault
    if any(
        abs(minor) > MINOR_MAX
        for minor in (priced.subtotal_minor, *[line.amount_minor for line in priced.lines])
    ):
        raise FiguresOutOfBounds(
            f"{of} comes to {priced.subtotal_minor} minor units; correct the usage or the price"
        )
    return priced
