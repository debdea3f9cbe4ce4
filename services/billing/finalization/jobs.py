"""When finalization runs."""

from services.billing.finalization.usecases import finalize as usecases
from services.billing.finalization.usecases.ask_conservation import FinalizationContext
from shared.runtime.jobs import Job

EVERY_S, SOON_S = 5.0, 0.2


async def finalize(context: FinalizationContext) -> None:
    await usecases.finalize_due(
        context.db, context.state.gate, context.clock.now(), context.settings.entity_timezone
    )


async def finish_due_work(context: FinalizationContext) -> bool:
    """A moved clock waits for this: finalizes what is due, and says whether that was all."""
    await finalize(context)
    async with context.db.transaction() as uow:
        return await usecases.nothing_due(uow)


JOBS = (Job("finalize", EVERY_S, finalize, soon_s=SOON_S),)
