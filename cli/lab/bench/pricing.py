"""`u2c bench pricing`: what a statement costs in the pricing core, and nothing else: no reading, no telling, no database.

The contracts are those of the benchmark, five lines each, with usage in every region; the same quantities every time.
Only the public functions of `shared.pricing` are called.
"""

import gc
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from itertools import cycle, islice
from random import Random

from lab.bench.rounds import Round, Rounds
from lab.bench.workload import REGIONS, contract_document
from shared.pricing import (
    Group,
    ServicePeriod,
    Totals,
    VersionInForce,
    parse_terms,
    price_period,
    usage_needs,
)

STARTS = date(2026, 11, 1)
SEED = 7
CONTRACTS_MAX = 2000
THOUSANDTHS_MAX = 20_000_000  # of a unit, in a group: into the last tier of every price


@dataclass(frozen=True)
class PricingWanted:
    """`rounds` times so many `statements`, after one round that warms up."""

    statements: int
    rounds: int


@dataclass(frozen=True)
class _Statement:
    chain: tuple[VersionInForce, ...]
    period: ServicePeriod
    usage: Mapping[Totals, Mapping[Group, Decimal]]

    def lay_out(self) -> None:
        """As if for the first time: a layout is kept for these very versions."""
        usage_needs([replace(version) for version in self.chain], self.period)

    def price(self) -> None:
        price_period(self.chain, self.period, self.usage)

    def explain(self) -> None:
        price_period(self.chain, self.period, self.usage, explain=True)


async def measure_pricing(wanted: PricingWanted, say: Callable[[str], None]) -> Rounds:
    """CPU of this process, µs a statement, round by round: laid out and priced the first time, the parts of that, and
    priced with its explanation."""
    random = Random(SEED)
    statements = [_statement(number, random) for number in range(min(wanted.statements, CONTRACTS_MAX))]
    rounds = []
    for number in range(wanted.rounds + 1):
        say(f"round {number} of {wanted.rounds}: {wanted.statements:,} statements …")
        rounds.append(_round(statements, wanted.statements))
    return rounds[1:]


def _statement(number: int, random: Random) -> _Statement:
    terms = parse_terms(contract_document(number, STARTS))
    chain = (VersionInForce(1, terms.effective_at, terms, terms.hash),)
    period = next(terms.calendar.periods())
    return _Statement(chain, period, {need: _used(need, random) for need in usage_needs(chain, period)})


def _used(need: Totals, random: Random) -> dict[Group, Decimal]:
    """Usage in each region, or of all together where the price tells none apart."""
    groups: list[Group] = [(("region", region),) for region in REGIONS] if need.dimensions else [()]
    return {group: Decimal(random.randrange(THOUSANDTHS_MAX)).scaleb(-3) for group in groups}


def _round(statements: Sequence[_Statement], count: int) -> Round:
    layout_us = _us(_Statement.lay_out, statements, count)
    for statement in statements:  # a layout that others drove out
        statement.price()
    statement_us = _us(_Statement.price, statements, count)
    return {
        "first_us": layout_us + statement_us,
        "layout_us": layout_us,
        "statement_us": statement_us,
        "explained_us": _us(_Statement.explain, statements, count),
    }


def _us(act: Callable[[_Statement], None], statements: Sequence[_Statement], count: int) -> float:
    """What it costs to do this once, over so many statements."""
    gc.collect()
    began_s = time.process_time()
    for statement in islice(cycle(statements), count):
        act(statement)
    return round((time.process_time() - began_s) / count * 1e6, 3)
