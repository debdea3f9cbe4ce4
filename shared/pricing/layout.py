"""What a contract and a service period fix before any usage is known: the lines that fall into it, their
names, the usage they need, and the least that is charged.

A statement is priced again whenever usage comes in, and none of this changes in between, so it is worked out
once and kept.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal, localcontext
from functools import lru_cache
from typing import Generic

from shared.pricing.effective import Effective
from shared.pricing.in_force import L, Stretch, effective_lines, effective_phases, stretches_of
from shared.pricing.inputs import VersionInForce
from shared.pricing.language import Phase, Terms
from shared.pricing.lines import TOP_UP, RecurringLine, UsageLine
from shared.pricing.needs import Totals
from shared.values.decimals import EXACT
from shared.values.ids import line_id
from shared.values.money import Money, settle, share
from shared.values.period import ServicePeriod

KEPT_MAX = 20_000  # contracts and periods


@dataclass(frozen=True, slots=True)
class Placed(Generic[L]):
    """A line in a period: the stretches in which it reads the same, and its id. `needs`: the usage of each stretch;
    none of a recurring line."""

    key: str
    stretches: tuple[Effective[L], ...]
    line_id: str
    needs: tuple[Totals, ...] = ()

    @property
    def last(self) -> Effective[L]:
        return self.stretches[-1]

    @property
    def clause_id(self) -> str:
        return self.last.origins[0].clause_id


@dataclass(frozen=True, slots=True)
class Minimum:
    """The least that a period is charged, exact and settled; `last` is what guarantees it at the period's end."""

    exact: Decimal
    settled: Money
    last: Effective[Phase]
    line_id: str


@dataclass(frozen=True, slots=True)
class Layout:
    """The lines of a period as the version last in force writes them, then those of earlier versions.

    `terms` are those last in force; None: no version is in force, and nothing is charged.
    """

    terms: Terms | None
    versions: tuple[int, ...]
    recurring: tuple[Placed[RecurringLine], ...] = ()
    usage: tuple[Placed[UsageLine], ...] = ()
    minimum: Minimum | None = None
    needs: tuple[Totals, ...] = ()


def layout_of(chain: Sequence[VersionInForce], period: ServicePeriod) -> Layout:
    """Return the layout of a period under these versions of a contract."""
    return _layout(tuple(chain), period)


@lru_cache(KEPT_MAX)
def _layout(chain: tuple[VersionInForce, ...], period: ServicePeriod) -> Layout:
    stretches = stretches_of(chain, period)
    if not stretches:
        return Layout(None, ())
    terms = stretches[-1].in_force.terms
    recurring = [_placed(key, stretches, RecurringLine, period) for key in _keys(stretches, RecurringLine)]
    usage = [_with_needs(_placed(key, stretches, UsageLine, period)) for key in _keys(stretches, UsageLine)]
    return Layout(
        terms,
        tuple(sorted({stretch.in_force.version for stretch in stretches})),
        tuple(recurring),
        tuple(usage),
        _minimum(terms, effective_phases(stretches, period), period),
        tuple(need for line in usage for need in line.needs),
    )


def _placed(key: str, stretches: Sequence[Stretch], kind: type[L], period: ServicePeriod) -> Placed[L]:
    found = effective_lines(stretches, key, kind, period)
    contract, clause = stretches[-1].in_force.terms.contract, found[-1].origins[0].clause_id
    return Placed(key, found, line_id(contract, clause, period.start, found[-1].clause.kind))


def _with_needs(placed: Placed[UsageLine]) -> Placed[UsageLine]:
    return replace(placed, needs=tuple(_need(stretch) for stretch in placed.stretches))


def _need(stretch: Effective[UsageLine]) -> Totals:
    line = stretch.clause
    return line.price.reads(line.key, line.meter, stretch.start, stretch.end, line.price.dimensions)


def _minimum(terms: Terms, phases: Sequence[Effective[Phase]], period: ServicePeriod) -> Minimum | None:
    """Each phase counts by the days it is in force. It is divided once: the shares of ten and of twenty-one days are a
    last digit short of the whole, which rounding down shows."""
    if not phases:
        return None
    with localcontext(EXACT):
        spend_days = sum((phase.clause.minimum_spend * phase.days for phase in phases), Decimal(0))
        exact = share(spend_days, 1, phases[-1].whole_days)
    last = phases[-1]
    name = line_id(terms.contract, last.origins[0].clause_id, period.start, TOP_UP)
    return Minimum(exact, settle(exact, terms.money, terms.billing.rounding_mode), last, name)


def _keys(stretches: Sequence[Stretch], kind: type[RecurringLine] | type[UsageLine]) -> list[str]:
    """Return the keys of a kind of line as the version last in force writes them, then those of earlier
    versions."""
    return list(
        dict.fromkeys(
            line.key
            for stretch in reversed(stretches)
            for line in stretch.in_force.terms.lines
            if isinstance(line, kind)
        )
    )
