"""Write changes of balances, and tell those that stay as they are: billing posts them."""

from collections.abc import Collection, Hashable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from services.rating.blocks.domain.costs import Change, CostedBlock, costs_of
from services.rating.blocks.repository import BlockRepository
from services.rating.blocks.rows import LastingRow, NewRow
from shared.db.unit_of_work import UnitOfWork
from shared.topics.rating import BLOCK_ROWS, BlockRowMessage
from shared.values.instants import to_us
from shared.values.made_from import made_from

#: The cause of what one block hands on to another as it ends, or has back of that.
ROLLED_OVER: Final = "rolled_over"
#: That of what came back to a block whose time was over, and lives on in another.
RETURNED: Final = "returned"
#: Contract and start of a period: a statement.
Statement = tuple[str | None, datetime | None]
DrawCosts = Mapping[Statement, Mapping[tuple[str, str], int]]
"""Statement → (line, block) → what was paid for what it draws."""


async def write_rows(uow: UnitOfWork, rows: Sequence[NewRow], final: Collection[Statement] = ()) -> DrawCosts:
    """Write them, and return what was paid for the draws among them, of blocks that were sold below their amount. What
    statements make is replaced with them, is not told yet, and costs nothing yet; that of the `final` ones stays as it is."""
    blocks = BlockRepository(uow.connection)
    stay = [at for at, row in enumerate(rows) if row.period_start is None or _statement(row) in final]
    costed = await blocks.costed({rows[at].block_id for at in stay}) if stay else {}
    written = list(rows)
    of_costed = [at for at in stay if rows[at].block_id in costed]
    changes = [_change(rows[at], costed[rows[at].block_id]) for at in of_costed]
    for at, cost in zip(of_costed, costs_of(changes, costed), strict=True):
        written[at] = replace(rows[at], cost_minor=cost)
    lasting = await blocks.insert_rows(written)
    if lasting:
        tell_rows(uow, await blocks.lasting(lasting))
    return _drawn([written[at] for at in of_costed])


def _statement(row: NewRow) -> Statement:
    return row.contract, row.period_start


def _change(row: NewRow, block: CostedBlock) -> Change:
    """A row as a change. What a statement hands on from one block to another is of one clause and instant; what lives on in
    another is of the block that it came back to."""
    if row.line_id is not None:
        return Change(row.block_id, row.amount_minor, of_line=(_statement(row), row.line_id))
    chain: Hashable = None
    if row.cause == ROLLED_OVER:
        chain = tuple(block.clauses), row.at
    elif row.cause == RETURNED:
        chain = row.block_id if row.amount_minor < 0 else block.returned_from
    handed = None if chain is None else (_statement(row), row.statement_id, chain)
    return Change(row.block_id, row.amount_minor, handed_over=handed)


def _drawn(rows: Sequence[NewRow]) -> DrawCosts:
    found: dict[Statement, dict[tuple[str, str], int]] = {}
    for row in rows:
        if row.line_id is not None and row.cost_minor is not None:
            of = found.setdefault(_statement(row), {})
            place = str(row.line_id), row.block_id
            of[place] = of.get(place, 0) - row.cost_minor
    return found


async def tell_handed_on(uow: UnitOfWork, contracts: Sequence[str], starts: Sequence[datetime]) -> None:
    """Tell what statements hand on from one block to another: those of these contracts and periods are final now."""
    if contracts:
        tell_rows(uow, await BlockRepository(uow.connection).lasting_of(contracts, starts))


def tell_rows(uow: UnitOfWork, rows: Sequence[LastingRow]) -> None:
    for row in rows:
        uow.tell(BLOCK_ROWS, _message(row))


def _message(row: LastingRow) -> BlockRowMessage:
    return made_from(
        BlockRowMessage,
        row,
        row=row.row_id,
        block=row.block_id,
        at_us=to_us(row.at),
        recorded_us=to_us(row.recorded_at),
        asked_for=row.asked_for,
        period_start_us=row.period_start and to_us(row.period_start),
        carried_from=row.carried_from,
        carried_minor=row.carried_minor,
        unasked_minor=row.unasked_minor,
        cost_minor=row.cost_minor,
    )
