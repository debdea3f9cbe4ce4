"""Committed: what commitments cover of the lines, slice after slice; what exceeds them, and what is short at their
end, are lines of their own."""

from collections import Counter
from collections.abc import Container, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Final, Literal, NamedTuple

import msgspec

from shared.pricing.balances import Balances, BlockDrawn, CommitmentCounted
from shared.pricing.blocks import NOTHING_STANDS, Block, Draw, Due, Standing, draw
from shared.pricing.blocks.agreed import Promise
from shared.pricing.layout import Layout
from shared.pricing.lines import NO_SPEND, SHORTFALL, TOP_UP, UPLIFT
from shared.pricing.results import PricedLine
from shared.pricing.steps.needed import NOTHING_NEEDED, Needed
from shared.pricing.steps.sliced import Slice
from shared.values.decimals import plain
from shared.values.ids import block_id, line_id
from shared.values.money import to_decimal, to_minor

#: The lines that no commitment covers.
OUTSIDE: Final = frozenset({TOP_UP, UPLIFT, SHORTFALL})


class Committed(msgspec.Struct, frozen=True, gc=False):
    """`covered` are the draws on commitments, also on those that only count; `slices` are what credits may pay of each
    slice, what commitments pay left out; `lines` are what exceeds them and what is short. `left` is what of each
    commitment is left, and `short` what those that end are short of (block id → minor units); `excess` is what exceeds
    those that cost more beyond, and `at_most` what the cap leaves for that, where it counts it (key → minor units)."""

    slices: Sequence[Slice]
    lines: tuple[PricedLine, ...] = ()
    covered: Sequence[Draw] = ()
    left: Mapping[str, int] = {}
    excess: Mapping[str, int] = {}
    at_most: Mapping[str, int] = {}
    short: Mapping[str, int] = {}


class _Running(msgspec.Struct):
    """Where the slices have come to: what is left of each commitment, what lines came to in each slice, what of it is
    covered, and by how much each commitment (by its key) is exceeded. `stands` are draws that exist, `stood` those so far, on
    credits too, and `covered` are made beside them; `back` is what they gave back of them, and `spent` what the cap counts so
    far."""

    left: dict[str, int]
    paid_for: Container[str]
    stands: Standing = NOTHING_STANDS
    stood: list[Draw] = []
    back: dict[str, int] = {}
    dues: list[Due] = []
    covered: list[Draw] = []
    excess: dict[str, int] = {}
    spent: int = 0
    uplifts: "_Uplifts | None" = None

    def hold_back(self, minor: Mapping[str, int], sign: Literal[-1, 1]) -> None:
        """Leave so much less of these commitments, or give it back."""
        for block, held in minor.items():
            self.left[block] += sign * held

    def take(self, made: Sequence[Draw]) -> Sequence[Draw]:
        """Beside draws that exist nothing that is given back is offered again: they have what of it was taken then."""
        self.covered += made
        for one in made:
            again = one.amount_minor > 0 or not self.stands.draws or one.block not in self.paid_for
            kept = self.left if again else self.back
            kept[one.block] = kept.get(one.block, 0) - one.amount_minor
        return made


