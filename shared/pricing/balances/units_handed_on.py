"""Units handed on by corrections."""

from decimal import Decimal
from typing import NamedTuple

from shared.values.groups import Group


class UnitsHandedOn(NamedTuple):
    """What corrections of final periods add to the usage of a line's group, or, below zero, take off it: so much more or
    less was below zero there than the period after them made up for."""

    line_key: str
    group: Group
    units: Decimal
