"""Schedules of the daily evaluation. Safe in any number of workers and replicas; none of it is a due instant
of the clock."""

from datetime import datetime

from prometheus_client import Gauge

from services.signals.context import SignalsContext
from services.signals.evaluation.usecases.evaluate import due_customers, evaluate_due, next_due
from services.signals.evaluation.usecases.find_producers import Producers
from services.signals.evaluation.usecases.settle import settled
from services.signals.replica.usecases.hear_activity import fold_waiting
from shared.runtime.jobs import Job

EVALUATE_EVERY_S, EVALUATE_SOON_S = 5.0, 1.0
FOLD_MAX = 5000
LAG = Gauge(
    "u2c_signals_evaluated_lag_seconds",
    "For how long the customer that waits longest for its day's evaluation has been due; 0: none",
)


async def evaluate(context: SignalsContext) -> None:
    """Evaluate every customer whose local day has come, when what had arrived by then is known."""
    async with context.db.transaction() as uow:
        due = await next_due(uow)
    now = context.clock.now()
    LAG.set(max(0.0, (now - due.due_at).total_seconds()) if due.due_at is not None else 0.0)
    if due.ready_at is None or due.ready_at > now:
        return
    async with context.db.transaction() as uow:
        customer_ids = await due_customers(uow, now)
    until = await settled(context, customer_ids)
    while await _fold(context):
        pass
    producers = Producers()
    while await _evaluate(context, until, producers):
        pass


async def _fold(context: SignalsContext) -> int:
    async with context.db.transaction() as uow:
        return await fold_waiting(uow, FOLD_MAX)


async def _evaluate(context: SignalsContext, until: datetime, producers: Producers) -> int:
    customers_max = context.settings.evaluation_customers_max
    async with context.db.transaction() as uow:
        return await evaluate_due(uow, until, context.state.policy, customers_max, producers)


JOBS = (Job("evaluate", EVALUATE_EVERY_S, evaluate, soon_s=EVALUATE_SOON_S),)
