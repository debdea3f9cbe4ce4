"""Look at the candidates of suspense, and remove those of which nothing waits."""

from services.rating.disposition.repository.suspense import Look, SuspenseRepository
from shared.db.unit_of_work import UnitOfWork

#: One look at so many, each again after so long.
SUBJECTS_MAX, AGAIN_AFTER_S = 500, 600.0


async def begin_look(uow: UnitOfWork) -> Look | None:
    """Take some that nobody has looked at of late; None where there is none. What is noted once this has committed
    stays."""
    return await SuspenseRepository(uow.connection).begin_look(SUBJECTS_MAX, AGAIN_AFTER_S)


async def end_look(uow: UnitOfWork, look: Look) -> None:
    """Remove those of which no event may wait; in a transaction that begins once `begin_look` has committed."""
    await SuspenseRepository(uow.connection).end_look(look)
