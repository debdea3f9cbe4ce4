"""Committed: what commitments cover of the lines, slice after slice; what exceeds them, and what is short at their
end, are lines of their own."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

import msgspec

from shared.pricing.balances import Balances
from shared.pricing.blocks import Draw, Due, draw
from shared.pricing.blocks.agreed import Promise
from shared.pricing.layout import Layout
from shared.pricing.lines import SHORTFALL, TOP_UP, UPLIFT
from shared.pricing.results import PricedLine
from shared.pricing.steps.sliced import Slice
from shared.values.decimals import plain
from shared.values.ids import line_id
from shared.values.money import settle, to_decimal

#: The lines that no commitment covers.
_OUTSIDE: Final = frozenset({TOP_UP, UPLIFT, SHORTFALL})


class Committed(msgspec.Struct, frozen=True, gc=False):
    """`covered` are the draws on commitments, also on those that only count; `slices` are what credits may pay of each
    slice, what commitments pay left out; `lines` are what exceeds them and what is short. `left` is what of each
    commitment is left (block id → minor units), `excess` what exceeds it (its key → minor units)."""

    slices: tuple[Slice, ...]
    lines: tuple[PricedLine, ...] = ()
    covered: tuple[Draw, ...] = ()
    left: Mapping[str, int] = {}
    excess: Mapping[str, int] = {}


@dataclass
class _Running:
    """Where the slices have come to: what is left of each commitment, what each line comes to, what of it is covered,
    and by how much each commitment (by its key) is exceeded."""

    left: dict[str, int]
    covered: list[Draw]
    amounts: dict[str, int] = field(default_factory=dict)
    excess: dict[str, int] = field(default_factory=dict)


def commit(slices: Sequence[Slice], layout: Layout, opening: Balances) -> Committed:
    promises = layout.agreed.promises
    if not promises:
        return Committed(tuple(slices))
    used = {row.block: row.amount_minor for row in opening.drawn}
    used |= {row.block: row.amount_minor for row in opening.counted}
    running = _Running(
        {one.block.id: one.block.amount_minor - used.get(one.block.id, 0) for one in promises}, []
    )
    passed = [_passed(one, layout, running) for one in slices]
    uplifts = [line for promise in _one_each(promises) for line in _uplift(promise, layout, running)]
    shortfalls = [line for promise in _one_each(promises) for line in _shortfall(promise, layout, running)]
    last = passed[-1]
    short = [
        Due(line.line_id, line.key, line.kind, line.amount_minor, last.start, last.end) for line in shortfalls
    ]
    passed[-1] = msgspec.structs.replace(last, dues=(*last.dues, *short))
    return Committed(
        tuple(passed), (*uplifts, *shortfalls), tuple(running.covered), running.left, running.excess
    )


def _passed(one: Slice, layout: Layout, running: _Running) -> Slice:
    """Cover a slice; return what of it is left for credits."""
    promises = layout.agreed.promises
    within = _as_written([due for due in one.dues if due.kind not in _OUTSIDE], layout)
    for due in within:
        running.amounts[due.line_id] = running.amounts.get(due.line_id, 0) + due.amount_minor
    returned = draw(_too_much(within, running), running.covered, (), {})
    _take(running, returned)
    rises = [due for due in within if due.amount_minor > 0]
    covered = draw(rises, (), [promise.block for promise in promises], running.left)
    _take(running, covered)
    made = [*returned, *covered]
    before = {promise.clause.key: _uplift_minor(promise, layout, running) for promise in promises}
    for due in within:
        _exceed(due, promises, made, running)
    paying = {promise.block.id for promise in promises if promise.block.pays}
    dues = [_less(due, [one for one in made if one.block in paying]) for due in one.dues]
    for promise in _one_each(promises):
        more = _uplift_minor(promise, layout, running) - before[promise.clause.key]
        dues.append(
            Due(_line_id(promise, layout, UPLIFT), promise.clause.key, UPLIFT, more, one.start, one.end)
        )
    return msgspec.structs.replace(one, dues=tuple([due for due in dues if due.amount_minor]))


def _as_written(dues: Sequence[Due], layout: Layout) -> list[Due]:
    """Return the dues as terms write their lines: a period has them kind after kind. Lines of earlier versions are
    last."""
    assert layout.terms is not None
    rank = {line.key: place for place, line in enumerate(layout.terms.lines)}
    return sorted(dues, key=lambda due: rank.get(due.key, len(rank)))


def _take(running: _Running, made: Sequence[Draw]) -> None:
    running.covered += made
    for one in made:
        running.left[one.block] -= one.amount_minor


def _too_much(dues: Sequence[Due], running: _Running) -> list[Due]:
    """What is covered beyond what a line that fell still comes to."""
    over = []
    for due in dues:
        beyond = _of_line(running.covered, due) - max(running.amounts[due.line_id], 0)
        if due.amount_minor < 0 < beyond:
            over.append(msgspec.structs.replace(due, amount_minor=-beyond))
    return over


def _exceed(due: Due, promises: Sequence[Promise], made: Sequence[Draw], running: _Running) -> None:
    """What is not covered exceeds the last commitment written that may cover the line."""
    eligible = [
        one for one in promises if one.block.holds(due.start, due.end) and one.block.takes(due.key, due.kind)
    ]
    if eligible:
        key = eligible[-1].clause.key
        running.excess[key] = running.excess.get(key, 0) + due.amount_minor - _of_line(made, due)


def _less(due: Due, paid: Sequence[Draw]) -> Due:
    minor = _of_line(paid, due)
    return msgspec.structs.replace(due, amount_minor=due.amount_minor - minor) if minor else due


def _of_line(draws: Sequence[Draw], due: Due) -> int:
    return sum([one.amount_minor for one in draws if one.line_id == due.line_id])


def _one_each(promises: Sequence[Promise]) -> list[Promise]:
    """A commitment once, though two of its periods touch this one."""
    return list({promise.clause.key: promise for promise in promises}.values())


def _uplift_minor(promise: Promise, layout: Layout, running: _Running) -> int:
    """What exceeds it costs more than its price: rounded once, over all that exceeds it in the period."""
    assert layout.terms is not None
    excess, beyond = running.excess.get(promise.clause.key, 0), promise.clause.overage_percent - 100
    if excess <= 0 or not beyond:
        return 0
    exact = to_decimal(excess, layout.terms.money) * beyond.scaleb(-2)
    return settle(exact, layout.terms.money, layout.terms.billing.rounding_mode).minor


def _uplift(promise: Promise, layout: Layout, running: _Running) -> Iterator[PricedLine]:
    minor = _uplift_minor(promise, layout, running)
    if minor:
        shown = f"Beyond the commitment {promise.clause.key}, at {plain(promise.clause.overage_percent)} %"
        yield _line(promise, layout, UPLIFT, shown, minor)


def _shortfall(promise: Promise, layout: Layout, running: _Running) -> Iterator[PricedLine]:
    """What is short of a postpaid commitment whose end lies in the period."""
    minor = sum(
        running.left[one.block.id]
        for one in layout.agreed.promises
        if one.clause is promise.clause and is_short(one, layout)
    )
    if minor > 0:
        shown = f"Short of the commitment {promise.clause.key}"
        yield _line(promise, layout, SHORTFALL, shown, minor)


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
