"""What counts less of one final period is room for what exceeded in another, before it or after it, in one run or in several:
in the end the contract has paid what it would have in time."""

import random
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import asyncpg
import pytest

from services.rating.corrections.usecases import price_again
from shared.pricing.figures import price_within_bounds
from shared.values.period import ServicePeriod
from tests.services.rating.corrections.quarters import (
    Change,
    Quarter,
    close,
    come_to_what_they_would_have,
    corrected,
)
from tests.services.rating.deployment import Deployment

AGREED: list[dict[str, Any]] = [{"overage_percent": "150"}, {"shortfall": "roll_over"}, {}]
CASES: list[tuple[Sequence[int], list[list[Change]]]] = [
    ((5, 5, 0), [[(1, 1)], [(2, -5)]]),
    ((5, 5, 0), [[(1, 1), (2, -5)]]),
    ((6, 4, 0), [[(1, 2)], [(2, -1)], [(3, 2)], [(2, -2)]]),
    ((2, 1, 3), [[(1, 6)], [(3, -2), (2, -1)]]),
    ((2, 5, 2), [[(3, -2), (2, -2)], [(1, 3)], [(1, 1)], [(1, -6), (3, 1), (2, 1)]]),
    ((0, 3, 3), [[(1, 1), (2, 7)], [(1, 3)], [(2, -8), (1, 1)]]),
]
SEEDS = range(6)


async def test_what_exceeded_before_counts_where_others_count_less(
    rating: Deployment, auditor: asyncpg.Connection
) -> None:
    played = [
        Quarter(f"c{number}-{terms}", calls, runs, agreed)
        for number, (calls, runs) in enumerate(CASES)
        for terms, agreed in enumerate(AGREED)
    ]
    await come_to_what_they_would_have(rating, auditor, played)


async def test_whatever_comes_and_is_taken_back(rating: Deployment, auditor: asyncpg.Connection) -> None:
    await come_to_what_they_would_have(rating, auditor, [of_chance(seed) for seed in SEEDS])


def of_chance(seed: int) -> Quarter:
    chance = random.Random(seed)
    agreed, calls = chance.choice(AGREED), [chance.randint(0, 6) for _ in range(3)]
    there, runs = list(calls), list[list[Change]]()
    for _ in range(4):
        run = list[Change]()
        for month in chance.sample((1, 2, 3), chance.randint(1, 3)):
            count = chance.randint(-there[month - 1], 5)
            there[month - 1] += count
            run.append((month, count))
        runs.append(run)
    return Quarter(f"c{seed}", calls, runs, agreed)


#: What comes or is taken back, and how often each month is priced for it.
ONCE_OR_TWICE: list[tuple[Change, list[int]]] = [
    ((1, 2), [1, 1, 1]),  # none counts less
    ((1, -1), [1, 1, 1]),  # nothing lies before what counts less
    ((2, -5), [2, 2, 2]),  # what exceeded in January may count instead
]


async def test_what_counts_together_is_priced_twice_only_where_a_later_month_counts_less(
    rating: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    quarters = [Quarter(f"c{n}", (5, 5, 1), agreed=AGREED[0]) for n in range(len(ONCE_OR_TWICE))]
    calls, priced = await close(rating, *quarters), list[datetime]()

    def counting(chain: Any, period: ServicePeriod, *of: Any, **more: Any) -> Any:
        priced.append(period.start)
        return price_within_bounds(chain, period, *of, **more)

    monkeypatch.setattr(price_again, "price_within_bounds", counting)
    for quarter, ((month, count), times) in zip(quarters, ONCE_OR_TWICE, strict=True):
        its = calls[quarter.customer]
        await rating.send(*its.come(month, 20, count), *its.taken_back(month, count))
        await corrected(rating, quarter.contract)
        assert [number for _, number in sorted(Counter(priced).items())] == times
        priced.clear()
