"""What a contract and a service period fix before any usage is known: the lines that fall into it, their
names, and the usage they need.

A statement is priced again whenever usage comes in, and none of this changes in between, so it is worked out
once and kept.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Generic

from shared.pricing.inputs import VersionInForce
from shared.pricing.lines import RecurringLine, UsageLine
from shared.pricing.needs import Totals
from shared.pricing.spans import L, LineSpan, Span, line_spans, spans_of
from shared.values.ids import clause_id, line_id
from shared.values.period import ServicePeriod

KEPT_MAX = 20_000  # contracts and periods


@dataclass(frozen=True, slots=True)
class Placed(Generic[L]):
    """A line in a period: the spans in which it reads the same, and its ids. `needs`: the usage of each span;
    none of a recurring line."""

    key: str
    spans: tuple[LineSpan[L], ...]
    clause_id: str
    line_id: str
    needs: tuple[Totals, ...] = ()

    @property
    def last(self) -> LineSpan[L]:
        return self.spans[-1]


@dataclass(frozen=True, slots=True)
class Layout:
    """The lines of a period as the version last in force writes them, then those of earlier versions. No
    spans: no version is in force."""

    spans: tuple[Span, ...]
    recurring: tuple[Placed[RecurringLine], ...]
    usage: tuple[Placed[UsageLine], ...]
    needs: tuple[Totals, ...]


def layout_of(chain: Sequence[VersionInForce], period: ServicePeriod) -> Layout:
    """Return the layout of a period under these versions of a contract."""
    return _layout(tuple(chain), period)


@lru_cache(KEPT_MAX)
def _layout(chain: tuple[VersionInForce, ...], period: ServicePeriod) -> Layout:
    spans = spans_of(chain, period)
    recurring = tuple(_placed(key, spans, RecurringLine, period) for key in _keys(spans, RecurringLine))
    usage = tuple(_with_needs(_placed(key, spans, UsageLine, period)) for key in _keys(spans, UsageLine))
    return Layout(spans, recurring, usage, tuple(need for line in usage for need in line.needs))


def _placed(key: str, spans: Sequence[Span], kind: type[L], period: ServicePeriod) -> Placed[L]:
    contract, found = spans[-1].in_force.terms.contract, line_spans(spans, key, kind)
    clause = clause_id(contract, "lines", key)
    return Placed(key, found, clause, line_id(contract, clause, period.start, found[-1].line.kind))


def _with_needs(placed: Placed[UsageLine]) -> Placed[UsageLine]:
    return replace(
        placed,
        needs=tuple(
            span.line.price.reads(
                span.line.key, span.line.meter, span.start, span.end, span.line.price.dimensions
            )
            for span in placed.spans
        ),
    )


def _keys(spans: Sequence[Span], kind: type[RecurringLine] | type[UsageLine]) -> list[str]:
    """Return the keys of a kind of line as the version last in force writes them, then those of earlier
    versions."""
    return list(
        dict.fromkeys(
            line.key
            for span in reversed(spans)
            for line in span.in_force.terms.lines
            if isinstance(line, kind)
        )
    )
