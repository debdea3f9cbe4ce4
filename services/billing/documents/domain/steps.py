"""How a line's amount came about, for its reader: the price steps of each segment, from the clause that
priced it.

They are worked out again from the contract's text and shown only where they add up to what was settled; what
does not is left unsaid.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from pydantic import TypeAdapter

from services.billing.documents.domain.document import Line
from shared.pricing.models import Price
from shared.pricing.models.model import ByTotal, Part
from shared.topics.rating import StatementSegment
from shared.values.groups import Group

ClauseTerms = Callable[[str, int], Mapping[str, Any] | None]
"""(clause id, version) → the clause's text, or None where it was not heard."""

_PRICES: TypeAdapter[Price] = TypeAdapter(Price)
_ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class PricedPart:
    """A segment with the steps that add up to its exact amount; `steps` is empty where they are not known.

    `earlier`: the units before a change of terms whose cost, `earlier_cost`, the steps include and the
    segment does not.
    """

    segment: StatementSegment
    steps: tuple[Part, ...]
    earlier: Decimal = _ZERO
    earlier_cost: Decimal = _ZERO


def parts_of(line: Line, terms_of: ClauseTerms) -> tuple[PricedPart, ...]:
    """Return the segments of a line with their steps; () for a line without segments."""
    return tuple(_fees(line, terms_of) if line.kind == "recurring" else _usage(line, terms_of))


def _usage(line: Line, terms_of: ClauseTerms) -> Iterator[PricedPart]:
    """Tiers run through an amendment or restart: what the group had before is taken along where only that
    adds up."""
    before: dict[Group, Decimal] = {}
    for segment in line.segments or ():
        group = tuple(sorted(segment.group.items()))
        earlier, terms = before.get(group, _ZERO), terms_of(line.clause_id, segment.version)
        price = _PRICES.validate_python(terms["price"]) if terms and "price" in terms else None
        yield (
            _fresh(segment, group, price)
            or _continued(segment, group, price, earlier)
            or PricedPart(segment, ())
        )
        before[group] = earlier + segment.priced


def _fresh(segment: StatementSegment, group: Group, price: ByTotal | None) -> PricedPart | None:
    return _continued(segment, group, price, _ZERO)


def _continued(
    segment: StatementSegment, group: Group, price: ByTotal | None, earlier: Decimal
) -> PricedPart | None:
    now = earlier + segment.priced
    if price is None or now < 0 or (price.dimensions and not group):
        return None
    own = price.for_group(group)
    steps, cost = own.parts(now), own.cost(earlier) if earlier else _ZERO
    if sum((step.amount for step in steps), _ZERO) - cost != segment.exact:
        return None
    return PricedPart(segment, steps, earlier, cost)


def _fees(line: Line, terms_of: ClauseTerms) -> Iterator[PricedPart]:
    """A whole fee is one step; a share of one is told by its segment alone, as a share of days is rarely a
    round number."""
    for segment in line.segments or ():
        terms = terms_of(line.clause_id, segment.version)
        amount = Decimal(terms["amount"]) if terms and "amount" in terms else None
        whole = amount is not None and segment.priced * amount == segment.exact
        yield PricedPart(
            segment,
            (Part(segment.priced, segment.exact, segment.priced, amount),)
            if amount is not None and whole
            else (),
        )
