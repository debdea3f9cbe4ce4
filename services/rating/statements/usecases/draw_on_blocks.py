"""Let statements draw on blocks: hold what they draw on, open each with what the others leave, and write what it draws.

A statement's own rows are written with it and replaced with it. A block whose balance changed moves its revision, so that
whoever prices by an older snapshot collides on it, and is taken anew: no two draw the same money.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from typing import TypeVar

import msgspec

from services.rating.blocks.repository import BlockRepository
from services.rating.blocks.rows import BlockContract, HeldBlock, NewBlock, NewRow, RowKind, StoredRow
from services.rating.blocks.usecases.lapse import lapses
from services.rating.blocks.usecases.tell_rows import RETURNED, ROLLED_OVER, DrawCosts, write_rows
from services.rating.statements.domain.due import DueStatement, PricedStatement
from shared.db.unit_of_work import UnitOfWork
from shared.errors import AppError
from shared.pricing.balances import Balances, BlockDrawn
from shared.pricing.blocks import Block, Draw
from shared.pricing.blocks.parts import asked_for, cost_basis_in
from shared.pricing.results import PricedPeriod
from shared.values.ids import statement_id

Name = tuple[str, datetime]
"""Contract and start of a period: a statement."""
Said = tuple[object, ...]
"""What a row says, whenever it was made."""
P = TypeVar("P")
R = TypeVar("R", StoredRow, NewRow)
OF_CLAUSE = "clause"
SHORT = "shortfall"


@dataclass
class Drawing:
    """What some statements draw on. `held` are the blocks as this transaction holds them; `own` the rows that these
    statements made before, `drawn` what all others drew, and these so far (block id → minor units). Of final statements
    (`facts`) it is also what they drew before, until each is priced again in its turn: that stays. `lives_on` is what of a
    block came back after its time, and is another's (block id → minor units)."""

    held: Mapping[str, HeldBlock] = field(default_factory=dict)
    own: Mapping[Name, Sequence[StoredRow]] = field(default_factory=dict)
    drawn: dict[str, int] = field(default_factory=dict)
    made_for: dict[str, set[str]] = field(default_factory=dict)  # contract → blocks made now
    facts: bool = False
    lives_on: Mapping[str, int] = field(default_factory=dict)
    again: dict[Name, Mapping[str, int]] = field(
        default_factory=dict
    )  # what each drew that was priced again here

    @cached_property
    def held_by(self) -> Mapping[str, Sequence[HeldBlock]]:
        """Each contract, and which of the blocks it draws on."""
        found: dict[str, list[HeldBlock]] = {}
        for block in self.held.values():
            for contract in block.contracts:
                found.setdefault(contract, []).append(block)
        return found

    def granted_to(self, contract: str, start: datetime) -> tuple[Block, ...]:
        """The blocks that a call granted to a contract, and others that no clause makes again in each period: one that a
        correction made was made again by the period in which it begins, and comes after that."""
        return tuple(
            [
                block.block()
                for block in self.held_by.get(contract, ())
                if block.stands_alone and (not block.by_correction or block.effective <= start)
            ]
        )

    def position(self, contract: str) -> int:
        """When a contract draws, of those that share a block."""
        found = [block.contracts.index(contract) for block in self.held_by.get(contract, ())]
        return min(found, default=0)

    def facts_of(self, due: DueStatement) -> tuple[Draw, ...]:
        """What a statement, and its corrections, drew before, in the order they did."""
        return tuple(
            [
                Draw(row.block_id, str(row.line_id), row.slice_start, -row.amount_minor)
                for row in self.own.get(name_of(due), ())
                if row.kind in ("draw", "return") and row.slice_start is not None
            ]
        )

    def opened(self, due: DueStatement, opening: Balances) -> Balances:
        """Return what a statement opens with: what the period before handed over, and what is left of the blocks."""
        own = {block.block_id for block in self.held_by.get(due.contract, ())}
        own |= self.made_for.get(due.contract, set())
        others = self._others(due) if self.facts else self.drawn
        drawn = [BlockDrawn(block, minor) for block in sorted(own) if (minor := others.get(block, 0))]
        if not (drawn or due.granted):
            return opening
        return msgspec.structs.replace(opening, blocks=(*opening.blocks, *due.granted), drawn=tuple(drawn))

    def _others(self, due: DueStatement) -> dict[str, int]:
        """What all others drew."""
        others, again = dict(self.drawn), self.again.get(name_of(due))
        if again is not None:
            return {block: minor - again.get(block, 0) for block, minor in others.items()}
        for row in self.own.get(name_of(due), ()):
            if _takes(row):
                others[row.block_id] = others.get(row.block_id, 0) + row.amount_minor
        return others

    def take_again(self, due: DueStatement, priced: PricedPeriod) -> None:
        """Count what a final statement draws now, and hands on otherwise than before, towards what those after it find."""
        others = self._others(due)
        self.drawn = dict(others)
        self.take(due, priced)
        moved = [(row.block_id, row.amount_minor) for row in self.own.get(name_of(due), ()) if _moves(row)]
        moved += [(block, more) for block, _, more in self.handed_over(due, priced)]
        for block, minor in moved:
            self.drawn[block] = self.drawn.get(block, 0) - minor
        self.again[name_of(due)] = {
            block: minor - others.get(block, 0) for block, minor in self.drawn.items()
        }

    def handed_over(self, due: DueStatement, priced: PricedPeriod) -> list[tuple[str, datetime, int]]:
        """By how much more or less each block has, and from when on, of what a statement hands on as blocks end in it, than
        by what it handed on before."""
        more: dict[tuple[str, datetime], int] = {}
        for row in self.own.get(name_of(due), ()):
            if row.cause == ROLLED_OVER:
                more[row.block_id, row.at] = more.get((row.block_id, row.at), 0) - row.amount_minor
        for made in _rows(due, priced, due.close_due_at):
            if made.cause == ROLLED_OVER:
                more[made.block_id, made.at] = more.get((made.block_id, made.at), 0) + made.amount_minor
        return [(block, at, minor) for (block, at), minor in more.items() if minor]

    def take(self, due: DueStatement, priced: PricedPeriod) -> None:
        """Count what a statement draws towards what those after it find."""
        for one in priced.draws:
            self.drawn[one.block] = self.drawn.get(one.block, 0) + one.amount_minor
            if one.block not in self.held:
                self.made_for.setdefault(due.contract, set()).add(one.block)

    def leaving(self, failed: Collection[Name]) -> "Drawing":
        """Return this before anything was drawn, but for what these statements drew before: they stand as they were."""
        drawn = dict(self.drawn)
        for name in () if self.facts else failed:
            for row in self.own.get(name, ()):
                if _takes(row):
                    drawn[row.block_id] = drawn.get(row.block_id, 0) - row.amount_minor
        return replace(self, drawn=drawn, made_for={}, again={})


