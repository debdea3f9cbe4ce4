"""Units rolled over."""

from decimal import Decimal
from typing import NamedTuple


class UnitsRolledOver(NamedTuple):
    """What the allowance of a line left in the period before: it covers as much usage in this one. Below zero, where
    corrections found that periods before had handed on too much: the allowance covers so much less."""

    line_key: str
    units: Decimal
