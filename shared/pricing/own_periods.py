"""Periods of lines that have their own, such as the year of a yearly fee in a monthly contract: what is in force in them,
as in a period of the contract."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from shared.pricing.in_force import Stretch, stretches_of
from shared.pricing.inputs import VersionInForce
from shared.pricing.language import Terms
from shared.values.period import ServicePeriod


class Span(NamedTuple):
    """A period and what is in force in it. `own_months`: it is one of lines with periods so long; None: the contract's."""

    period: ServicePeriod
    stretches: tuple[Stretch, ...]
    own_months: int | None = None


def own_spans(chain: Sequence[VersionInForce], terms: Terms, period: ServicePeriod) -> tuple[Span, ...]:
    """Return the periods that end in this one, shorter ones first. `terms` say when the term begins and ends."""
    months = {length for version in chain for length in version.terms.own_months}
    return tuple(
        [
            Span(own, stretches_of(chain, own), length)
            for length in sorted(months)
            for own in _ending_in(terms, length, period)
        ]
    )


def _ending_in(terms: Terms, months: int, period: ServicePeriod) -> Iterator[ServicePeriod]:
    calendar = terms.calendar_of(months)
    own = calendar.containing(period.start)
    while own is not None and own.end <= period.end:
        yield own
        own = calendar.containing(own.end)
