"""Commitments: what a customer promises to use up, paid beforehand or made up for afterwards."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from shared.pricing.clause import Clause
from shared.pricing.faults import Fault, refuse
from shared.pricing.fields import Day, PositiveAmount, UnitPrice
from shared.pricing.months import Months
from shared.values.fields import Key

_HUNDRED = Decimal(100)


def _at_least_the_price(value: Decimal) -> Decimal:
    if value < _HUNDRED:
        raise PydanticCustomError(
            "overage_below_price",
            "What exceeds a commitment costs its price or more: write at least 100, such as 110.",
        )
    return value


def _at_most_the_whole(value: Decimal) -> Decimal:
    if value > _HUNDRED:
        raise PydanticCustomError("too_large", "At most all of it rolls over: write at most 100.")
    return value


class Commitment(Clause):
    """In each of its periods the eligible lines use up `amount`: all lines, or those of `applies_to`.

    `prepaid`: asked for by documents of its own (`invoiced`), and what it covers is not asked for again. `postpaid`:
    what it covers is asked for and counts; what is short at its end is asked for (`true_up`, and `roll_over`, which
    makes it a block that lives as long again), or is not (`none`). What exceeds it costs `overage_percent` of its
    price. Of what is left of a prepaid one `rollover_percent` becomes such a block, the rest lapses. Periods are
    counted from `anchor`, or from the term's start. With `cap_includes_overage` what exceeds it costs no more than the
    spending cap leaves beside the period's lines.
    """

    key: Key
    amount: PositiveAmount
    period: Literal["term", "year"] | Months = "term"
    payment: Literal["prepaid", "postpaid"] = "postpaid"
    applies_to: Annotated[tuple[Key, ...], Field(min_length=1, max_length=1000)] | None = None
    invoiced: Literal["upfront", "monthly", "quarterly", "yearly", "none"] | None = None
    overage_percent: Annotated[UnitPrice, AfterValidator(_at_least_the_price)] = _HUNDRED
    shortfall: Literal["true_up", "roll_over", "none"] | None = None
    rollover_percent: Annotated[UnitPrice, AfterValidator(_at_most_the_whole)] = Decimal(0)
    spread: Literal["in_order", "pro_rata"] = "in_order"
    anchor: Day | None = None
    cap_includes_overage: Annotated[bool, Field(strict=True)] = False

    @model_validator(mode="before")
    @classmethod
    def _as_its_payment_has_it(cls, written: object) -> object:
        """What is the default of its payment reads like nothing, and so has one digest."""
        if not isinstance(written, Mapping):
            return written
        default = ("invoiced", "upfront") if written.get("payment") == "prepaid" else ("shortfall", "true_up")
        return {key: value for key, value in written.items() if (key, value) != default}

    @model_validator(mode="after")
    def _fits_its_payment(self) -> "Commitment":
        refuse(_misplaced(self))
        return self

    @property
    def prepaid(self) -> bool:
        return self.payment == "prepaid"

    @property
    def schedule(self) -> str:
        """When its documents are due; "none": it has none."""
        return self.invoiced or ("upfront" if self.prepaid else "none")

    @property
    def when_short(self) -> str:
        """What becomes of what is short at the end of a postpaid one."""
        return self.shortfall or "true_up"


def _misplaced(commitment: Commitment) -> list[Fault]:
    """What is of the other way of paying."""
    if commitment.prepaid:
        lapses = "what is left of a prepaid commitment lapses, less rollover_percent; remove it."
        return [_of_the_other("shortfall", lapses)] if commitment.shortfall is not None else []
    used = "a postpaid commitment is asked for as it is used; remove it, or write payment: prepaid."
    return [
        *([_of_the_other("invoiced", used)] if commitment.invoiced not in (None, "none") else []),
        *(
            [_of_the_other("rollover_percent", "it is of what is left of a prepaid one; write shortfall.")]
            if commitment.rollover_percent
            else []
        ),
    ]


def _of_the_other(key: str, why: str) -> Fault:
    return Fault((key,), "of_another_payment", f"{key} does not belong here: {why}")