def price_in_turn(
    drawing: Drawing, price: Callable[[Drawing, Mapping[Name, AppError]], tuple[P, dict[Name, AppError]]]
) -> tuple[P, dict[Name, AppError]]:
    """Return what was priced, and the faults of what cannot be.

    What cannot be priced keeps what it drew before, which the others do without, those before it too: `price` is called
    again without it, until no more fails. It is told the faults of before, and they stay: nothing is priced without
    its own draws.
    """
    faults: dict[Name, AppError] = {}
    while True:
        priced, found = price(drawing.leaving(faults), faults)
        if not any(drawing.own.get(name) for name in found.keys() - faults.keys()):
            return priced, found
        faults = found


async def hold_blocks(
    uow: UnitOfWork, due: Sequence[DueStatement], before_drafts: Collection[Name] | None = None
) -> Drawing:
    """Hold the blocks that these statements draw on. It comes after the statements themselves are held. `before_drafts`:
    they draw before all that are open, but for these, which keep what they drew."""
    held = await BlockRepository(uow.connection).hold(*_drawn_on(due))
    return await _drawing(uow, due, held, before_drafts)


async def look_at_blocks(
    uow: UnitOfWork, due: Sequence[DueStatement], before_drafts: Collection[Name] | None = None
) -> Drawing:
    """The same without holding them: nothing of it is written."""
    found = await BlockRepository(uow.connection).look(*_drawn_on(due))
    return await _drawing(uow, due, found, before_drafts)


def _drawn_on(due: Sequence[DueStatement]) -> tuple[list[str], datetime]:
    return sorted({one.contract for one in due}), min(one.period.start for one in due)


