"""Say what a customer settled: the proof of what is at stake, and of a judgement by money."""

from dataclasses import dataclass
from datetime import date

from services.signals.domain.stake import Worth
from services.signals.evaluation.usecases.say_standing import known_customer
from services.signals.replica.repository.settled import SettledRepository
from services.signals.replica.rows import SettledPeriodRow
from shared.db.unit_of_work import UnitOfWork


@dataclass(frozen=True, slots=True)
class CustomerSettled:
    """What is settled of service periods. `worth`: of all together; None while some of it is not known."""

    periods: list[SettledPeriodRow]
    worth: Worth | None


async def say_settled(uow: UnitOfWork, external_id: str, since: date, until: date) -> CustomerSettled:
    """Return what is settled of the service periods that ended on the days [since, until). Raises CustomerNotFound."""
    customer = await known_customer(uow, external_id)
    settled = SettledRepository(uow.connection)
    periods = await settled.periods(customer.customer_id, since, until)
    is_known = not await settled.awaited([customer.customer_id])
    return CustomerSettled(periods, _worth(periods) if is_known else None)


def _worth(periods: list[SettledPeriodRow]) -> Worth:
    total: dict[str, int] = {}
    for one in periods:
        total[one.currency] = total.get(one.currency, 0) + one.settled_minor + one.shortfall_minor
    return total
