"""What an aggregation is: what it reads of an event, where that is added to, and what a range of it comes to.

There are two kinds. What either adds for an event it can take away again, so a void needs no look at the rest
of the hour. An aggregation that does not add up, such as a maximum, keeps items.
"""

from collections.abc import Callable, Set
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, ClassVar, Literal

#: Whom or what the usage of a meter tells of; an aggregation says which of these its meters may have.
Role = Literal["user", "team", "feature", "login"]


@dataclass(frozen=True, slots=True)
class Additive:
    """The quantity of a whole is the sum of its parts: `usage_hours` and `usage_days` keep one number each,
    and a void subtracts.

    `reads`: the number in a meter's field, None where there is none; the field itself is None where a meter
    reads no field and each event adds 1. `takes` says in words what the field may hold.
    """

    name: str
    reads: Callable[[Any], Decimal | None] | None
    takes: str = ""
    roles: frozenset[Role] = frozenset()
    adds_up: ClassVar[bool] = True

    @property
    def numeric(self) -> bool:
        """Whether a meter's field must hold a number."""
        return self.reads is not None


@dataclass(frozen=True, slots=True)
class OverItems:
    """The quantity depends on which items there are, however the whole is cut: `usage_uniques` keeps how
    often each came in an hour, and a void takes one away.

    `reads`: the item in a meter's field, None where there is none. `quantity`: what distinct items come to, at
    least one of them; `quantity_sql`: the same over rows in SQL, `{item}` being the column. `numeric`: a meter's
    field must hold a number.
    """

    name: str
    reads: Callable[[Any], str | None]
    takes: str
    quantity: Callable[[Set[str]], Decimal]
    quantity_sql: str
    roles: frozenset[Role] = frozenset()
    numeric: bool = False
    adds_up: ClassVar[bool] = False

    def over(self, item: str) -> str:
        """The quantity of the rows of a group, as an SQL expression over this column: each row another item."""
        return self.quantity_sql.format(item=item)


Aggregation = Additive | OverItems