def commit(
    slices: Sequence[Slice],
    layout: Layout,
    opening: Balances,
    stands: Standing = NOTHING_STANDS,
    needed: Needed = NOTHING_NEEDED,
    drawn_late: Mapping[str, int] = {},
) -> Committed:
    """`stands` are the draws that exist and stay, those on credits too: nothing else is covered in their place. `needed` is
    held back of commitments until they end. `drawn_late` is what the period draws beside those that stand on blocks of what
    was asked for as short (block id → minor units)."""
    agreed = layout.agreed
    if not agreed.promises:
        return Committed(slices)
    left = dict(agreed.committed)
    rows: tuple[BlockDrawn | CommitmentCounted, ...] = (*opening.drawn, *opening.counted)
    for row in rows:
        if row.block in left:
            left[row.block] -= row.amount_minor
    running = _Running(stands.left(left) if stands.draws else left, agreed.paid_for, stands)
    held_back = needed.of(left)
    running.hold_back(held_back, -1)
    passed = [_passed(one, layout, running) for one in slices]
    running.hold_back(held_back, 1)
    running.hold_back(running.back, 1)
    uplifts: list[PricedLine] = []
    for promise in agreed.dearer_beyond:
        uplifts += _uplift(promise, layout, running)
    missing = _short_of(agreed.short, running, opening, drawn_late) if agreed.short else {}
    shortfalls = _shortfalls(agreed.short, missing, layout) if agreed.short else []
    if shortfalls:
        passed[-1] = _with_short(passed[-1], shortfalls)
    covered: Sequence[Draw] = running.covered
    if stands.draws:
        covered = [*(one for one in stands.draws if one.block in running.left), *covered]
    at_most = running.uplifts.at_most if running.uplifts else {}
    return Committed(passed, (*uplifts, *shortfalls), covered, running.left, running.excess, at_most, missing)


def _with_short(last: Slice, shortfalls: Sequence[PricedLine]) -> Slice:
    """Credits pay what is short too, as the last of the period."""
    short = [
        Due(line.line_id, line.key, line.kind, line.amount_minor, last.start, last.end) for line in shortfalls
    ]
    return msgspec.structs.replace(last, dues=[*last.dues, *short])


def _passed(one: Slice, layout: Layout, running: _Running) -> Slice:
    """Cover a slice; return what of it is left for credits."""
    agreed = layout.agreed
    within = _as_written([due for due in one.dues if due.kind not in OUTSIDE], layout)
    running.dues += within
    made: list[Draw] = []
    if running.stands.draws:
        stood = [draw for due in within for draw in running.stands.of(due)]
        running.stood += stood
        made += [draw for draw in stood if draw.block in running.left]
    if running.covered:
        made += _give_back(within, running)
    made += running.take(_cover(within, agreed.promised, running))
    dues = _less(one.dues, made, agreed.paid_for) if made else [*one.dues]
    if agreed.dearer_beyond:
        before = running.uplifts.minor if running.uplifts else {}
        _exceed(within, made, agreed.promises, running)
        _exceed([due for due in one.below if due.kind not in OUTSIDE], (), agreed.promises, running)
        running.spent += sum(
            [due.amount_minor for due in (*one.dues, *one.below) if due.kind not in NO_SPEND]
        )
        running.uplifts = _uplifts(layout, running)
        for promise in agreed.dearer_beyond:
            key = promise.clause.key
            more = running.uplifts.minor[key] - before.get(key, 0)
            if more:
                dues.append(Due(_line_id(promise, layout, UPLIFT), key, UPLIFT, more, one.start, one.end))
    return Slice(one.start, one.end, dues, one.below)


def _cover(dues: Sequence[Due], promised: Sequence[Block], running: _Running) -> list[Draw]:
    """Draw on commitments in the order written. One that pays leaves alone what draws that exist pay."""
    if not running.stands.draws:
        return draw(dues, (), promised, running.left)
    rises = [due for due in dues if due.amount_minor > 0]
    held = [one for due in rises for one in running.stands.of(due)]
    before, made = list[Draw](), list[Draw]()
    for block in promised:
        rest = _beside(rises, [*made, *(one for one in held if block.pays or one.block in running.left)])
        own = [one for one in held if one.block == block.id]
        if block.pro_rata:
            more = _in_its_parts(block, running.left[block.id], _beside(rises, before), own, rest)
        else:
            more = draw(rest, (), [block], running.left)
        made += more
        before += [*own, *more]
    return made


