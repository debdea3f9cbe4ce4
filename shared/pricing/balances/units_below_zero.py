"""Units below zero."""

from decimal import Decimal
from typing import NamedTuple

from shared.values.groups import Group


class UnitsBelowZero(NamedTuple):
    """What the usage of a line's group has to make up for before it counts; negative."""

    line_key: str
    group: Group
    units: Decimal
