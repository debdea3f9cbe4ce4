"""Usage that no rate of its line prices: the whole period is refused, and every such group named."""

from collections.abc import Sequence

from shared.pricing.lines import LineClause
from shared.pricing.models.matrix import NoRateForGroup
from shared.pricing.needs import Totals, TotalsRead
from shared.pricing.placed import Placed
from shared.values.groups import Group

#: Groups without a rate that a fault spells out.
NAMED_MAX = 10


class UsageWithoutRate(NoRateForGroup):
    """The line's price has no rate for some of its usage; add a row for it or a row without dimensions, or
    void the usage."""

    def __init__(self, line_key: str, lacking: Sequence[tuple[Totals, Group]]) -> None:
        named = sorted(
            {
                ", ".join(f"{name}={value}" for name, value in group) or "usage without dimensions"
                for _, group in lacking
            }
        )
        more = f" and {len(named) - NAMED_MAX} more" if len(named) > NAMED_MAX else ""
        super().__init__(f"Line {line_key} has no rate for {'; '.join(named[:NAMED_MAX])}{more}.")
        self.lacking = tuple(lacking)


def in_full(fault: NoRateForGroup, line: Placed[LineClause], counted: Sequence[TotalsRead]) -> NoRateForGroup:
    """Return the fault of one group as that of all groups of the line; as it is where none of what was counted
    lacks a rate."""
    lacking = [
        (need, group)
        for stretch, need, groups in zip(line.stretches, line.needs, counted, strict=True)
        for group in sorted(groups)
        if not _priced(stretch.clause, group)
    ]
    return UsageWithoutRate(line.key, lacking) if lacking else fault


def _priced(line: LineClause, group: Group) -> bool:
    try:
        line.rank(group)
    except NoRateForGroup:
        return False
    return True