async def _drawing(
    uow: UnitOfWork,
    due: Sequence[DueStatement],
    held: Sequence[HeldBlock],
    before_drafts: Collection[Name] | None,
) -> Drawing:
    if not held:
        return Drawing()
    blocks = BlockRepository(uow.connection)
    ids, names = [one.block_id for one in held], {name_of(one) for one in due}
    rows, facts = await blocks.of_statements(ids), before_drafts is not None
    behind = set[Name]() if before_drafts is None else await blocks.drafts_on(ids) - set(before_drafts)
    own: dict[Name, list[StoredRow]] = {name: [] for name in names}
    drawn, lives_on = dict[str, int](), dict[str, int]()
    for row in rows:
        assert row.contract is not None and row.period_start is not None, "a statement made it"
        name = row.contract, row.period_start
        is_own = name in names and row.cause != RETURNED
        if row.cause == RETURNED and row.kind == "adjustment":
            lives_on[row.block_id] = lives_on.get(row.block_id, 0) - row.amount_minor
        if is_own:
            own[name].append(row)
        if _takes(row) and (facts or not is_own) and name not in behind:
            drawn[row.block_id] = drawn.get(row.block_id, 0) - row.amount_minor
    return Drawing({one.block_id: one for one in held}, own, drawn, facts=facts, lives_on=lives_on)


async def write_draws(
    uow: UnitOfWork, drawing: Drawing, priced: Sequence[PricedStatement], now: datetime
) -> DrawCosts:
    """Write what these statements draw in place of what they drew before; where that is the same, nothing. Those that
    share a block which was, or is now, used up are asked for again. Return what was paid for what the final ones draw."""
    touching = [
        one for one in priced if one.priced.blocks or one.priced.short or drawing.own.get(name_of(one.due))
    ]
    if not touching:
        return {}
    blocks = BlockRepository(uow.connection)
    new, granted = new_blocks(drawing.held, touching, now)
    await blocks.add([block for block, _ in new], [contract for _, contract in new])
    changes = _changes(drawing, touching, now)
    await blocks.remove(changes.removed)
    final = [one for one in touching if one.due.final]
    short = await asked_for_as_short(uow, drawing, final, now)
    rows = [*granted, *changes.rows, *short, *balanced(drawing.held, changes.by, now)]
    costs = await write_rows(uow, rows, {name_of(one.due) for one in final})
    await blocks.move(changes.by)
    used_up = [block for block, by in changes.by.items() if _may_be_short(drawing.held.get(block), by)]
    await blocks.ask_others(used_up, *_names(one.due for one in priced))
    return costs


async def asked_for_as_short(
    uow: UnitOfWork, drawing: Drawing, priced: Sequence[PricedStatement], now: datetime
) -> list[NewRow]:
    """Add the blocks of what these final statements ask for as short of commitments, and return what that is more than
    before."""
    rows, new = list[NewRow](), list[tuple[NewBlock, BlockContract]]()
    for due, block in [(one.due, block) for one in priced for block in one.priced.short]:
        held = drawing.held.get(block.id)
        place = due.contract, due.period.start, statement_id(due.contract, due.period.start)
        more = block.amount_minor - (held.granted_minor if held else 0)
        if more > 0:
            rows.append(NewRow(block.id, "grant", more, block.effective, now, SHORT, *place))
        if held is None:
            made = NewBlock.of(block, due.customer_id, due.chain[-1].terms.currency, 0, asked_for=False)
            new.append((made, BlockContract(block.id, due.contract, 0)))
    await BlockRepository(uow.connection).add([block for block, _ in new], [turn for _, turn in new])
    return rows


def new_blocks(
    known: Mapping[str, HeldBlock], priced: Sequence[PricedStatement], now: datetime
) -> tuple[list[tuple[NewBlock, BlockContract]], list[NewRow]]:
    """The blocks of clauses that are priced for the first time, and what their clauses grant."""
    new, rows, seen = list[tuple[NewBlock, BlockContract]](), list[NewRow](), set(known)
    for one in priced:
        kept = {row.block: row.amount_minor for row in one.opening.kept}
        for change in one.priced.changes:
            if change.kind == "granted":
                kept[change.block] = kept.get(change.block, 0) + change.amount_minor
        for block in one.priced.blocks:
            if block.id in seen or not block.clauses:
                continue
            seen.add(block.id)
            currency = one.due.chain[-1].terms.currency
            of = BlockContract(block.id, one.due.contract, 0)
            own = block.amount_minor - kept.get(block.id, 0)
            asked = any(asked_for(block, version.terms) for version in one.due.chain)
            bases = [cost_basis_in(block, version.terms) for version in one.due.chain]
            made = NewBlock.of(block, one.due.customer_id, currency, own, asked_for=asked)
            made = replace(made, cost_basis=next((basis for basis in bases if basis is not None), None))
            new.append((made, of))
            if own > 0:
                rows.append(NewRow(block.id, "grant", own, block.effective, now, OF_CLAUSE))
    return new, rows


