"""Roll hours up into days, once a day is over."""

from datetime import date, datetime

from services.rating.metering.fold.domain.rolled_up import over_before
from services.rating.metering.fold.memory import FoldMemory
from services.rating.metering.fold.repository.days import DaysRepository
from services.rating.metering.fold.repository.state import Days, FoldProgress
from services.rating.metering.fold.usecases.fold import folding
from shared.db.unit_of_work import Database
from shared.runtime import failpoints

ROWS_MAX = 10_000  # of hours, in one transaction: folds wait for it


async def roll_up(db: Database, memory: FoldMemory, now: datetime) -> bool:
    """Roll up the days of some subjects; False when no day is over that is not rolled up.

    What comes for such a day later goes into its row at once.
    """
    days = await FoldProgress(db.pool).days()
    if not days.rolled_up.passing and _over(days, now) <= days.rolled_up.before:
        return False
    async with folding(db, memory) as (uow, claim):
        repository, state = DaysRepository(uow.connection), claim.rolled_up
        if not state.passing:
            state = await repository.begin(state, max(_over(days, now), state.before))
        await repository.roll_up(state, ROWS_MAX)
        failpoints.reach("fold.rolling_up")
    return True


def _over(days: Days, now: datetime) -> date:
    return over_before(days.newest, now) if days.newest is not None else days.rolled_up.before
