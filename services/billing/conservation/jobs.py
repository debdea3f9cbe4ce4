"""When the books are checked. A K1 break becomes an open exception, and that is what stops every finalization
(`breaks_of`)."""

import time
from collections.abc import Iterable

from prometheus_client import Gauge

from services.billing.conservation.domain.breaks import K
from services.billing.conservation.domain.filters import Narrow
from services.billing.conservation.domain.waiting import Waiting
from services.billing.conservation.usecases.keep_exceptions import keep_exceptions
from services.billing.conservation.usecases.reconcile import reconciled
from services.billing.conservation.usecases.watch import ConservationContext
from shared.runtime.jobs import Job

LOOK_EVERY_S = 5.0
#: Never more than a twentieth of the time is spent on it.
CHECK_EVERY_S = 600.0
CHECK_SHARE = 20
#: While something is broken, so that a repair is seen.
BROKEN_EVERY_S = 60.0
CHECKED = Gauge(
    "u2c_conservation_checked_timestamp_seconds",
    "When all statements were last checked; before the first time, when checking began",
)
WAITING = Gauge(
    "u2c_waiting_minor",
    "Revenue that waits, in minor units of its currency (exact up to 9.007e15), at the last check",
    ["place", "reason", "owner", "currency"],
)
BREAKS = Gauge(
    "u2c_conservation_breaks",
    "Rows at which a conservation statement does not hold, as last checked",
    ["statement"],
)


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
    """Everything, when it is time again."""
    monitor, rounds, now = context.state.monitor, context.state.rounds, time.monotonic()
    report = monitor.report
    every_s = BROKEN_EVERY_S if report and not report.holds else CHECK_EVERY_S
    if rounds.checked_at is None:
        # a start is no time without a check: the first comes within CHECK_EVERY_S
        CHECKED.set_to_current_time()
        rounds.checked_at = now
    if now - rounds.checked_at < max(every_s, CHECK_SHARE * rounds.took_s):
        return
    report = await monitor.check()
    measure_waiting((await reconciled(monitor.auditor, Narrow())).totals.waiting)
    CHECKED.set(report.taken_at.timestamp())
    rounds.checked_at = time.monotonic()
    rounds.took_s = rounds.checked_at - now
    async with context.db.transaction() as uow:
        for checked in report.statements:
            BREAKS.labels(checked.k).set(checked.breaks_total)
            await keep_exceptions(uow, checked, context.clock.now())


def measure_waiting(waiting: Iterable[Waiting]) -> None:
    """Replace all at once: what no longer waits leaves no series behind."""
    WAITING.clear()
    for one in waiting:
        for value in one.value:
            WAITING.labels(one.place, one.reason, one.owner, value.currency.code).set(value.minor)


JOBS = (
    Job("conservation_look", LOOK_EVERY_S, look, follows_clock=False),
    Job("conservation_check", CHECK_EVERY_S / 10, check, follows_clock=False),
)
