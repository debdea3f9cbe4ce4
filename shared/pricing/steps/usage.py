"""Usage: the quantity of each segment and group, what the allowance covers, and what the rest costs."""

from collections.abc import Iterator, Sequence
from decimal import Decimal

from shared.errors import AppError
from shared.pricing.effective import Effective
from shared.pricing.explanation import Explanation
from shared.pricing.layout import Placed
from shared.pricing.lines import UsageLine
from shared.pricing.models.matrix import NoRateForGroup
from shared.pricing.needs import Totals, TotalsRead, Usage
from shared.pricing.results import PricedSegment
from shared.pricing.steps.draft import Draft
from shared.pricing.steps.reach import Reach, Turn
from shared.pricing.steps.usage_explained import explain_segment
from shared.values.groups import Group

_ZERO = Decimal(0)
#: Groups without a rate that a fault spells out.
NAMED_MAX = 10


class UsageMissing(AppError):
    """Pricing was not given the usage of a line; a part of a statement is never priced in silence."""


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


_NOWHERE = Reach({}, {})


def price_usage(
    line: Placed[UsageLine],
    usage: Usage,
    carried: TotalsRead,
    explanation: Explanation,
) -> tuple[Draft, dict[Group, Decimal]]:
    """Return the usage line and the units below zero that the next period takes over, by group.

    Raises UsageMissing, and UsageWithoutRate with all the groups that no rate prices.
    """
    try:
        return _priced(line, usage, carried, explanation)
    except NoRateForGroup as fault:
        if lacking := _lacking(line, usage):
            raise UsageWithoutRate(line.key, lacking) from fault
        raise


def _lacking(line: Placed[UsageLine], usage: Usage) -> list[tuple[Totals, Group]]:
    """The groups of each need that have usage and no rate."""
    found = []
    for stretch, need in zip(line.stretches, line.needs, strict=True):
        for group in sorted(_counted(need, usage)):
            try:
                stretch.clause.price.for_group(group)
            except NoRateForGroup:
                found.append((need, group))
    return found


def _priced(
    line: Placed[UsageLine],
    usage: Usage,
    carried: TotalsRead,
    explanation: Explanation,
) -> tuple[Draft, dict[Group, Decimal]]:
    """Segment by segment.

    At an amendment a segment costs new(all so far) − new(what came before), so tiers and allowance run
    through, or new(its own units) where it restarts: by the clause, for a volume price, and where the
    dimensions change.
    """
    segments: list[PricedSegment] = []
    running = carried
    for turn in _turns(line, usage, carried):
        priced = [_segment(turn, group) for group in _groups(turn)]
        if explanation.wanted:
            for segment in priced:
                explain_segment(explanation, line.clause_id, turn, segment)
        segments += (
            priced
            if len(priced) == 1
            else [segment for segment in priced if segment.quantity or segment.priced or segment.exact]
        )
        running = turn.after.totals
    return _draft(line, segments), {group: total for group, total in running.items() if total < 0}


def _turns(line: Placed[UsageLine], usage: Usage, carried: TotalsRead) -> Iterator[Turn]:
    """Yield the line's stretches in order, each from where the one before has come to."""
    running = carried
    for index, (stretch, need) in enumerate(zip(line.stretches, line.needs, strict=True)):
        fresh = index == 0 or _restarts(line.stretches[index - 1], stretch)
        counted = _counted(need, usage)
        before = _reach(
            stretch, {group: min(total, _ZERO) for group, total in running.items()} if fresh else running
        )
        after = _reach(stretch, _plus(before.totals, counted))
        running = after.totals
        yield Turn(stretch, counted, before, after, fresh)


def _draft(line: Placed[UsageLine], segments: Sequence[PricedSegment]) -> Draft:
    last = line.last
    return Draft(
        key=line.key,
        kind="usage",
        clause_id=line.clause_id,
        clause_hash=last.hash,
        version=last.version,
        meter=last.clause.meter,
        description=last.clause.description or line.key,
        segments=tuple(segments),
        quantity=sum([segment.quantity for segment in segments], _ZERO),
        exact=sum([segment.exact for segment in segments], _ZERO),
    )


def _restarts(previous: Effective[UsageLine], stretch: Effective[UsageLine]) -> bool:
    changed_dimensions = previous.clause.price.dimensions != stretch.clause.price.dimensions
    return changed_dimensions or stretch.clause.on_change == "restart" or stretch.clause.price.must_restart


def _counted(need: Totals, usage: Usage) -> TotalsRead:
    found = usage.get(need)
    if found is None:
        raise UsageMissing(
            f"The usage of {need.meter} for line {need.line_key} from {need.start.isoformat()} is missing; read it and price again."
        )
    return {group: quantity for group, quantity in found.items() if quantity}


def _reach(stretch: Effective[UsageLine], totals: TotalsRead) -> Reach:
    """Cover each group's units by what is left of the allowance, in the order of the matrix rows, then of the
    values."""
    if not totals:
        return _NOWHERE
    left = stretch.clause.included_in(stretch.billed_days, stretch.whole_days)
    if not left:
        return Reach(totals, {group: max(total, _ZERO) for group, total in totals.items()})
    priced: dict[Group, Decimal] = {}
    for group in (
        sorted(totals, key=lambda group: (stretch.clause.price.rank(group), group))
        if len(totals) > 1
        else totals
    ):
        units = max(totals[group], _ZERO)
        covered = min(units, left)
        left, priced[group] = left - covered, units - covered
    return Reach(totals, priced)


def _plus(totals: TotalsRead, counted: TotalsRead) -> TotalsRead:
    if not totals:
        return counted
    return {
        group: totals.get(group, _ZERO) + counted.get(group, _ZERO)
        for group in totals.keys() | counted.keys()
    }


def _groups(turn: Turn) -> list[Group]:
    """Return the groups the segment touches; a line without usage still has one."""
    if not turn.stretch.clause.price.dimensions:
        return [()]
    touched = [
        group
        for group in turn.after.totals
        if group in turn.counted or turn.after.priced[group] != turn.before.priced.get(group, _ZERO)
    ]
    return sorted(touched) or [()]


def _segment(turn: Turn, group: Group) -> PricedSegment:
    stretch, quantity = turn.stretch, turn.counted.get(group, _ZERO)
    earlier, now = turn.priced(group)
    return PricedSegment(
        start=stretch.start,
        end=stretch.end,
        version=stretch.version,
        clause_hash=stretch.hash,
        group=dict(group),
        quantity=quantity,
        allowance=quantity - (now - earlier),
        priced=now - earlier,
        exact=_cost(stretch, group, now) - (_ZERO if turn.fresh else _cost(stretch, group, earlier)),
    )


def _cost(stretch: Effective[UsageLine], group: Group, priced: Decimal) -> Decimal:
    if stretch.clause.price.dimensions and not priced:
        return _ZERO
    return stretch.clause.price.for_group(group).cost(priced)
