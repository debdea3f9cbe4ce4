"""Back-test what the score has said here, against the activity that followed."""

from collections import defaultdict
from datetime import date

from services.signals.domain.backtest import Backtest, Said, backtest
from services.signals.evaluation.repository import EvaluationRepository
from services.signals.replica.repository.activity import ActivityRepository
from shared.db.unit_of_work import UnitOfWork


async def judge_history(uow: UnitOfWork, today: date) -> Backtest:
    """Every month's beginning that was evaluated, judged by the customer's main meter until today."""
    rows = await EvaluationRepository(uow.connection).said_at_months()
    mains = {row.customer: row.meter for row in rows if row.meter}
    days: dict[str, dict[date, int]] = defaultdict(dict)
    for one in await ActivityRepository(uow.connection).history():
        if mains.get(one.customer) == one.meter:
            days[one.customer][one.day] = one.events
    said = [Said(row.customer, row.at, row.score, row.at_risk) for row in rows]
    return backtest(said, days, today)
