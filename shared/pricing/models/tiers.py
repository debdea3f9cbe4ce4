"""Tiers: they start at 0 without gap, a bound belongs to the tier it ends, and the last is open."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Annotated, Final, Self, TypeVar

from pydantic import AfterValidator, Field, model_validator

from shared.pricing.clause import Clause
from shared.pricing.escalator import Raise
from shared.pricing.faults import Fault, refuse
from shared.pricing.fields import Amount, PositiveQuantity, Quantity, UnitPrice

TIERS_MAX: Final = 100


class Bounds(Clause):
    """One tier: up to and including `up_to` units in total. `from`, when written, repeats the bound before
    it."""

    from_: Quantity | None = Field(None, alias="from")
    up_to: PositiveQuantity | None = None


B = TypeVar("B", bound=Bounds)


class Tier(Bounds):
    """What a unit in the tier costs, what is due once it is entered, and the most that both come to."""

    unit: UnitPrice = Decimal(0)
    flat: UnitPrice = Decimal(0)
    cap: Amount | None = None

    def charge(self, units: Decimal) -> Decimal:
        """Return what so many units in it cost, once it is entered."""
        due = units * self.unit + self.flat
        return due if self.cap is None else min(due, self.cap)

    def escalated(self, price_now: Raise) -> Self:
        return self.having(unit=price_now(self.unit), flat=price_now(self.flat))

    @model_validator(mode="after")
    def _says_a_price(self) -> Self:
        if not {"unit", "flat"} & self.model_fields_set:
            refuse(
                [
                    Fault(
                        ("unit",),
                        "missing",
                        'A tier says a unit price, a flat fee, or both; a free tier says unit: "0".',
                    )
                ]
            )
        return self


def without_gap(tiers: tuple[B, ...]) -> tuple[B, ...]:
    """Refuse tiers that do not follow each other."""
    refuse([fault for index in range(len(tiers)) for fault in _faults_of(tiers, index)])
    return tiers


def _faults_of(tiers: Sequence[Bounds], index: int) -> list[Fault]:
    tier, lower = tiers[index], tiers[index - 1].up_to if index else Decimal(0)
    faults, last = [], index == len(tiers) - 1
    if last and tier.up_to is not None:
        faults.append(
            Fault(
                (index, "up_to"),
                "last_tier_bounded",
                "The last tier has no up_to, or units past it would be free.",
            )
        )
    if not last and tier.up_to is None:
        faults.append(
            Fault((index, "up_to"), "tier_open_inside", "Only the last tier is open; give this one an up_to.")
        )
    if lower is not None and tier.up_to is not None and tier.up_to <= lower:
        faults.append(
            Fault((index, "up_to"), "tier_order", f"It is greater than the bound before it, {lower}.")
        )
    if tier.from_ is not None and lower is not None and tier.from_ != lower:
        faults.append(
            Fault(
                (index, "from"),
                "tier_gap",
                f"It repeats the bound before it, {lower}; tiers leave no gap and do not overlap.",
            )
        )
    return faults


Tiers = Annotated[tuple[Tier, ...], Field(min_length=1, max_length=TIERS_MAX), AfterValidator(without_gap)]
