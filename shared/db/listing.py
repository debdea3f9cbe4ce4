"""Lists as SQL: the rows after a place, in the order that was asked for, and how many there are."""

from collections.abc import Mapping
from dataclasses import dataclass

import asyncpg

from shared.db.filters import COUNTED_MAX, Where

#: Letters as the whole of Unicode folds them, in the order of their code points.
_FOLDED = 'lower({} collate "pg_c_utf8")'
#: No letter comes after it.
_LAST = "chr(1114111)"


@dataclass(frozen=True, slots=True)
class Order:
    """By which of its keys a list comes, and from which end. Rows alike by it come by their ids, from the same
    end."""

    key: str
    descending: bool = False


@dataclass(frozen=True, slots=True)
class Window:
    """At most `rows_max` rows of a list, after the one with this value of the key and this id; None: from the first
    on."""

    order: Order
    after: tuple[object, str] | None
    rows_max: int

    def over(self, where: Where, ranks: Mapping[str, str], identity: str) -> Where:
        """What follows WHERE: the condition, the order and the limit. `ranks`: key → its expression, never null;
        `identity`: that of the id. A cursor may name any bigint: ranks that are smaller are cast."""
        rank = ranks[self.order.key]
        alone = rank == identity
        if self.after is not None:
            beyond = "<" if self.order.descending else ">"
            where = (
                where.also(f"{identity} {beyond} {{}}", self.after[1])
                if alone
                else where.also(f"({rank}, {identity}) {beyond} ({{}}, {{}})", *self.after)
            )
        end = " desc" if self.order.descending else ""
        by = f"{identity}{end}" if alone else f"{rank}{end}, {identity}{end}"
        where, limit = where.given(self.rows_max)
        return Where(f"{where.sql} order by {by} limit {limit}", where.parameters)


def begins(*columns: str) -> str:
    """A condition for `narrowed`: one of these texts begins with the value, whatever its case. An index over
    `folded(column)` answers it."""
    first = _FOLDED.format("{0}")
    one = [f"({folded(column)} >= {first} and {folded(column)} < {first} || {_LAST})" for column in columns]
    return f"({' or '.join(one)})"


def folded(column: str) -> str:
    """A text with its letters folded, as an index over it says it."""
    return _FOLDED.format(column)


async def counted(connection: asyncpg.Connection, source: str, where: Where) -> int:
    """How many rows of `source` fit, or one more than COUNTED_MAX."""
    found: int = await connection.fetchval(
        f"select count(*) from (select from {source} where {where.sql} limit {COUNTED_MAX + 1}) counted",
        *where.parameters,
    )
    return found
