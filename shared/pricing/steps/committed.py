"""Committed: what commitments cover of the lines, slice after slice; what exceeds them, and what is short at their
end, are lines of their own."""

from collections.abc import Container, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Final, NamedTuple

import msgspec

from shared.pricing.balances import Balances, BlockDrawn, CommitmentCounted
from shared.pricing.blocks import NOTHING_STANDS, Block, Draw, Due, Standing, draw
from shared.pricing.blocks.agreed import Promise
from shared.pricing.layout import Layout
from shared.pricing.lines import NO_SPEND, SHORTFALL, TOP_UP, UPLIFT
from shared.pricing.results import PricedLine
from shared.pricing.steps.sliced import Slice
from shared.values.decimals import plain
from shared.values.ids import block_id, line_id
from shared.values.money import to_decimal, to_minor

#: The lines that no commitment covers.
OUTSIDE: Final = frozenset({TOP_UP, UPLIFT, SHORTFALL})


class Committed(msgspec.Struct, frozen=True, gc=False):
    """`covered` are the draws on commitments, also on those that only count; `slices` are what credits may pay of each
    slice, what commitments pay left out; `lines` are what exceeds them and what is short. `left` is what of each
    commitment is left (block id → minor units), `excess` what exceeds those that cost more beyond (key → minor units),
    and `at_most` what the cap leaves for that, where it counts it (key → minor units)."""

    slices: Sequence[Slice]
    lines: tuple[PricedLine, ...] = ()
    covered: Sequence[Draw] = ()
    left: Mapping[str, int] = {}
    excess: Mapping[str, int] = {}
    at_most: Mapping[str, int] = {}


class _Running(msgspec.Struct):
    """Where the slices have come to: what is left of each commitment, what lines came to in each slice, what of it is
    covered, and by how much each commitment (by its key) is exceeded. `stands` are draws that exist, `stood` those on
    commitments so far, and `covered` are made beside them; `spent` is what the cap counts so far."""

    left: dict[str, int]
    stands: Standing = NOTHING_STANDS
    stood: list[Draw] = []
    dues: list[Due] = []
    covered: list[Draw] = []
    excess: dict[str, int] = {}
    spent: int = 0
    uplifts: "_Uplifts | None" = None

    def take(self, made: Sequence[Draw]) -> Sequence[Draw]:
        self.covered += made
        for one in made:
            self.left[one.block] -= one.amount_minor
        return made


def commit(
    slices: Sequence[Slice], layout: Layout, opening: Balances, stands: Standing = NOTHING_STANDS
) -> Committed:
    """`stands` are the draws that exist and stay, those on credits too: nothing else is covered in their place."""
    agreed = layout.agreed
    if not agreed.promises:
        return Committed(slices)
    rows: tuple[BlockDrawn | CommitmentCounted, ...] = (*opening.drawn, *opening.counted)
    left = {block.id: block.amount_minor for block in agreed.promised}
    for row in rows:
        if row.block in left:
            left[row.block] -= row.amount_minor
    running = _Running(stands.left(left), stands)
    passed = [_passed(one, layout, running) for one in slices]
    uplifts = [line for promise in agreed.dearer_beyond for line in _uplift(promise, layout, running)]
    shortfalls = _shortfalls(layout, running, asked_for_as_short(opening))
    if shortfalls:
        last = passed[-1]
        short = [
            Due(line.line_id, line.key, line.kind, line.amount_minor, last.start, last.end)
            for line in shortfalls
        ]
        passed[-1] = msgspec.structs.replace(last, dues=[*last.dues, *short])
    covered = [*(one for one in stands.draws if one.block in running.left), *running.covered]
    at_most = running.uplifts.at_most if running.uplifts else {}
    return Committed(passed, (*uplifts, *shortfalls), covered, running.left, running.excess, at_most)


