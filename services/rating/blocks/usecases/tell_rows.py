"""Write changes of balances, and tell those that stay as they are: billing posts them."""

from collections.abc import Sequence
from datetime import datetime

from services.rating.blocks.repository import BlockRepository
from services.rating.blocks.rows import LastingRow, NewRow
from shared.db.unit_of_work import UnitOfWork
from shared.topics.rating import BLOCK_ROWS, BlockRowMessage
from shared.values.instants import to_us
from shared.values.made_from import made_from


async def write_rows(uow: UnitOfWork, rows: Sequence[NewRow]) -> None:
    """Write them. What statements make is replaced with them, and is not told yet."""
    blocks = BlockRepository(uow.connection)
    lasting = await blocks.insert_rows(rows)
    if lasting:
        tell_rows(uow, await blocks.lasting(lasting))


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
    )
