"""Routes of blocks. They translate; the verbs are in usecases."""

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import Response

from services.rating.blocks.answers import BlockAnswer, BlockRowAnswer
from services.rating.blocks.domain.found import FoundBlock
from services.rating.blocks.requests import AdjustmentDocument, BlockDocument, EndDocument
from services.rating.blocks.rows import BlockFilter
from services.rating.blocks.usecases import change, find
from services.rating.blocks.usecases.change import (
    BalanceTooLarge,
    BalanceTooSmall,
    BlockDocumented,
    BlockEnded,
    BlockOfClause,
    NothingToRefund,
)
from services.rating.blocks.usecases.find import BlockNotFound
from services.rating.blocks.usecases.grant import BlockInvalid, TooManyBlocks, grant_block
from services.rating.statements.memory import Ctx, StatementsContext
from services.rating.statements.usecases.price_shown import open_of_contracts, price_shown
from shared.db.unit_of_work import UnitOfWork
from shared.errors import refuses
from shared.http.answers import Listed
from shared.http.changes import Changed, ChangingCall, Of, changing
from shared.http.cursors import name_in, parts_in
from shared.http.keys import requires
from shared.http.paging import CursorInvalid, Paged
from shared.runtime.clock import machine_now
from shared.values.fields import AskedSubject, GivenId, Key

router = APIRouter(prefix="/v1/blocks", tags=["Blocks"])
Change = Annotated[ChangingCall, changing("contracts:write")]
READ = [requires("contracts:read")]
ROW_ID_MAX = 2**63 - 1


@router.post(
    "",
    operation_id="grant_block",
    summary="Grant an amount of money that contracts draw on",
    status_code=201,
    response_model=BlockAnswer,
)
@refuses(BlockInvalid, TooManyBlocks)
async def grant(document: BlockDocument, context: Ctx, call: Change) -> Response:
    async def act(uow: UnitOfWork) -> Changed:
        block_id = await grant_block(uow, document, context.clock.now())
        return Changed(Of("block", block_id), None, await _shown(uow, block_id))

    return await call.once(act, status=201)


@router.get("", operation_id="list_blocks", summary="Blocks by id", dependencies=READ)
async def list_blocks(
    context: Ctx,
    page: Paged,
    contract: Annotated[Key | None, Query()] = None,
    customer: Annotated[AskedSubject | None, Query(description="External id of the customer")] = None,
) -> Listed[BlockAnswer]:
    """The statements that draw on them are priced first, where that is done within a second."""
    after, wanted, as_of = (
        name_in(page) or "",
        BlockFilter(contract=contract, customer=customer),
        machine_now(),
    )

    async def listed() -> list[FoundBlock]:
        async with context.db.transaction() as uow:
            return await find.list_blocks(uow, after, page.limit + 1, wanted)

    found = await _priced(context, listed)
    return Listed[BlockAnswer].page(
        found, page, lambda block: [block.block_id], lambda block: BlockAnswer.of(block, as_of)
    )


@router.get("/{block_id}", operation_id="get_block", summary="A block", dependencies=READ)
@refuses(BlockNotFound)
async def get_block(block_id: GivenId, context: Ctx) -> BlockAnswer:
    as_of = machine_now()

    async def one() -> list[FoundBlock]:
        async with context.db.transaction() as uow:
            return [await find.find_block(uow, block_id)]

    (found,) = await _priced(context, one)
    return BlockAnswer.of(found, as_of)


@router.get(
    "/{block_id}/rows",
    operation_id="list_block_rows",
    summary="Every change of a block's balance, which is their sum",
    dependencies=READ,
)
@refuses(BlockNotFound)
async def list_rows(block_id: GivenId, context: Ctx, page: Paged) -> Listed[BlockRowAnswer]:
    (after,) = parts_in(page, int) or (0,)
    if not 0 <= after <= ROW_ID_MAX:
        raise CursorInvalid()
    async with context.db.transaction() as uow:
        block, rows = await find.list_rows(uow, block_id, after, page.limit + 1)
    return Listed[BlockRowAnswer].page(
        rows, page, lambda row: [row.row_id], lambda row: BlockRowAnswer.of(row, block)
    )


@router.post(
    "/{block_id}/adjustments",
    operation_id="adjust_block",
    summary="Add to a block, or take off it what is left at most, unless it may be negative",
    response_model=BlockAnswer,
)
@refuses(BlockNotFound, BlockOfClause, BlockEnded, BalanceTooSmall, BalanceTooLarge, BlockInvalid)
async def adjust(block_id: GivenId, document: AdjustmentDocument, context: Ctx, call: Change) -> Response:
    return await _changed(
        call, block_id, lambda uow: change.adjust(uow, block_id, document, context.clock.now())
    )


@router.post(
    "/{block_id}/void",
    operation_id="void_block",
    summary="Let a block pay for nothing that happens from now on",
    response_model=BlockAnswer,
)
@refuses(BlockNotFound, BlockOfClause, BlockEnded, BlockDocumented)
async def void(block_id: GivenId, document: EndDocument, context: Ctx, call: Change) -> Response:
    return await _changed(
        call, block_id, lambda uow: change.void(uow, block_id, document, context.clock.now())
    )


@router.post(
    "/{block_id}/refund",
    operation_id="refund_block",
    summary="Give back what is left of a prepaid block, as what was paid for it",
    response_model=BlockAnswer,
)
@refuses(BlockNotFound, BlockOfClause, BlockEnded, NothingToRefund)
async def refund(block_id: GivenId, document: EndDocument, context: Ctx, call: Change) -> Response:
    return await _changed(
        call, block_id, lambda uow: change.refund(uow, block_id, document, context.clock.now())
    )


async def _changed(
    call: ChangingCall, block_id: str, act: Callable[[UnitOfWork], Awaitable[None]]
) -> Response:
    async def once(uow: UnitOfWork) -> Changed:
        before = await _shown(uow, block_id)
        await act(uow)
        return Changed(Of("block", block_id), before, await _shown(uow, block_id))

    return await call.once(once, Of("block", block_id))


async def _shown(uow: UnitOfWork, block_id: str) -> BlockAnswer:
    return BlockAnswer.of(await find.find_block(uow, block_id), machine_now())


async def _priced(
    context: StatementsContext, found: Callable[[], Awaitable[list[FoundBlock]]]
) -> list[FoundBlock]:
    """What `found` returns once the open statements that draw on it are priced."""
    contracts = sorted({contract for block in await found() for contract in block.contracts})
    names = await open_of_contracts(context, contracts)
    if names:
        await price_shown(context, names)
    return await found()
