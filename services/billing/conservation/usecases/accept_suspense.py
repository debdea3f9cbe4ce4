"""Accept suspense in writing, and say which acceptances stand: one falls when more waits than was seen."""

from collections.abc import Sequence
from datetime import date

from services.billing.conservation.clients import Auditor
from services.billing.conservation.domain.accepted import (
    Acceptance,
    Suspended,
    SuspendedLine,
    lines_of,
    suspended,
)
from services.billing.conservation.domain.filters import Narrow
from services.billing.conservation.repository.acceptances import add, newest_first, newest_of_each
from services.billing.conservation.rows import AcceptanceRow
from services.billing.conservation.usecases.reconcile import reconciled
from shared.db.unit_of_work import UnitOfWork
from shared.errors import AppError, Kind


class NothingSuspended(AppError):
    """No usage waits like that."""

    kind = Kind.CONFLICT


class MoreSuspended(AppError):
    """More waits than was seen; look at it again."""

    kind = Kind.CONFLICT


async def suspended_now(auditor: Auditor, acceptance: Acceptance) -> Suspended:
    """What waits of what an acceptance is about."""
    found = await reconciled(auditor, Narrow(customer=acceptance.customer, type=acceptance.type))
    return suspended(found.rows, acceptance.customer, acceptance.type, acceptance.reason)


async def accept(uow: UnitOfWork, acceptance: Acceptance, now: Suspended) -> None:
    """Keep it, if no more waits than was seen. Raises NothingSuspended and MoreSuspended."""
    if not now.events:
        raise NothingSuspended(
            f"no usage of {acceptance.customer} of type {acceptance.type} waits with {acceptance.reason}; "
            "GET /v1/reconciliation/rows says what does"
        )
    if now.exceeds(acceptance.seen):
        worth = (
            ", ".join(f"{one} {one.currency.code}" for one in now.value) or "nothing that a list price says"
        )
        raise MoreSuspended(f"{now.events} events wait, worth {worth}; accept that, or make them billable")
    await add(uow.connection, AcceptanceRow.of(acceptance))


async def last_acceptances(uow: UnitOfWork) -> list[Acceptance]:
    """The last word on each: whose usage, of which type, and why it waits."""
    return await newest_of_each(uow.connection)


async def suspense_lines(
    acceptances: Sequence[Acceptance], auditor: Auditor, narrow: Narrow, until: date | None
) -> list[SuspendedLine]:
    """What waits, and which of it is accepted; `until`: only where some of it is of the month of
    this day or an earlier one. It may add up a whole book: hold no transaction meanwhile."""
    lines = lines_of((await reconciled(auditor, narrow)).rows, acceptances)
    return [line for line in lines if until is None or line.first_month.date() <= until]


async def list_acceptances(uow: UnitOfWork, before: str | None, rows_max: int) -> list[Acceptance]:
    """The newest first, those before this id."""
    return await newest_first(uow.connection, before, rows_max)


async def each_now(auditor: Auditor, acceptances: Sequence[Acceptance]) -> list[Suspended]:
    """What waits of each; of a customer's type it is read once."""
    asked = dict.fromkeys((one.customer, one.type) for one in acceptances)
    rows = {
        (customer, type_): (await reconciled(auditor, Narrow(customer=customer, type=type_))).rows
        for customer, type_ in asked
    }
    return [
        suspended(rows[one.customer, one.type], one.customer, one.type, one.reason) for one in acceptances
    ]
