"""What is paid for a block: its cost basis is what a unit of it costs, of the same currency."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any, Final

from pydantic import AfterValidator
from pydantic_core import PydanticCustomError

from shared.errors import AppError
from shared.pricing.fields import Amount
from shared.values.decimals import EXACT, parse_price
from shared.values.money import Rounding, round_to

#: Kind of a block → what a unit of it costs where nothing else is written.
USUAL: Final = {"prepaid": Decimal(1), "promotional": Decimal(0)}


def _at_most_its_amount(value: Decimal) -> Decimal:
    if value > 1:
        raise PydanticCustomError(
            "above_its_amount",
            "A unit of a block costs at most 1; what is paid beyond its amount is a line of its own.",
        )
    return value


CostBasis = Annotated[Amount, AfterValidator(_at_most_its_amount)]
"""What is paid for a unit of a block: 0 to 1, up to 20 decimals."""


def cost_of(minor: int, cost_basis: Decimal) -> int:
    """Return what so much of a block costs, both in minor units: rounded once, half away from zero."""
    return int(round_to(EXACT.multiply(Decimal(minor), cost_basis), 0, Rounding.HALF_UP))


def without_usual_cost(written: Mapping[str, Any], kind: object) -> dict[str, Any]:
    """Return what is written of a block of this kind without the cost basis that it has anyway: it reads like nothing, and
    so has one digest."""
    said = dict(written)
    if isinstance(kind, str) and kind in USUAL and _number(said.get("cost_basis")) == USUAL[kind]:
        del said["cost_basis"]
    return said


def misfit(kind: str, cost_basis: Decimal | None) -> tuple[str, str] | None:
    """Return the code and the words of what is wrong with a cost basis, that is not the usual one, of a block of this
    kind; None: nothing."""
    if cost_basis is None:
        return None
    if kind == "promotional":
        return "of_another_kind", "A promotional block is given and costs nothing; write kind: prepaid."
    if not cost_basis:
        return "of_another_kind", "What costs nothing is given; write kind: promotional."
    return None


def _number(written: object) -> Decimal | None:
    if isinstance(written, (Decimal, int)) and not isinstance(written, bool):
        return Decimal(written)
    try:
        return parse_price(written) if isinstance(written, str) else None
    except AppError:
        return None
