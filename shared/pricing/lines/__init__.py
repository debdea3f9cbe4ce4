"""One file a kind of line. To add one: its file, and its name in the union; every list of kinds is made from the
union. A period's lines stand kind after kind, as the union has them."""

from typing import Annotated, Final
from weakref import WeakValueDictionary

from pydantic import Field

from shared.pricing.lines.line import LineClause
from shared.pricing.lines.one_off import OneOffLine
from shared.pricing.lines.recurring import RecurringLine
from shared.pricing.lines.usage import UsageLine
from shared.pricing.unions import members

Line = Annotated[RecurringLine | UsageLine | OneOffLine, Field(discriminator="kind")]
KINDS: Final = members(Line, LineClause)
TOP_UP: Final = "minimum"
"""The kind of the priced line that lifts the others to the spending minimum. No line of terms stands behind it."""
CAP: Final = "cap"
"""The kind of the priced line that takes what the others come to beyond the spending cap."""
UPLIFT: Final = "uplift"
"""The kind of the priced line of what exceeds a commitment."""
SHORTFALL: Final = "shortfall"
"""The kind of the priced line of what is short of a commitment at its end."""
ASKED_BEFOREHAND: Final = ("commitment", "prepayment")
"""Kinds of lines that ask for a block beforehand, each the one of its document."""
NO_SPEND: Final = frozenset(kind for kind, line in KINDS.items() if not line.is_spend)
"""The kinds of lines that the spending minimum and the cap do not count."""
PRICED_KINDS: Final = (*KINDS, TOP_UP, CAP, UPLIFT, SHORTFALL)


def one_of_each(lines: tuple[Line, ...]) -> tuple[Line, ...]:
    """Return the lines, each as the one object that reads so: thousands of contracts on one plan share its
    lines and what is kept with them."""
    return tuple(_known.setdefault(line.model_dump_json(), line) for line in lines)


_known: WeakValueDictionary[str, "RecurringLine | UsageLine | OneOffLine"] = WeakValueDictionary()

__all__ = [
    "ASKED_BEFOREHAND",
    "CAP",
    "KINDS",
    "PRICED_KINDS",
    "SHORTFALL",
    "TOP_UP",
    "UPLIFT",
    "Line",
    "LineClause",
    "OneOffLine",
    "RecurringLine",
    "UsageLine",
    "one_of_each",
]