@dataclass
class _Changes:
    """Rows to remove and to write, and by how much each block's balance changes."""

    removed: list[int] = field(default_factory=list)
    rows: list[NewRow] = field(default_factory=list)
    by: dict[str, int] = field(default_factory=dict)


def _changes(drawing: Drawing, priced: Sequence[PricedStatement], now: datetime) -> _Changes:
    """What differs between what the statements made before and what they make now: a row that is made again stays, since
    others may have been told of it. What becomes final is written anew, and in its order, where any of its blocks has a cost
    basis: its rows cost something now."""
    found = _Changes()
    costed = {name for name, block in drawing.held.items() if block.cost_basis is not None}
    for one in priced:
        own, made = drawing.own.get(name_of(one.due), ()), list(_rows(one.due, one.priced, now))
        anew = one.due.final and any(row.block_id in costed for row in own)
        before, after = (own, made) if anew else _differing(own, made)
        found.removed += [row.row_id for row in before]
        found.rows += after
        for row in before:
            found.by[row.block_id] = found.by.get(row.block_id, 0) - row.amount_minor
        for new in after:
            found.by[new.block_id] = found.by.get(new.block_id, 0) + new.amount_minor
    return found


def _differing(
    before: Sequence[StoredRow], after: Sequence[NewRow]
) -> tuple[Sequence[StoredRow], Sequence[NewRow]]:
    """Return those that are not made again, and those that were not made before."""
    was, now = [_said(row) for row in before], [_said(row) for row in after]
    if was == now:
        return (), ()
    both = Counter(was) & Counter(now)
    return _beyond(before, was, both), _beyond(after, now, both)


def _beyond(rows: Sequence[R], said: Sequence[Said], stay: Counter[Said]) -> list[R]:
    """Return the rows without those that stay."""
    left, found = Counter(stay), []
    for row, name in zip(rows, said, strict=True):
        if left[name]:
            left[name] -= 1
        else:
            found.append(row)
    return found


def _rows(due: DueStatement, priced: PricedPeriod, now: datetime) -> Iterable[NewRow]:
    """The rows that a statement makes."""
    of = statement_id(due.contract, due.period.start)

    def row(block: str, kind: RowKind, minor: int, at: datetime, line: str | None, cause: str) -> NewRow:
        start = at if line else None
        return NewRow(block, kind, minor, at, now, cause, due.contract, due.period.start, of, line, start)

    for draw in priced.draws:
        kind: RowKind = "draw" if draw.amount_minor > 0 else "return"
        yield row(draw.block, kind, -draw.amount_minor, draw.slice_start, draw.line_id, "statement")
    for change in priced.changes:
        if change.kind == "rolled_over":
            yield row(change.block, "adjustment", -change.amount_minor, change.at, None, ROLLED_OVER)
        elif change.kind == "granted":
            yield row(change.block, "grant", change.amount_minor, change.at, None, ROLLED_OVER)


def _takes(row: StoredRow) -> bool:
    """Whether it is what a statement drew or returned, or handed on to another block: others have so much less."""
    return row.kind in ("draw", "return", "adjustment")


def _moves(row: StoredRow) -> bool:
    """Whether a correction moved so much from one block to another, or back."""
    return row.kind == "adjustment" and row.cause == ROLLED_OVER


def _said(row: StoredRow | NewRow) -> Said:
    return row.block_id, row.kind, row.amount_minor, row.at, row.line_id and str(row.line_id), row.cause


def balanced(held: Mapping[str, HeldBlock], changed: Mapping[str, int], now: datetime) -> Iterable[NewRow]:
    """What a block whose time is over needs back, or has left once more. One that an adjustment took below zero has
    nothing left before that is made up for."""
    for block, by in changed.items():
        one = held.get(block)
        if one is None or not one.over or one.ends is None:
            continue
        left = one.left_minor + by
        if left > 0 or (left < 0 and by < 0):
            yield lapses(one, left, one.ends, now, "statement")


def _may_be_short(block: HeldBlock | None, by: int) -> bool:
    """Whether others that share it get another part of it than before."""
    return (
        block is not None and len(block.contracts) > 1 and min(block.left_minor, block.left_minor + by) <= 0
    )


def name_of(due: DueStatement) -> Name:
    return due.contract, due.period.start


def _names(due: Iterable[DueStatement]) -> tuple[list[str], list[datetime]]:
    names = [name_of(one) for one in due]
    return [contract for contract, _ in names], [start for _, start in names]
