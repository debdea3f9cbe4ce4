"""Finish all due work now, whatever the pace: open, price, close and let lapse what is due in rating. A moved
clock waits for it."""

import asyncio
from datetime import datetime

from services.rating.blocks.repository import BlockRepository
from services.rating.blocks.usecases.ask_beforehand import tell_asked
from services.rating.contracts.repository import ContractRepository
from services.rating.contracts.usecases.open_periods import open_due_periods
from services.rating.corrections.repository import CorrectionRepository
from services.rating.metering.fold.usecases.pass_fold import pass_fold
from services.rating.statements.memory import StatementsContext
from services.rating.statements.repository.requests import RequestRepository
from services.rating.statements.repository.statements import StatementRepository
from services.rating.statements.usecases.close_periods import close_due
from services.rating.statements.usecases.fan_out import fan_out
from services.rating.statements.usecases.lapse_due import lapse_due
from services.rating.statements.usecases.price import price_asked
from shared.db.published import database_time

POLL_S = 0.005


async def finish_due_work(context: StatementsContext) -> bool:
    """Do what is due, at once whatever the pace; True when nothing due is left, held contracts excepted (they
    have an exception)."""
    await context.clock.refresh()
    now = context.clock.now()
    await pass_fold(context.db, context.state.metering.fold, now)
    await _open_all(context)
    await _ask_all(context)
    await price_all(context)
    await close_due(context)
    while await lapse_due(context):
        pass
    async with context.db.transaction() as uow:
        return not (
            await StatementRepository(uow.connection).closable_left(now)
            or await CorrectionRepository(uow.connection).due(now, 1)
            or await BlockRepository(uow.connection).is_any_over(now)
        )


async def _open_all(context: StatementsContext) -> None:
    """Open what is due, and wait for what another worker is about to open: it is not there before that one
    commits."""
    while True:
        async with context.db.transaction() as uow:
            opened = await open_due_periods(uow, context.clock.now())
            if not opened and not await ContractRepository(uow.connection).unopened_left(context.clock.now()):
                return
        if not opened:
            await asyncio.sleep(POLL_S)


async def _ask_all(context: StatementsContext) -> None:
    """Tell what is asked for beforehand, and wait for what another worker is about to tell."""
    while True:
        async with context.db.transaction() as uow:
            told = await tell_asked(uow, context.clock.now())
            if not told and not await BlockRepository(uow.connection).is_due_beforehand(context.clock.now()):
                return
        if not told:
            await asyncio.sleep(POLL_S)


async def price_all(context: StatementsContext) -> None:
    """Price what was asked for before now; under live load more is asked for meanwhile, and can wait."""
    moment = await database_time(context.db)
    while await _asked_before(context, moment):
        taken = await fan_out(context) + await price_asked(context)
        if not taken:
            await asyncio.sleep(POLL_S)


async def _asked_before(context: StatementsContext, moment: datetime) -> bool:
    async with context.db.transaction() as uow:
        requests = RequestRepository(uow.connection)
        return await requests.has_mark_before(moment) or await requests.has_request_before(moment)
