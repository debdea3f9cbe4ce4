"""What a contract and a service period fix before any usage is known: the lines that fall into it, their
names, the usage they need, and the least that is charged.

A statement is priced again whenever usage comes in, and none of this changes in between, so it is worked out
once and kept.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, localcontext
from functools import lru_cache

from shared.pricing.effective import Effective
from shared.pricing.in_force import L, Stretch, effective_lines, effective_phases, stretches_of
from shared.pricing.inputs import VersionInForce
from shared.pricing.language import Phase, Terms
from shared.pricing.lines import KINDS, TOP_UP, LineClause
from shared.pricing.needs import Totals
from shared.pricing.placed import Placed
from shared.values.decimals import EXACT
from shared.values.ids import line_id
from shared.values.money import Money, settle, share
from shared.values.period import ServicePeriod

KEPT_MAX = 20_000  # contracts and periods


@dataclass(frozen=True, slots=True)
class Minimum:
    """The least that a period is charged, exact and settled; `last` is what guarantees it at the period's end."""

    exact: Decimal
    settled: Money
    last: Effective[Phase]
    line_id: str


@dataclass(frozen=True, slots=True)
class Layout:
    """The lines of a period, kind after kind, as the version last in force writes them, then those of earlier
    versions.

    `terms` are those last in force; None: no version is in force, and nothing is charged.
    """

    terms: Terms | None
    versions: tuple[int, ...]
    lines: tuple[Placed[LineClause], ...] = ()
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
    lines = [
        _placed(key, stretches, kind, period) for kind in KINDS.values() for key in _keys(stretches, kind)
    ]
    return Layout(
        terms,
        tuple(sorted({stretch.in_force.version for stretch in stretches})),
        tuple(lines),
        _minimum(terms, effective_phases(stretches, period), period),
        tuple([need for line in lines for need in line.needs]),
    )


def _placed(key: str, stretches: Sequence[Stretch], kind: type[L], period: ServicePeriod) -> Placed[L]:
    found = effective_lines(stretches, key, kind, period)
    contract, last = stretches[-1].in_force.terms.contract, found[-1]
    return Placed(
        key,
        found,
        line_id(contract, last.clause_ids[0], period.start, last.clause.kind),
        tuple([need for one in found for need in one.clause.needs(one.start, one.end)]),
    )


def _minimum(terms: Terms, phases: Sequence[Effective[Phase]], period: ServicePeriod) -> Minimum | None:
    """Each phase counts by the days it is in force. It is divided once: the shares of ten and of twenty-one days are a
    last digit short of the whole, which rounding down shows."""
    if not phases or not period.ended:
        return None
    with localcontext(EXACT):
        spend_days = sum((phase.clause.minimum_spend * phase.days for phase in phases), Decimal(0))
        exact = share(spend_days, 1, phases[-1].whole_days)
    last = phases[-1]
    name = line_id(terms.contract, last.clause_ids[0], period.start, TOP_UP)
    return Minimum(exact, settle(exact, terms.money, terms.billing.rounding_mode), last, name)


def _keys(stretches: Sequence[Stretch], kind: type[LineClause]) -> list[str]:
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
