"""Enrol customers that are new: their local today is the first day that is evaluated."""

from collections.abc import Sequence
from datetime import datetime

from services.signals.domain.local_day import due_at, local_day
from services.signals.domain.policy import Policy
from services.signals.evaluation.repository import EvaluationRepository
from shared.db.unit_of_work import UnitOfWork
from shared.topics.rating import CustomerMessage


async def enrol(uow: UnitOfWork, customers: Sequence[CustomerMessage], now: datetime, policy: Policy) -> None:
    days = [local_day(now, customer.timezone) for customer in customers]
    due = [
        due_at(day, customer.timezone, policy.evaluation_hour)
        for day, customer in zip(days, customers, strict=True)
    ]
    await EvaluationRepository(uow.connection).enrol(
        [customer.customer_id for customer in customers], days, due
    )
