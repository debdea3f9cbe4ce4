"""The use of all meters of a customer as one, each weighed by what an event of it is worth: who moves from one meter to
another has not fallen.

What is added up is scaled so that it varies as counted numbers do: its variance is its mean, as it is of each meter's
events. So what tells chance from change in a count tells it here too, and one meter alone is its own count.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from services.signals.domain.customer_day import Known
from services.signals.domain.marginal_price import MarginalPrices, marginal_prices
from services.signals.domain.rollup import WEEK, Rollup


@dataclass(frozen=True, slots=True)
class Together:
    """`weighs`: roll-ups with what an event of each counts for. `prices`: what they are weighed by; None: one meter
    alone, or every event counts alike, as no price tells them apart."""

    weighs: Sequence[tuple[Rollup, float]]
    prices: MarginalPrices | None

    @property
    def alone(self) -> Rollup | None:
        """The only meter that counts."""
        return self.weighs[0][0] if len(self.weighs) == 1 else None

    def weeks(self) -> Rollup | None:
        """The weeks of all, as a roll-up that has nothing else; None without any use."""
        if not self.weighs or self.alone is not None:
            return self.alone
        first = min(rollup.weeks_from for rollup, _ in self.weighs)
        end = max(rollup.weeks_from + WEEK * len(rollup.weeks) for rollup, _ in self.weighs)
        weeks = [0.0] * ((end - first).days // 7)
        for rollup, weight in self.weighs:
            at = (rollup.weeks_from - first).days // 7
            for number, events in enumerate(rollup.weeks, start=at):
                weeks[number] += events * weight
        return Rollup("", end, first, weeks=[round(week) for week in weeks])

    def days_between(self, first: date, end: date) -> list[float]:
        """Of each local day in [first, end), oldest first."""
        if self.alone is not None:
            return [*self.alone.days_between(first, end)]
        each = [
            [events * weight for events in rollup.days_between(first, end)] for rollup, weight in self.weighs
        ]
        return [sum(day, 0.0) for day in zip(*each, strict=True)]


def use_together(known: Known, main: Rollup | None) -> Together:
    """The meters that count use, of whatever has a price; the main one alone where nothing else is used."""
    meters = known.customer.meters
    used = {
        name: rollup
        for name, rollup in known.customer.matched().items()
        if (name not in meters or meters[name].role is None) and any(rollup.weeks)
    }
    if len(used) < 2:
        return Together([(main, 1.0)] if main is not None else [], None)
    prices = marginal_prices(known, used)
    worth = _worth(used, prices.meters) if prices is not None else {}
    if not any(worth.values()):
        return Together([(rollup, 1.0) for _, rollup in sorted(used.items())], None)
    weighed = [(used[name], worth[name]) for name in sorted(worth) if worth[name]]
    return Together(_scaled(weighed), prices if len(weighed) > 1 else None)


def _worth(used: Mapping[str, Rollup], prices: Mapping[str, Decimal]) -> dict[str, float]:
    """Meter → what an event of it is worth: the price of its units, of which an event has as many as those kept."""
    return {name: float(price) * _units_an_event(used[name]) for name, price in prices.items()}


def _units_an_event(rollup: Rollup) -> float:
    events = sum(rollup.days)
    return float(sum(rollup.values)) / events if events else 1.0


def _scaled(weighed: Sequence[tuple[Rollup, float]]) -> list[tuple[Rollup, float]]:
    """A sum of counts c with weights w has the mean Σ w c and the variance Σ w² c."""
    counted = [(sum(rollup.weeks), weight) for rollup, weight in weighed]
    scale = sum(events * weight for events, weight in counted) / sum(
        events * weight * weight for events, weight in counted
    )
    return [(rollup, weight * scale) for rollup, weight in weighed]
