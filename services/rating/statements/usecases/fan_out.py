"""Turn marks of touched usage into requests to price the statements they touch. One at a time, in any number of
workers and replicas."""

from services.rating.statements.domain.pace import told_every_s
from services.rating.statements.memory import StatementsContext
from services.rating.statements.repository.requests import RETRY_AFTER_S, RequestRepository


async def any_mark(context: StatementsContext) -> bool:
    """Whether there is a mark: one question, so that waiting costs next to nothing."""
    requests = RequestRepository(context.db.pool)
    return await requests.any_mark(context.state.queues.marks.start())


async def fan_out(context: StatementsContext, *, waits: bool = False) -> int:
    """Turn marks that can be seen into requests, a share of them; return how many were taken. While another
    worker does so none is, unless this `waits` for its turn.

    What usage touches is told in its time, by the machine's clock; where the business clock was moved it is
    priced when somebody looks, or the clock moves.
    """
    settings, floor = context.settings, context.state.queues.marks
    every_s = told_every_s(settings.told_every_s, context.state.pace.drafts, settings.told_a_second)
    told_every_us = None if context.clock.moved_to else _us(every_s)
    async with context.db.transaction() as uow:
        requests = RequestRepository(uow.connection)
        if not await requests.have_fan_out(waits=waits):
            return 0
        done = await requests.fan_out(
            floor.start(),
            settings.marks_max,
            _us(RETRY_AFTER_S - settings.reprice_min_s),
            told_every_us,
            context.clock.now(),
        )
    floor.looked(done.look)
    return done.taken


async def fan_out_all(context: StatementsContext, *, waits: bool = False) -> None:
    """Turn every mark that can be seen now into requests; what comes meanwhile can wait."""
    if await any_mark(context):
        while await fan_out(context, waits=waits) == context.settings.marks_max:
            pass


def _us(seconds: float) -> int:
    return int(seconds * 1_000_000)
