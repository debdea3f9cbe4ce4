"""Let requests of what has become final ask for corrections, and measure what waits."""

from dataclasses import dataclass
from datetime import datetime

from services.rating.corrections.repository import CorrectionRepository
from services.rating.corrections.usecases.late_usage import forget_undue
from services.rating.corrections.usecases.run_due import schedule_runs
from services.rating.statements.repository.requests import RequestRepository
from services.rating.statements.repository.statements import StatementRepository
from shared.db.unit_of_work import UnitOfWork

MARKED_MAX = 10_000
CONTRACTS_MAX = 1_000
LATE_MAX = 20


@dataclass(frozen=True, slots=True)
class Waits:
    """Marks that no pricing has fanned out yet, statements that are due and not priced yet, those that wait to be told,
    and for how many seconds of the business clock the longest waiting close is due (0: none)."""

    marks: int
    statements: int
    told: int
    overdue_s: float


async def keep_house(uow: UnitOfWork, now: datetime) -> Waits:
    """Turn requests for what has become final into marks of what is to be corrected, have contracts that close no more
    looked at again where one is marked, forget final periods that were noted for late usage and have none, and return
    what waits."""
    requests = RequestRepository(uow.connection)
    await requests.mark_of_final(MARKED_MAX)
    await schedule_runs(uow, await CorrectionRepository(uow.connection).unscheduled(CONTRACTS_MAX), now)
    await forget_undue(uow, LATE_MAX)
    overdue_s = await StatementRepository(uow.connection).overdue_s(now)
    return Waits(
        await requests.open_marks(), await requests.backlog(), await requests.waiting_to_be_told(), overdue_s
    )
