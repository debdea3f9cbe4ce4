"""When finalization runs."""

from services.billing.finalization.usecases import finalize as usecases
from shared.runtime.service import Context, Job

EVERY_S = 0.2


async def finalize(context: Context) -> None:
    await usecases.finalize_due(context.db, context.state["gate"], context.clock.now())


async def idle(context: Context) -> bool:
    """A moved clock waits for this: finalizes what is due, and says whether that was all."""
    await finalize(context)
    async with context.db.transaction() as uow:
        return await usecases.nothing_due(uow)


JOBS = (Job("finalize", EVERY_S, finalize),)