def _in_its_parts(
    block: Block, left_minor: int, wants: Sequence[Due], own: Sequence[Draw], rest: Sequence[Due]
) -> list[Draw]:
    """Draw on one that is split by what commitments written before it leave of lines: what `rest` has of its part of each
    beyond its `own` draws that exist, and then of what is left of it."""
    parts = draw(wants, (), [block], {block.id: left_minor + _sum(own)})
    first = [
        msgspec.structs.replace(
            due, amount_minor=min(_of_line(parts, due) - _of_line(own, due), due.amount_minor)
        )
        for due in rest
    ]
    made = draw(first, (), [block], {block.id: left_minor})
    return [*made, *draw(_beside(rest, made), (), [block], {block.id: left_minor - _sum(made)})]


def _beside(dues: Sequence[Due], draws: Sequence[Draw]) -> list[Due]:
    """Return what these draws leave of each."""
    return [
        msgspec.structs.replace(due, amount_minor=due.amount_minor - _of_line(draws, due)) for due in dues
    ]


def _sum(draws: Sequence[Draw]) -> int:
    return sum([one.amount_minor for one in draws])


def _as_written(dues: list[Due], layout: Layout) -> list[Due]:
    """Return the dues as terms write their lines: a period has them kind after kind. Lines of earlier versions are
    last."""
    if layout.as_written:
        return dues
    assert layout.terms is not None
    places, last = layout.terms.places, len(layout.terms.lines)
    return sorted(dues, key=lambda due: places.get(due.key, last))


def _give_back(dues: Sequence[Due], running: _Running) -> list[Draw]:
    """Give back what is covered beyond what a line that fell still comes to: first what commitments pay of it beside the draws
    of credits that exist and stay, then what commitments cover in all."""
    made: list[Draw] = []
    fell = [due for due in dues if due.amount_minor < 0]
    of_credits = [one for one in running.stood if one.block not in running.left]
    for blocks, beside in ((running.paid_for, of_credits), (running.left, ())) if fell else ():
        covered, stood = (
            [one for one in draws if one.block in blocks] for draws in (running.covered, running.stood)
        )
        over = _too_much(fell, [*covered, *stood, *beside], running)
        made += running.take(draw(over, covered, (), {}))
    return made


def _too_much(fell: Sequence[Due], draws: Sequence[Draw], running: _Running) -> list[Due]:
    """What these draws have of lines beyond what they still come to."""
    over = []
    for due in fell:
        comes_to = sum([one.amount_minor for one in running.dues if one.line_id == due.line_id])
        beyond = _of_line(draws, due) - comes_to
        if beyond > 0:
            over.append(msgspec.structs.replace(due, amount_minor=-beyond))
    return over


def _exceed(
    dues: Sequence[Due], made: Sequence[Draw], promises: Sequence[Promise], running: _Running
) -> None:
    """What is not covered exceeds the last commitment written that may cover the line."""
    for due in dues:
        eligible = [one for one in promises if one.block.may_pay(due.key, due.kind, due.start, due.end)]
        if eligible:
            key = eligible[-1].clause.key
            running.excess[key] = running.excess.get(key, 0) + due.amount_minor - _of_line(made, due)


def _less(dues: Sequence[Due], made: Sequence[Draw], paid_for: Container[str]) -> list[Due]:
    """Return what is left of each where the blocks of commitments that are paid for pay."""
    paid: dict[str, int] = {}
    for one in made:
        if one.block in paid_for:
            paid[one.line_id] = paid.get(one.line_id, 0) + one.amount_minor
    left = []
    for due in dues:
        part = paid.get(due.line_id, 0)
        if not part:
            left.append(due)
        elif part != due.amount_minor:
            left.append(msgspec.structs.replace(due, amount_minor=due.amount_minor - part))
    return left


def _of_line(draws: Sequence[Draw], due: Due) -> int:
    return sum([one.amount_minor for one in draws if one.line_id == due.line_id])


class _Uplifts(NamedTuple):
    """By how much what exceeds each commitment is dearer, and at most, where the cap counts it (key → minor units)."""

    minor: Mapping[str, int]
    at_most: Mapping[str, int]


