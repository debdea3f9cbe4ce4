"""Usage that is given line by line, without a meter."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal

from services.rating.paper.domain.question import UsageRow, fault, refused
from shared.pricing.needs import FullTotals, Totals
from shared.values.groups import Group
from shared.values.instants import written


class UsageByLine:
    """Rows that begin before `until`. Each belongs to the need that it begins in, and fits into it."""

    def __init__(self, rows: Iterable[UsageRow], until: datetime) -> None:
        self._until = until
        self._rows: defaultdict[str, list[UsageRow]] = defaultdict(list)
        for row in rows:
            if row.start < until:
                self._rows[row.line].append(row)
        for of_line in self._rows.values():
            of_line.sort(key=lambda row: row.start)
        self._left = {row.path: row for of_line in self._rows.values() for row in of_line}

    def quantities(self, needs: Sequence[Totals]) -> list[dict[Group, Decimal]]:
        """Return one mapping a need, in order: group → quantity. Raises QuestionInvalid for a row that an edge cuts."""
        return [self._of(need) for need in needs]

    def refuse_what_is_left(self) -> None:
        """Raise QuestionInvalid where rows lie in no period that was asked for."""
        if self._left:
            raise refused(*[_outside(row) for row in self._left.values()])

    def _of(self, need: Totals) -> dict[Group, Decimal]:
        rows, found = self._rows[need.line_key], dict[Group, Decimal]()
        begin, end = (
            bisect_left(rows, instant, key=lambda row: row.start) for instant in (need.start, need.end)
        )
        edge = min(need.end, self._until)
        for row in rows[begin:end]:
            if row.end is not None and row.end > edge:
                raise refused(_across(row, edge))
            group = tuple((name, dict(row.group).get(name, "")) for name in sorted(need.dimensions))
            units = row.full_quantity if isinstance(need, FullTotals) else row.quantity
            found[group] = found.get(group, Decimal(0)) + units
            self._left.pop(row.path, None)
        return found


def _outside(row: UsageRow) -> dict[str, str]:
    return fault(
        row.path,
        "usage_outside",
        f"Line {row.line} counts nothing at {written(row.start)}; move it to where a version has the line, or leave it out.",
    )


def _across(row: UsageRow, edge: datetime) -> dict[str, str]:
    return fault(
        row.path,
        "usage_across_an_edge",
        f"At {written(edge)}, within it, its price, its period or the question ends; give the quantity of each side by itself.",
    )
