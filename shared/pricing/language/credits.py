"""Credits: amounts that pay lines, bought beforehand or given."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field, model_validator

from shared.pricing.blocks.cost import CostBasis, misfit, without_usual_cost
from shared.pricing.clause import Clause
from shared.pricing.faults import Fault, refuse
from shared.pricing.fields import Amount, Day, Effective, PositiveAmount
from shared.pricing.months import Months
from shared.values.fields import Key


class Refill(Clause):
    """When the balance is set to the amount again, counted from `anchor`, or from where the credit begins."""

    every: Literal["day", "week", "month", "year"] | Months
    anchor: Day | None = None


class RollOver(Clause):
    """What of the balance before a refill stays beside the amount: at most `max`, and at least `min`."""

    max: Amount | None = None
    min: Amount = Decimal(0)

    @model_validator(mode="after")
    def _in_order(self) -> "RollOver":
        if self.max is not None and self.max < self.min:
            refuse([Fault(("min",), "minimum_above_maximum", f"It is at most max, {self.max}.")])
        return self


class Credit(Clause):
    """A block of money that pays lines by event time, from `effective` (default: the term's start) up to `expires`; a
    date includes its local day. It pays all lines, or those that `applies_to` names by key or kind.

    Of several the lower `priority` goes first, one without goes last; `class` goes before priorities. A `promotional`
    one is given, a `prepaid` one is asked for by a document of its own unless `document` is none: `cost_basis` for each
    unit of it, which is at most 1.
    """

    key: Key
    kind: Literal["prepaid", "promotional"] = "promotional"
    amount: PositiveAmount
    effective: Effective | None = None
    expires: Effective | None = None
    priority: Annotated[int, Field(strict=True, ge=0, le=1_000_000)] | None = None
    class_: Annotated[Literal["first", "normal", "last"], Field(alias="class")] = "normal"
    applies_to: Annotated[tuple[Key, ...], Field(min_length=1, max_length=1000)] | None = None
    refill: Refill | None = None
    roll_over: RollOver | None = None
    document: Literal["prepayment", "none"] | None = None
    cost_basis: CostBasis | None = None

    @model_validator(mode="before")
    @classmethod
    def _as_its_kind_has_it(cls, written: object) -> object:
        """What is the default of its kind reads like nothing, and so has one digest."""
        if not isinstance(written, Mapping):
            return written
        kind = written.get("kind", "promotional")
        default = "prepayment" if kind == "prepaid" else "none"
        said = without_usual_cost(written, kind)
        return {key: value for key, value in said.items() if (key, value) != ("document", default)}

    @model_validator(mode="after")
    def _holds_together(self) -> "Credit":
        faults = []
        if self.kind == "promotional" and self.document == "prepayment":
            detail = "A promotional credit is given, not asked for; remove it, or write kind: prepaid."
            faults.append(Fault(("document",), "of_another_kind", detail))
        if wrong := misfit(self.kind, self.cost_basis):
            faults.append(Fault(("cost_basis",), *wrong))
        if self.roll_over is not None and self.refill is None:
            detail = "It says what a refill keeps; write refill, or remove it."
            faults.append(Fault(("roll_over",), "without_refill", detail))
        refuse(faults)
        return self

    @property
    def asked_for(self) -> bool:
        """Whether a document asks for it."""
        return self.kind == "prepaid" and self.document is None