def _uplifts(layout: Layout, running: _Running) -> _Uplifts:
    """Of the period so far. The cap leaves room beside its lines, for one commitment after the other."""
    minor: dict[str, int] = {}
    at_most: dict[str, int] = {}
    room = None if layout.cap is None else max(layout.cap.settled.minor - running.spent, 0)
    for promise in layout.agreed.dearer_beyond:
        key = promise.clause.key
        minor[key] = _uplift_minor(promise, layout, running)
        if room is not None and promise.clause.cap_includes_overage:
            at_most[key], minor[key] = room, min(minor[key], room)
            room -= minor[key]
    return _Uplifts(minor, at_most)


def _uplift_minor(promise: Promise, layout: Layout, running: _Running) -> int:
    """What exceeds it costs more than its price: rounded once, over all that exceeds it in the period."""
    assert layout.terms is not None
    excess, beyond = running.excess.get(promise.clause.key, 0), promise.clause.overage_percent - 100
    if excess <= 0:
        return 0
    exact = to_decimal(excess, layout.terms.money) * beyond.scaleb(-2)
    return to_minor(exact, layout.terms.money, layout.terms.billing.rounding_mode)


def _uplift(promise: Promise, layout: Layout, running: _Running) -> Iterator[PricedLine]:
    minor = running.uplifts.minor[promise.clause.key] if running.uplifts else 0
    if minor:
        shown = f"Beyond the commitment {promise.clause.key}, at {plain(promise.clause.overage_percent)} %"
        yield _line(promise, layout, UPLIFT, shown, minor)


def _shortfalls(ended: Sequence[Promise], short: Mapping[str, int], layout: Layout) -> list[PricedLine]:
    """Return what is short of each postpaid commitment whose end lies in the period."""
    lines = []
    for promise in {one.clause.key: one for one in ended}.values():
        minor = sum([short[one.block.id] for one in ended if one.clause is promise.clause])
        if minor > 0:
            shown = f"Short of the commitment {promise.clause.key}"
            lines.append(_line(promise, layout, SHORTFALL, shown, minor))
    return lines


def _short_of(
    ended: Sequence[Promise], running: _Running, opening: Balances, drawn_late: Mapping[str, int]
) -> dict[str, int]:
    """Return what each commitment's period is short of (block id → minor units): what is left of it, and what of its
    shortfall paid what came late, as that was promised beside it. What was asked for stays."""
    asked_for = asked_for_as_short(opening)
    if not asked_for:
        return {one.block.id: max(running.left[one.block.id], 0) for one in ended}
    drawn = Counter(dict[str, int](opening.drawn))
    drawn.update(drawn_late)
    for one in running.stands.draws:
        drawn[one.block] += one.amount_minor
    found = {}
    for promise in ended:
        block, of_short = promise.block.id, shortfall_block_id(promise)
        found[block] = max(running.left[block] + drawn[of_short], asked_for.get(of_short, 0))
    return found


def asked_for_as_short(opening: Balances) -> dict[str, int]:
    """Return the blocks of what was asked for as short (their ids → minor units)."""
    return {block.id: block.amount_minor for block in opening.blocks if block.kind == SHORTFALL}


def shortfall_block_id(promise: Promise) -> str:
    """The block of what is asked for as short of a commitment's period."""
    return block_id(promise.block.id, "shortfall")


def _line(promise: Promise, layout: Layout, kind: str, shown: str, minor: int) -> PricedLine:
    return PricedLine(
        line_id=_line_id(promise, layout, kind),
        key=promise.clause.key,
        clause_id=promise.block.clauses[0],
        clause_hash=promise.clause_hash,
        version=layout.versions[-1],
        kind=kind,
        meter=None,
        description=shown,
        quantity=Decimal(1),
        amount_minor=minor,
    )


def _line_id(promise: Promise, layout: Layout, kind: str) -> str:
    assert layout.terms is not None
    return line_id(layout.terms.contract, promise.block.clauses[0], layout.start, kind)
