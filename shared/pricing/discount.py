"""A discount."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cached_property
from typing import Annotated, Final, Literal, NamedTuple, Self

from pydantic import Field, model_validator

from shared.pricing.applies_to import AppliesTo, names_it
from shared.pricing.clause import Clause
from shared.pricing.faults import Fault, refuse
from shared.pricing.fields import Amount, Effective, Percent, Quantity
from shared.values.fields import Key, Label
from shared.values.period import local_midnight

DiscountKind = Literal["percent", "amount", "units"]
KINDS: Final[tuple[DiscountKind, ...]] = ("percent", "amount", "units")


class Discount(Clause):
    """What its lines cost less: a percentage, an amount of money a period, or so many units a period of each of its
    usage lines.

    It holds from `from` until `until`; a date as `until` is its last day, an instant is excluded. `split`: how an
    amount is shared out over several lines. `order: as_written`, said by one discount, holds for all: they are taken
    as they are written, not percentages first. `approval` and `in_exchange_for` are kept as text and bind nothing.
    """

    key: Key
    percent: Percent | None = None
    amount: Amount | None = None
    units: Quantity | None = None
    applies_to: AppliesTo | None = None
    from_: Annotated[Effective | None, Field(alias="from")] = None
    until: Effective | None = None
    split: Literal["largest_remainder", "last", "in_order"] = "largest_remainder"
    order: Literal["percent_first", "as_written"] = "percent_first"
    approval: Label | None = None
    in_exchange_for: Label | None = None

    @model_validator(mode="after")
    def _says_one_thing(self) -> Self:
        refuse(list(self._not_one_measure()))
        return self

    @cached_property
    def kind(self) -> DiscountKind:
        return next(kind for kind in KINDS if getattr(self, kind) is not None)

    @cached_property
    def measure(self) -> Decimal:
        """The percentage, the amount or the units."""
        measure: Decimal = getattr(self, self.kind)
        return measure

    @cached_property
    def rate(self) -> Decimal:
        """What a percentage takes of each unit of money."""
        return self.measure.scaleb(-2)

    def is_of(self, key: str, kind: str, metered_by: str | None) -> bool:
        """Whether a line is one of those it applies to; units are taken off what a meter counts."""
        return names_it(self.applies_to, key, kind) and (self.units is None or metered_by is not None)

    def span(self, timezone: str) -> "Span":
        """Return when it holds, of a contract in this zone."""
        ends = self.until
        if ends is not None and not isinstance(ends, datetime):
            ends = local_midnight(ends + timedelta(days=1), timezone)
        begins = self.from_
        if begins is not None and not isinstance(begins, datetime):
            begins = local_midnight(begins, timezone)
        return Span(self, begins, ends)

    def _not_one_measure(self) -> Iterator[Fault]:
        said = [kind for kind in KINDS if getattr(self, kind) is not None]
        if not said:
            yield Fault(("percent",), "missing", "A discount says a percent, an amount or units; add one.")
        for kind in said[1:]:
            yield Fault(
                (kind,), "more_than_one_measure", f"It says {said[0]} already; write a discount for each."
            )


class Span(NamedTuple):
    """A discount from an instant until another (excluded); None: without that bound."""

    discount: Discount
    begins: datetime | None
    ends: datetime | None

    def holds_at(self, instant: datetime) -> bool:
        return (self.begins is None or self.begins <= instant) and (self.ends is None or instant < self.ends)
