"""Write what corrections draw beside what was drawn before: the draws of documents that exist stay, and what is added to
them or returned is a row of the correction. What returns to a block whose time is over lives on in another."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from services.rating.blocks.repository import BlockRepository
from services.rating.blocks.rows import BlockContract, HeldBlock, NewBlock, NewRow, RowKind
from services.rating.blocks.usecases.tell_rows import (
    RETURNED,
    ROLLED_OVER,
    DrawCosts,
    tell_handed_on,
    write_rows,
)
from services.rating.statements.domain.due import PricedStatement
from services.rating.statements.usecases.draw_on_blocks import (
    Drawing,
    asked_for_as_short,
    balanced,
    name_of,
    new_blocks,
)
from shared.db.unit_of_work import UnitOfWork
from shared.pricing.blocks import Draw
from shared.values.ids import block_id
from shared.values.made_from import made_from

CORRECTION: Final = "correction"
#: How long what came back to a block whose time was over can be used.
LIVES_ON: Final = timedelta(days=90)
#: Block, line and slice.
Place = tuple[str, str, datetime]


@dataclass(frozen=True, slots=True)
class CorrectedDraws:
    """A correction as it was priced, and the id of its statement."""

    statement_id: str
    of: PricedStatement


async def change_draws(
    uow: UnitOfWork, drawing: Drawing, corrected: Sequence[CorrectedDraws], now: datetime
) -> DrawCosts:
    """Write what these corrections add and return; return what was paid for that. Open statements have what that leaves: all
    that draw on a block whose balance changes, or on one that lives on, are asked for again."""
    priced = [one.of for one in corrected]
    blocks = BlockRepository(uow.connection)
    new, granted = new_blocks(drawing.held, priced, now)
    late = _begun_late(drawing, priced)
    await blocks.add([block for block, _ in new], [contract for _, contract in new])
    await blocks.begin_late(sorted(late), now + LIVES_ON)
    rows = [row for one in corrected for row in (*_rows(one, drawing, now), *_moved(one, drawing, late, now))]
    by: dict[str, int] = {}
    _add(by, rows)
    held = {name: block for name, block in drawing.held.items() if name not in late}
    back = [_lives_on(one, by[one.block_id] + one.left_minor, rows, now) for one in _came_back(held, by)]
    moved = [row for one in back for row in one.rows]
    _add(by, moved)
    await blocks.add([one.block for one in back], [turn for one in back for turn in one.turns])
    short = await asked_for_as_short(uow, drawing, priced, now)
    _add(by, short)
    written = [*granted, *rows, *moved, *short, *balanced(held, by, now)]
    costs = await write_rows(uow, written, {name_of(one.due) for one in priced})
    await tell_handed_on(uow, *_places([row for row in (*rows, *moved) if row.cause != CORRECTION]))
    await blocks.move(by)
    await blocks.ask_others(list(by), (), ())
    return costs


def _add(by: dict[str, int], rows: Sequence[NewRow]) -> None:
    """Add to what each block has more or less by these rows."""
    for row in rows:
        by[row.block_id] = by.get(row.block_id, 0) + row.amount_minor


@dataclass(frozen=True, slots=True)
class _LivesOn:
    """A block of what came back to another whose time was over."""

    block: NewBlock
    turns: Sequence[BlockContract]
    rows: Sequence[NewRow]


def _places(rows: Sequence[NewRow]) -> tuple[list[str], list[datetime]]:
    """The contracts and periods of these rows."""
    places = sorted({(row.contract, row.period_start) for row in rows if row.contract and row.period_start})
    return [contract for contract, _ in places], [start for _, start in places]


def _came_back(held: Mapping[str, HeldBlock], by: Mapping[str, int]) -> Iterator[HeldBlock]:
    """The blocks to which more came back than is drawn on them now, after their time. What a call voided lapses, and so does
    what is asked for as short."""
    for name, more in by.items():
        block = held.get(name)
        lapses = block is None or block.voided or block.kind == "shortfall"
        if block and block.over and not lapses and more > 0 and block.left_minor + more > 0:
            yield block


def _lives_on(block: HeldBlock, minor: int, rows: Sequence[NewRow], now: datetime) -> _LivesOn:
    """One of the same kind for the same contracts. The last correction that gave something back caused it."""
    cause = next(row for row in reversed(rows) if row.block_id == block.block_id and row.amount_minor > 0)
    assert cause.statement_id is not None
    name = block_id(block.block_id, cause.statement_id)
    made = made_from(
        NewBlock,
        block,
        block_id=name,
        key=name if block.by_call else block.key,
        effective=now,
        ends=now + LIVES_ON,
        created_at=now,
        applies_to=None if block.applies_to is None else tuple(block.applies_to),
        clauses=tuple(block.clauses),
        # its grant is a row of the correction
        granted_minor=0,
        # it was asked for before
        document=block.document and "none",
        returned_from=block.block_id,
        cost_basis=block.cost_basis,
    )

    def row(of: str, kind: Literal["grant", "adjustment"], amount_minor: int) -> NewRow:
        return NewRow(
            of,
            kind,
            amount_minor,
            now,
            now,
            RETURNED,
            cause.contract,
            cause.period_start,
            cause.statement_id,
        )

    turns = [BlockContract(name, contract, turn) for turn, contract in enumerate(block.contracts)]
    return _LivesOn(made, turns, [row(block.block_id, "adjustment", -minor), row(name, "grant", minor)])


def _rows(one: CorrectedDraws, drawing: Drawing, now: datetime) -> Iterator[NewRow]:
    due = one.of.due
    before, after = _in_all(drawing.facts_of(due)), _in_all(one.of.priced.draws)
    for block, line, start in [*after, *(before.keys() - after.keys())]:
        place = block, line, start
        more = after.get(place, 0) - before.get(place, 0)
        if more:
            kind: RowKind = "draw" if more > 0 else "return"
            yield NewRow(
                block,
                kind,
                -more,
                start,
                now,
                CORRECTION,
                due.contract,
                due.period.start,
                one.statement_id,
                line,
                start,
            )


def _begun_late(drawing: Drawing, priced: Sequence[PricedStatement]) -> set[str]:
    """The blocks that something rolls over to for the first time by a correction: no closing hands them on."""
    made = {
        block.id
        for one in priced
        for block in one.priced.blocks
        if block.kind == "roll_over" and block.clauses
    }
    return {name for name in made if not (held := drawing.held.get(name)) or not held.bought_minor}


def _moved(one: CorrectedDraws, drawing: Drawing, late: Collection[str], now: datetime) -> Iterator[NewRow]:
    """What rolled over from one block to another and should not have, or more of it."""
    due = one.of.due
    for block, at, minor in drawing.handed_over(due, one.of.priced):
        kind: RowKind = "grant" if block in late else "adjustment"
        yield NewRow(
            block, kind, minor, at, now, ROLLED_OVER, due.contract, due.period.start, one.statement_id
        )


def _in_all(draws: Sequence[Draw]) -> Mapping[Place, int]:
    drawn: dict[Place, int] = {}
    for one in draws:
        place = one.block, one.line_id, one.slice_start
        drawn[place] = drawn.get(place, 0) + one.amount_minor
    return drawn
