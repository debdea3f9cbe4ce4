"""Lines: what is charged."""

from decimal import Decimal
from typing import Annotated, Final, Literal
from weakref import WeakValueDictionary

from pydantic import Field

from shared.pricing.clause import Clause
from shared.pricing.fields import Amount, Quantity
from shared.pricing.models import Price
from shared.pricing.unions import members
from shared.values.decimals import QUANTITY_FRACTION_DIGITS_MAX
from shared.values.fields import Key, Label
from shared.values.money import Rounding, round_to, share


class RecurringLine(Clause):
    """A fee for each period, due after it. A part period, or a fee in force for some of its days, is charged
    by the day."""

    key: Key
    kind: Literal["recurring"]
    amount: Amount
    timing: Literal["arrears"] = "arrears"
    proration: Literal["day", "none"] = "day"
    description: Label | None = None


class UsageLine(Clause):
    """A meter's quantity above the included allowance, at a price.

    `on_change`: at an amendment within a period tiers and allowance run through, or restart.
    """

    key: Key
    kind: Literal["usage"]
    meter: Key
    included: Quantity | None = None
    price: Price
    on_change: Literal["run_through", "restart"] = "run_through"
    description: Label | None = None

    def included_in(self, billed_days: int, whole_days: int) -> Decimal:
        """Return the included units; a part period includes its days' share, to 12 decimals as any
        quantity."""
        included = self.included or Decimal(0)
        if billed_days == whole_days:
            return included
        part = share(included, billed_days, whole_days)
        return round_to(part, QUANTITY_FRACTION_DIGITS_MAX, Rounding.HALF_UP)


Line = Annotated[RecurringLine | UsageLine, Field(discriminator="kind")]
TOP_UP: Final = "minimum"
"""The kind of the priced line that no line of terms stands behind: what lifts the others to the minimum."""
PRICED_KINDS: Final = (*members(Line, Clause), TOP_UP)


def one_of_each(lines: tuple[Line, ...]) -> tuple[Line, ...]:
    """Return the lines, each as the one object that reads so: thousands of contracts on one plan share its
    lines and what is kept with them."""
    return tuple(_known.setdefault(line.model_dump_json(), line) for line in lines)


_known: WeakValueDictionary[str, "RecurringLine | UsageLine"] = WeakValueDictionary()
