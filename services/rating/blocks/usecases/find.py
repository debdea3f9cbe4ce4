"""Find blocks, and the changes of their balances."""

from services.rating.blocks.domain.found import FoundBlock
from services.rating.blocks.repository import BlockRepository
from services.rating.blocks.rows import BlockFilter, StoredRow
from shared.db.unit_of_work import UnitOfWork
from shared.errors import AppError, Kind


class BlockNotFound(AppError):
    """There is no such block."""

    kind = Kind.NOT_FOUND


async def find_block(uow: UnitOfWork, block_id: str) -> FoundBlock:
    """Return the block, or raise BlockNotFound."""
    found = await BlockRepository(uow.connection).blocks(1, "", BlockFilter(block_id=block_id))
    if not found:
        raise BlockNotFound(f"there is no block {block_id[:60]!r}")
    return found[0]


async def list_blocks(uow: UnitOfWork, after: str, rows_max: int, wanted: BlockFilter) -> list[FoundBlock]:
    """Return blocks by id, after this one."""
    return await BlockRepository(uow.connection).blocks(rows_max, after, wanted)


async def list_rows(
    uow: UnitOfWork, block_id: str, after: int, rows_max: int
) -> tuple[FoundBlock, list[StoredRow]]:
    """Return the block and its rows in the order they were made in, after this one. Raises BlockNotFound."""
    found = await find_block(uow, block_id)
    return found, await BlockRepository(uow.connection).rows(block_id, after, rows_max)
