"""Read what the score has said here, and the activity that followed: what a back-test judges."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import date

from services.signals.domain.backtest import Said
from services.signals.domain.panel.counts import Counts
from services.signals.evaluation.repository import EvaluationRepository
from services.signals.replica.repository.activity import ActivityRepository
from shared.db.unit_of_work import UnitOfWork


async def what_was_said(uow: UnitOfWork) -> tuple[list[Said], Mapping[str, Counts]]:
    """What was said as each month began that was evaluated, and by customer the days of its main meter."""
    rows = await EvaluationRepository(uow.connection).said_at_months()
    mains = {row.customer: row.meter for row in rows if row.meter}
    days: dict[str, dict[date, int]] = defaultdict(dict)
    for one in await ActivityRepository(uow.connection).history():
        if mains.get(one.customer) == one.meter:
            days[one.customer][one.day] = one.events
    said = [Said(row.customer, row.at, row.score, row.at_risk) for row in rows]
    return said, {customer: Counts(found.items()) for customer, found in days.items()}
