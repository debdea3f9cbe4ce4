"""Periods one after the other: what one hands over opens the next."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from shared.pricing.balances import EMPTY, Balances
from shared.pricing.figures import price_within_bounds
from shared.pricing.inputs import VersionInForce
from shared.pricing.needs import Totals, Usage
from shared.pricing.pipeline import usage_needs
from shared.pricing.results import PricedPeriod
from shared.values.period import ServicePeriod

Read = Callable[[Sequence[Totals]], Usage]
"""Returns the usage that a period needs."""


def price_periods(
    chain: Sequence[VersionInForce],
    periods: Iterable[ServicePeriod],
    read: Read,
    until: datetime,
    opening: Balances = EMPTY,
) -> Iterator[tuple[ServicePeriod, PricedPeriod]]:
    """Price the periods that begin before `until`, oldest first, with their explanations; one that has not ended by
    then is priced as it stands at that instant. Raises what `price_within_bounds` raises."""
    for period in periods:
        if period.start >= until:
            return
        priced_as = replace(period, ended=period.end <= until)
        usage = read(usage_needs(chain, priced_as, opening.blocks))
        priced = price_within_bounds(chain, priced_as, usage, opening, explain=True)
        opening = priced.closing
        yield period, priced
