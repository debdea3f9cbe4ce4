"""`u2c bench pricing`: what a statement costs in the pricing core, and nothing else: no reading, no telling, no database.

The contracts are those of the benchmark, five lines each, with usage in every region; the same quantities every time.
Only the public functions of `shared.pricing` are called. Beside them are contracts with terms of every kind, and the
same arithmetic as a bare loop.
"""

import gc
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from itertools import cycle, islice
from random import Random
from typing import Any, Final

import msgspec

from lab.bench.bare_statement import Paid, agreed_document, bare
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
from shared.topics.statement_steps import told

STARTS = date(2026, 11, 1)
SEED = 7
CONTRACTS_MAX = 2000
THOUSANDTHS_MAX = 20_000_000  # of a unit, in a group: into the last tier of every price

_encode: Final = msgspec.json.Encoder(decimal_format="string").encode


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

    def explain_in_writing(self) -> None:
        """As a statement is told: its steps as JSON."""
        _encode(told(price_period(self.chain, self.period, self.usage, explain=True).explanation))

    def price_bare(self) -> None:
        bare(self.usage)

    def check_bare(self) -> None:
        """The bare loop comes to the same cents."""
        public, loop = Paid.of(price_period(self.chain, self.period, self.usage)), bare(self.usage)
        assert public == loop, f"{self.chain[0].terms.contract}: {public} is not {loop}"


async def measure_pricing(wanted: PricingWanted, say: Callable[[str], None]) -> Rounds:
    """CPU of this process, µs a statement, round by round: laid out and priced the first time, the parts of that, and
    priced with its explanation; then of contracts with terms of every kind, also with the explanation serialised, and
    of the bare loop. `ratio_to_bare`: 1 would be a product that does nothing but the arithmetic."""
    contracts = range(min(wanted.statements, CONTRACTS_MAX))
    random = Random(SEED)
    plain = [_statement(contract_document(number, STARTS), random) for number in contracts]
    agreed = [_statement(agreed_document(number, STARTS), random) for number in contracts]
    for statement in agreed:
        statement.check_bare()
    rounds = []
    for number in range(wanted.rounds + 1):
        say(f"round {number} of {wanted.rounds}: {wanted.statements:,} statements …")
        rounds.append(_round(plain, wanted.statements) | _agreed_round(agreed, wanted.statements))
    return rounds[1:]


def _statement(document: dict[str, Any], random: Random) -> _Statement:
    terms = parse_terms(document)
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


def _agreed_round(statements: Sequence[_Statement], count: int) -> Round:
    agreed_us = _us(_Statement.price, statements, count)
    written_us = _us(_Statement.explain_in_writing, statements, count)
    bare_us = _us(_Statement.price_bare, statements, count)
    return {
        "agreed_us": agreed_us,
        "agreed_written_us": written_us,
        "bare_us": bare_us,
        "ratio_to_bare": round(bare_us / agreed_us, 3),
        "written_ratio_to_bare": round(bare_us / written_us, 3),
    }


def _us(act: Callable[[_Statement], None], statements: Sequence[_Statement], count: int) -> float:
    """What it costs to do this once, over so many statements."""
    gc.collect()
    began_s = time.process_time()
    for statement in islice(cycle(statements), count):
        act(statement)
    return round((time.process_time() - began_s) / count * 1e6, 3)
