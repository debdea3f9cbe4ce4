"""When the books are checked. A K1 break becomes an open exception, and that is what stops every finalization
(`breaks_of`)."""

import time
from datetime import datetime

from services.billing.conservation.answers.checked import shown
from services.billing.conservation.domain.breaks import K
from services.billing.conservation.metrics import BREAKS, CHECKED
from services.billing.conservation.usecases import keep_checks
from services.billing.conservation.usecases.keep_exceptions import keep_exceptions
from services.billing.conservation.usecases.make_checks import make_checks
from services.billing.conservation.usecases.watch import ConservationContext
from shared.db.unit_of_work import UnitOfWork
from shared.runtime.context import AnyContext
from shared.runtime.jobs import Job
from shared.runtime.retention import EVERY_S, LOOKS, STEP_ROWS, forget

LOOK_EVERY_S = 5.0
#: Never more than a twentieth of the time is spent on it.
CHECK_EVERY_S = 600.0
CHECK_SHARE = 20
#: While something is broken, so that a repair is seen.
BROKEN_EVERY_S = 60.0
#: How soon a check begins that somebody asked for, and how soon another process goes on where one has died.
SOON_S, ASKED_EVERY_S = 1.0, 15.0
SCHEDULE = "schedule"


async def look(context: ConservationContext) -> None:
    """K1, and stored = new, as they go on. A moving business clock wakes every job; the books need not be
    looked at more often for that."""
    monitor, rounds, now = context.state.monitor, context.state.rounds, time.monotonic()
    if rounds.looked_at is not None and now - rounds.looked_at < LOOK_EVERY_S:
        return
    rounds.looked_at = now
    await monitor.look()
    BREAKS.labels(K.TRANSPORT).set(monitor.transport.breaks_total)
    async with context.db.transaction() as uow:
        await keep_exceptions(uow, monitor.transport, context.clock.now())
        if not monitor.short.holds:
            await keep_exceptions(uow, monitor.short, context.clock.now())


async def check(context: ConservationContext) -> None:
    """Ask for a check of everything, when it is time again."""
    rounds, now = context.state.rounds, time.monotonic()
    every_s = BROKEN_EVERY_S if rounds.broken else CHECK_EVERY_S
    if rounds.checked_at is None:
        # a start is no time without a check: the first comes within CHECK_EVERY_S
        CHECKED.set_to_current_time()
        rounds.checked_at = now
    if now - rounds.checked_at < max(every_s, CHECK_SHARE * rounds.took_s):
        return
    rounds.checked_at = now
    async with context.db.transaction() as uow:
        await keep_checks.ask_for_check(uow, SCHEDULE)
    await make_checks(context, shown)


async def go_on(context: ConservationContext) -> None:
    """Make the checks that somebody asked for, and those that a process left in the middle."""
    await make_checks(context, shown)


async def forget_looks(context: AnyContext) -> None:
    """Delete the checks that a look asked for and whose time is over."""
    await forget(context, LOOKS, _step)


async def _step(uow: UnitOfWork, before: datetime) -> int:
    return await keep_checks.forget_looks(uow, before, STEP_ROWS)


JOBS = (
    Job("conservation_look", LOOK_EVERY_S, look, follows_clock=False),
    Job("conservation_check", CHECK_EVERY_S / 10, check, follows_clock=False),
    Job("conservation_checks", ASKED_EVERY_S, go_on, follows_clock=False, soon_s=SOON_S),
    Job("forget_looks", EVERY_S, forget_looks, follows_clock=False),
)
