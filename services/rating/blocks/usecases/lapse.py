"""Let what is left of blocks lapse once their time is over."""

from collections.abc import Sequence
from datetime import datetime

from services.rating.blocks.repository import BlockRepository
from services.rating.blocks.rows import HeldBlock, NewRow
from services.rating.blocks.usecases.tell_rows import write_rows
from shared.db.unit_of_work import UnitOfWork

LAPSING_MAX = 200  # blocks one transaction ends


async def lapse(
    uow: UnitOfWork, now: datetime, contracts: Sequence[str] | None = None, limit: int | None = None
) -> int:
    """Take what is left of blocks off them whose time is over: no period of a contract that draws on them begins in it
    that is not final. Those of these contracts, as periods were made final, or all of them; return how many ended."""
    blocks = BlockRepository(uow.connection)
    over = await blocks.hold_over(now, limit, contracts)
    rows = [
        lapses(block, block.left_minor, block.ends, now, "ended")
        for block in over
        if block.left_minor > 0 and block.ends is not None
    ]
    await write_rows(uow, rows)
    await blocks.close([block.block_id for block in over])
    return len(over)


def lapses(block: HeldBlock, minor: int, at: datetime, now: datetime, cause: str) -> NewRow:
    """The row of so much that lapses of a block; below zero: that late usage takes back of it."""
    if minor > 0:
        unasked = -block.lapsed.of_expiry(minor)
        return NewRow(block.block_id, "expiry", -minor, at, now, cause, unasked_minor=unasked or None)
    unasked = block.lapsed.of_revived(-minor)
    return NewRow(block.block_id, "revived", -minor, at, now, cause, unasked_minor=unasked or None)