def _passed(one: Slice, layout: Layout, running: _Running) -> Slice:
    """Cover a slice; return what of it is left for credits."""
    agreed = layout.agreed
    within = _as_written([due for due in one.dues if due.kind not in OUTSIDE], layout)
    running.dues += within
    made: list[Draw] = []
    if running.stands.draws:
        made += [draw for due in within for draw in running.stands.of(due) if draw.block in running.left]
        running.stood += made
    if running.covered:
        made += running.take(draw(_too_much(within, running), running.covered, (), {}))
    made += running.take(_cover(within, agreed.promised, running))
    dues = _less(one.dues, made, agreed.paid_for)
    if agreed.dearer_beyond:
        before = running.uplifts.minor if running.uplifts else {}
        _exceed(within, made, agreed.promises, running)
        running.spent += sum([due.amount_minor for due in one.dues if due.kind not in NO_SPEND])
        running.uplifts = _uplifts(layout, running)
        for promise in agreed.dearer_beyond:
            key = promise.clause.key
            more = running.uplifts.minor[key] - before.get(key, 0)
            if more:
                dues.append(Due(_line_id(promise, layout, UPLIFT), key, UPLIFT, more, one.start, one.end))
    return msgspec.structs.replace(one, dues=dues)


def _cover(dues: Sequence[Due], promised: Sequence[Block], running: _Running) -> list[Draw]:
    """Draw on commitments in the order written. One that pays leaves alone what draws that exist pay."""
    if not running.stands.draws:
        return draw(dues, (), promised, running.left)
    rises = [due for due in dues if due.amount_minor > 0]
    held = [one for due in rises for one in running.stands.of(due)]
    made: list[Draw] = []
    for block in promised:
        paid = [*made, *(one for one in held if block.pays or one.block in running.left)]
        rest = [
            msgspec.structs.replace(due, amount_minor=due.amount_minor - _of_line(paid, due)) for due in rises
        ]
        made += draw(rest, (), [block], running.left)
    return made


def _as_written(dues: list[Due], layout: Layout) -> list[Due]:
    """Return the dues as terms write their lines: a period has them kind after kind. Lines of earlier versions are
    last."""
    if layout.as_written:
        return dues
    assert layout.terms is not None
    places, last = layout.terms.places, len(layout.terms.lines)
    return sorted(dues, key=lambda due: places.get(due.key, last))


def _too_much(dues: Sequence[Due], running: _Running) -> list[Due]:
    """What is covered beyond what a line that fell still comes to."""
    over = []
    for due in dues:
        if due.amount_minor < 0:
            comes_to = sum([one.amount_minor for one in running.dues if one.line_id == due.line_id])
            covered = _of_line(running.covered, due) + _of_line(running.stood, due)
            beyond = covered - max(comes_to, 0)
            if beyond > 0:
                over.append(msgspec.structs.replace(due, amount_minor=-beyond))
    return over


def _exceed(
    dues: Sequence[Due], made: Sequence[Draw], promises: Sequence[Promise], running: _Running
) -> None:
    """What is not covered exceeds the last commitment written that may cover the line."""
    for due in dues:
        eligible = [
            one
            for one in promises
            if one.block.holds(due.start, due.end) and one.block.takes(due.key, due.kind)
        ]
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
        minor = due.amount_minor - paid.get(due.line_id, 0)
        if minor:
            left.append(msgspec.structs.replace(due, amount_minor=minor))
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


def _shortfalls(layout: Layout, running: _Running, asked_for: Mapping[str, int]) -> list[PricedLine]:
    """Return what is short of each postpaid commitment whose end lies in the period."""
    ended = [one for one in layout.agreed.promises if is_short(one, layout)]
    lines = []
    for promise in {one.clause.key: one for one in ended}.values() if ended else ():
        of_clause = [one for one in ended if one.clause is promise.clause]
        minor = sum([short_of(one, running.left, asked_for) for one in of_clause])
        if minor > 0:
            shown = f"Short of the commitment {promise.clause.key}"
            lines.append(_line(promise, layout, SHORTFALL, shown, minor))
    return lines


def short_of(promise: Promise, left: Mapping[str, int], asked_for: Mapping[str, int]) -> int:
    """Return what a commitment's period is short of. What was asked for stays, as its block pays what comes late."""
    return max(left[promise.block.id], asked_for.get(shortfall_block_id(promise), 0))


def asked_for_as_short(opening: Balances) -> dict[str, int]:
    """Return the blocks of what was asked for as short (their ids → minor units)."""
    return {block.id: block.amount_minor for block in opening.blocks if block.kind == SHORTFALL}


def shortfall_block_id(promise: Promise) -> str:
    """The block of what is asked for as short of a commitment's period."""
    return block_id(promise.block.id, "shortfall")


def is_short(promise: Promise, layout: Layout) -> bool:
    """Whether what is left of it is asked for with this period."""
    clause, ends = promise.clause, promise.block.ends
    over = layout.ended and ends is not None and ends <= layout.end
    return over and not clause.prepaid and clause.when_short != "none"


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
