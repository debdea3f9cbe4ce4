"""The discounts of a period: what each takes, and off which lines."""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal, localcontext

import msgspec

from shared.pricing.discount import Discount, DiscountKind
from shared.pricing.effective import Effective
from shared.pricing.in_force import Stretch
from shared.pricing.language import Terms
from shared.pricing.lines import LineClause
from shared.pricing.placed import Placed
from shared.values.decimals import EXACT, QUANTITY_FRACTION_DIGITS_MAX
from shared.values.ids import clause_id
from shared.values.money import Rounding, round_to, settle, share
from shared.values.period import ServicePeriod


class PlacedDiscount(msgspec.Struct, frozen=True, gc=False):
    """A discount in a period; `clause` is as last in force. `held` are the ids of its lines, in the order they are
    written in, each with the places of the stretches on which it holds, and the clause as it reads there.

    Of an amount, and of units, a day of the period that is billed has an equal part: `measure` is what falls on the
    days on which it holds, `measure_days` ÷ `billed_days` in whole minor units, or units to 12 decimals. A percentage
    has none.
    """

    clause: Discount
    clause_id: str
    held: Mapping[str, tuple[tuple[int, Discount], ...]]
    measure: Decimal
    measure_days: Decimal
    billed_days: int

    def on(self, stretch: Effective[LineClause]) -> Discount | None:
        """Return it as it holds in a stretch of a line, if it does."""
        return _held(stretch, self.clause.key, self.clause.kind)


def place_discounts(
    stretches: Sequence[Stretch],
    lines: Sequence[Placed[LineClause]],
    period: ServicePeriod,
    own: Sequence[Stretch] = (),
) -> tuple[PlacedDiscount, ...]:
    """Return the discounts that hold on a line of the period, in the order they are taken in. Of the periods that lines
    have of their own (`own`) those count that take a percentage; an amount, or units, are of this period alone."""
    every = (*own, *stretches)
    if not any(stretch.discounts for stretch in every):
        return ()
    written = _written(every, lines)
    here = {(one.key, one.kind) for stretch in stretches for one in stretch.discounts}
    placed = [
        _placed(key, kind, every if kind == "percent" else stretches, on, period)
        for key, kind in _in_order(every)
        if kind == "percent" or (key, kind) in here
        if (on := {line.line_id: held for line in written if (held := tuple(_held_on(line, key, kind)))})
    ]
    return tuple(placed)


def _in_order(stretches: Sequence[Stretch]) -> list[tuple[str, DiscountKind]]:
    """Return key and kind of the discounts as the version last in force writes them, then those of earlier versions:
    percentages first, unless one says otherwise."""
    held = {(one.key, one.kind): one for stretch in stretches for one in stretch.discounts}
    written = [
        (one.key, one.kind) for stretch in reversed(stretches) for one in stretch.in_force.terms.discounts
    ]
    names = [name for name in dict.fromkeys(written) if name in held]
    if any(one.order == "as_written" for one in held.values()):
        return names
    return sorted(names, key=lambda name: name[1] != "percent")


def _written(stretches: Sequence[Stretch], lines: Sequence[Placed[LineClause]]) -> list[Placed[LineClause]]:
    """Return the lines as terms write them: a period has them kind after kind."""
    keys = [line.key for stretch in reversed(stretches) for line in stretch.in_force.terms.lines]
    rank = {key: place for place, key in enumerate(dict.fromkeys(keys))}
    return sorted(lines, key=lambda line: rank[line.key])


def _held_on(line: Placed[LineClause], key: str, kind: DiscountKind) -> Iterator[tuple[int, Discount]]:
    for index, stretch in enumerate(line.stretches):
        clause = _held(stretch, key, kind)
        if clause is not None:
            yield index, clause


def _held(stretch: Effective[LineClause], key: str, kind: DiscountKind) -> Discount | None:
    return next((one for one in stretch.discounts if one.key == key and one.kind == kind), None)


def _placed(
    key: str,
    kind: DiscountKind,
    stretches: Sequence[Stretch],
    on: Mapping[str, tuple[tuple[int, Discount], ...]],
    period: ServicePeriod,
) -> PlacedDiscount:
    held = [
        (one, stretch)
        for stretch in stretches
        for one in stretch.discounts
        if (one.key, one.kind) == (key, kind)
    ]
    terms, days = stretches[-1].in_force.terms, Decimal(0)
    with localcontext(EXACT):
        if kind != "percent":
            days = sum([one.measure * stretch.days for one, stretch in held], days)
        return PlacedDiscount(
            clause=held[-1][0],
            clause_id=clause_id(terms.contract, "discounts", key),
            held=on,
            measure=_rounded(kind, share(days, 1, period.billed_days), terms),
            measure_days=days,
            billed_days=period.billed_days,
        )


def _rounded(kind: DiscountKind, exact: Decimal, terms: Terms) -> Decimal:
    if kind == "units":
        return round_to(exact, QUANTITY_FRACTION_DIGITS_MAX, Rounding.HALF_UP)
    return settle(exact, terms.money, terms.billing.rounding_mode).to_decimal()
