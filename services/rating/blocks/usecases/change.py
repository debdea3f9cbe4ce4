"""Change a block that a call granted: adjust it, void it, refund what is left of it."""

from datetime import datetime

from services.rating.blocks.repository import BlockRepository
from services.rating.blocks.requests import AdjustmentDocument, EndDocument
from services.rating.blocks.rows import HeldBlock, NewRow
from services.rating.blocks.usecases.find import BlockNotFound
from services.rating.blocks.usecases.grant import minor_of
from services.rating.blocks.usecases.tell_rows import write_rows
from shared.db.unit_of_work import UnitOfWork
from shared.errors import AppError, Kind
from shared.values.money import MINOR_MAX, currency, format_minor


class BlockOfClause(AppError):
    """A clause of a contract makes this block: it stays as it was agreed."""

    kind = Kind.CONFLICT


class BlockEnded(AppError):
    """The time of this block is over."""

    kind = Kind.CONFLICT


class BlockDocumented(AppError):
    """A document asks for this block: it is refunded, not voided."""

    kind = Kind.CONFLICT


class BalanceTooSmall(AppError):
    """So much is not left of this block."""

    kind = Kind.CONFLICT


class BalanceTooLarge(AppError):
    """A block holds no more than can be billed."""

    kind = Kind.CONFLICT


class NothingToRefund(AppError):
    """Nothing was paid for this block, or nothing is left of it."""

    kind = Kind.CONFLICT


async def adjust(uow: UnitOfWork, block_id: str, document: AdjustmentDocument, now: datetime) -> None:
    """Add to it, or take off it what is left at most, or more where the call says that it may be negative."""
    block = await _held(uow, block_id, now)
    minor = minor_of(document.amount, block.currency, "amount")
    below = minor < 0 and block.left_minor + minor < 0
    if below and not document.allow_negative:
        left = format_minor(block.left_minor, currency(block.currency))
        raise BalanceTooSmall(
            f"{left} {block.currency} are left of {block_id}; take off no more than that, or say allow_negative"
        )
    if abs(block.granted_minor + minor) > MINOR_MAX:
        raise BalanceTooLarge(
            f"{block_id} would be of more than {MINOR_MAX} minor units; grant another block beside it"
        )
    await BlockRepository(uow.connection).adjust(block_id, minor, may_be_negative=below)
    await _change(uow, block, [NewRow(block_id, "adjustment", minor, now, now, document.reason)])


async def void(uow: UnitOfWork, block_id: str, document: EndDocument, now: datetime) -> None:
    """Let it pay for nothing that happens from now on; what is left of it lapses. Its document, if it has one that was not
    told yet, never is, and so it pays for nothing that happened before either."""
    block = await _held(uow, block_id, now)
    if not await BlockRepository(uow.connection).take_back_asked(block_id):
        raise BlockDocumented(f"a document asks for {block_id}; refund what is left of it")
    if block.document == "prepayment" and await BlockRepository(uow.connection).is_billed(block_id):
        raise BlockDocumented(
            f"final statements have drawn on {block_id}, and its document is still to ask for that; refund what is left once it does"
        )
    rows = [NewRow(block_id, "void", -block.left_minor, now, now, document.reason)]
    since = block.effective if block.document == "prepayment" else max(now, block.effective)
    await BlockRepository(uow.connection).end(block_id, since, voided=True)
    await _change(uow, block, rows if block.left_minor > 0 else [])


async def refund(uow: UnitOfWork, block_id: str, document: EndDocument, now: datetime) -> None:
    """Give back what is left of it: it pays for nothing more."""
    block = await _held(uow, block_id, now)
    if block.kind != "prepaid" or block.left_minor <= 0:
        raise NothingToRefund(
            f"{block_id} is {block.kind}, and {block.left_minor} minor units are left; void it instead"
        )
    if block.document == "prepayment" and not await BlockRepository(uow.connection).is_told(block_id):
        raise NothingToRefund(f"the document of {block_id} has not asked for it yet; void it instead")
    row = NewRow(block_id, "refund", -block.left_minor, now, now, document.reason)
    await BlockRepository(uow.connection).end(block_id, max(now, block.effective), voided=False)
    await _change(uow, block, [row])


async def _held(uow: UnitOfWork, block_id: str, now: datetime) -> HeldBlock:
    block = await BlockRepository(uow.connection).hold_one(block_id)
    if block is None:
        raise BlockNotFound(f"there is no block {block_id[:60]!r}")
    if not block.by_call:
        raise BlockOfClause(
            f"{block_id} is {block.key} of {block.contracts[0]}; agree on another one beside it"
        )
    if block.over or (block.ends is not None and block.ends <= now):
        raise BlockEnded(f"{block_id} has ended; grant another one")
    return block


async def _change(uow: UnitOfWork, block: HeldBlock, rows: list[NewRow]) -> None:
    blocks = BlockRepository(uow.connection)
    await write_rows(uow, rows)
    await blocks.move([block.block_id])
    await blocks.ask_others([block.block_id], (), ())
