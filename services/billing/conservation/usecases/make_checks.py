"""Make the checks that are asked for, one at a time in all processes. What each of the five found is kept as it is there: what a
dying process leaves goes on with the others, which then see a later cut."""

import time
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, Final

import asyncpg

from services.billing.conservation.clients import take_turn
from services.billing.conservation.domain.breaks import Checked, K, Report
from services.billing.conservation.domain.filters import Narrow
from services.billing.conservation.domain.waterfall import waterfalls
from services.billing.conservation.metrics import BREAKS, CHECKED, measure_waiting
from services.billing.conservation.repository.checks import CheckRepository
from services.billing.conservation.rows import ResultRow, StoredCheck
from services.billing.conservation.usecases.keep_checks import LOOKING
from services.billing.conservation.usecases.keep_exceptions import keep_exceptions
from services.billing.conservation.usecases.keep_waiting import keep_waiting
from services.billing.conservation.usecases.reconcile import totals
from services.billing.conservation.usecases.watch import ConservationContext
from shared.runtime import failpoints
from shared.runtime.clock import machine_now
from shared.values.period import local_date

#: How the API shows what one of the five found.
Shown = Callable[[Checked], Mapping[str, Any]]
FAULT_CHARACTERS: Final = 500


async def make_checks(context: ConservationContext, shown: Shown, until: str | None = None) -> None:
    """Make all that are waited for, or those up to this one, unless another session is at it."""
    async with context.db.transaction() as uow:
        if not await CheckRepository(uow.connection).is_any_unfinished():
            return
    async with context.state.monitor.auditor.connection() as connection:
        if await take_turn(connection):
            while (made := await _make_next(context, connection, shown)) is not None:
                context.progress.call()
                if made == until:
                    return


async def _make_next(
    context: ConservationContext, connection: asyncpg.Connection, shown: Shown
) -> str | None:
    """The id of the check that was made; None where none waited."""
    async with context.db.transaction() as uow:
        asked = await CheckRepository(uow.connection).take_up()
    if asked is None:
        return None
    began = time.monotonic()
    try:
        await _make(context, connection, asked, shown)
    except Exception as fault:
        async with context.db.transaction() as uow:
            said = f"{type(fault).__name__}: {fault}"[:FAULT_CHARACTERS]
            await CheckRepository(uow.connection).break_off(asked.check_id, said)
        raise
    async with context.db.transaction() as uow:
        await CheckRepository(uow.connection).finish(asked.check_id)
        done = await CheckRepository(uow.connection).get(asked.check_id)
    CHECKED.set_to_current_time()
    rounds, now = context.state.rounds, time.monotonic()
    rounds.broken, rounds.took_s = done is not None and not done.holds, now - began
    if asked.by != LOOKING:
        # a look keeps no exceptions, so it puts off none that does
        rounds.checked_at = now
    return asked.check_id


async def _make(
    context: ConservationContext, connection: asyncpg.Connection, asked: StoredCheck, shown: Shown
) -> None:
    async def keep(checked: Checked, report: Report) -> None:
        result = ResultRow(
            asked.check_id,
            checked.k,
            report.taken_at,
            report.watermark,
            Decimal(f"{report.seconds:.2f}"),
            checked.holds,
            checked.breaks_total,
            shown(checked),
        )
        async with context.db.transaction() as uow:
            await CheckRepository(uow.connection).keep(result)
            if asked.by != LOOKING:
                await keep_exceptions(uow, checked, context.clock.now())
        BREAKS.labels(checked.k).set(checked.breaks_total)
        failpoints.reach("billing.after_check")
        context.progress.call()

    made = {result.k for result in asked.results}
    await context.state.monitor.check_by(connection, [k for k in K if k not in made], keep)
    found = await totals(context.state.monitor.auditor, Narrow())
    measure_waiting(found.waiting)
    day = local_date(context.clock.now(), context.settings.entity_timezone)
    async with context.db.transaction() as uow:
        await keep_waiting(uow, day, found.waiting, waterfalls(found), machine_now())
