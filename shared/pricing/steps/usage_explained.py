"""Why a segment of usage costs what it costs: its quantity, what is covered, and each part of its price."""

from shared.pricing.explanation import Explanation
from shared.pricing.results import PricedSegment
from shared.pricing.steps.reach import Turn
from shared.values.decimals import plain


def explain_segment(explanation: Explanation, clause: str, turn: Turn, segment: PricedSegment) -> None:
    """Add the segment's steps, under the id of its clause."""
    _explain_quantity(explanation, clause, turn, segment)
    group = tuple(sorted(segment.group.items()))
    earlier, now = turn.priced(group)
    if turn.stretch.clause.price.dimensions and not (now or earlier):
        return
    price = turn.stretch.clause.price.for_group(group)
    for part in price.parts(now):
        explanation.add("price", clause, part.text, quantity=part.quantity, amount=part.amount)
    if not turn.fresh and (earlier or price.cost(earlier)):
        explanation.add(
            "price",
            clause,
            f"less {plain(earlier)} before the change",
            quantity=-earlier,
            amount=-price.cost(earlier),
        )


def _explain_quantity(explanation: Explanation, clause: str, turn: Turn, segment: PricedSegment) -> None:
    named = turn.stretch.clause.meter + "".join(
        f", {name} {value}" for name, value in sorted(segment.group.items())
    )
    text = f"{named}: {plain(segment.quantity)} under version {turn.stretch.version}"
    explanation.add("quantity", clause, text, quantity=segment.quantity)
    if segment.allowance > 0:
        text = f"{plain(segment.allowance)} covered by the allowance or units carried"
        explanation.add("allowance", clause, text, quantity=-segment.allowance)
    if segment.allowance < 0:
        text = f"{plain(-segment.allowance)} below zero: negative quantity carried"
        explanation.add("allowance", clause, text, quantity=-segment.allowance)
