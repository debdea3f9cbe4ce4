"""Intervals of 95 % by drawing customers again: all months of a customer are one draw, for they are no independent
witnesses. The same draws for every score, so that differences can be told too."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, groupby, pairwise
from operator import mul
from statistics import quantiles

from services.signals.domain.panel.measures import Groups

Interval = tuple[float, float]
SEED = 16
DRAWS_MAX, DRAWS_MIN = 1_000, 200
#: Customer-months that all draws of one score may hold.
WORK_MAX = 1_000_000
#: Whose months are drawn again: with fewer who were lost, or kept, one customer would be the whole interval.
CUSTOMERS_MIN = 2


@dataclass(frozen=True, slots=True)
class Ranked:
    """Customer-months in the order of a score, the highest first: whose each is, whether it was lost, and where each
    group of equal value ends."""

    values: Sequence[float]
    whose: Sequence[int]
    lost: Sequence[int]
    ends: Sequence[int]

    @classmethod
    def of(cls, scores: Sequence[float], whose: Sequence[int], lost: Sequence[bool]) -> "Ranked":
        order = sorted(range(len(scores)), key=lambda at: (-scores[at], at))
        grouped = [list(group) for _, group in groupby(order, key=lambda at: scores[at])]
        return cls(
            [scores[group[0]] for group in grouped],
            [whose[at] for at in order],
            [int(lost[at]) for at in order],
            [end - 1 for end in accumulate(len(group) for group in grouped)],
        )

    def groups(self, times: Sequence[int] | None = None) -> Groups:
        """Its groups; with `times` each customer counts so often."""
        weights = [1] * len(self.whose) if times is None else list(map(times.__getitem__, self.whose))
        return Groups(
            self.values,
            self._by_group(weights),
            self._by_group(list(map(mul, weights, self.lost))),
        )

    def _by_group(self, parts: Sequence[int]) -> Sequence[int]:
        if len(self.ends) == len(parts):
            return parts
        sums = list(accumulate(parts))
        ends = [sums[end] for end in self.ends]
        return [end - begin for begin, end in pairwise([0, *ends])]


def draws(customers: int, customer_months: int) -> Iterator[Sequence[int]]:
    """How often each customer is drawn, draw by draw."""
    random_draws = random.Random(SEED)
    many = max(DRAWS_MIN, min(DRAWS_MAX, WORK_MAX // max(customer_months, 1)))
    for _ in range(many):
        times = [0] * customers
        for one in random_draws.choices(range(customers), k=customers):
            times[one] += 1
        yield times


def interval(found: Sequence[float | None]) -> Interval | None:
    """From the 2.5th to the 97.5th of a hundred, of the draws that could be measured; None where most could not."""
    known = [one for one in found if one is not None]
    if len(known) < 2 or 2 * len(known) < len(found):
        return None
    cut = quantiles(known, n=40, method="inclusive")
    return cut[0], cut[-1]
