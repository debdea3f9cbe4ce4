"""Checks as they are asked for, and as they are kept."""

from datetime import datetime
from typing import Final

from services.billing.conservation.repository.checks import CheckRepository
from services.billing.conservation.rows import StoredCheck
from shared.db.unit_of_work import UnitOfWork
from shared.errors import AppError, Kind

#: By whom a check is asked for where somebody looks at the books: who looks opens no exception.
LOOKING: Final = "GET /v1/reconciliation"


class CheckNotFound(AppError):
    """There is no such check of the books."""

    kind = Kind.NOT_FOUND


class CheckBrokeOff(AppError):
    """The books cannot be checked now; the check goes on by itself."""

    kind = Kind.UNAVAILABLE


async def ask_for_check(uow: UnitOfWork, by: str) -> tuple[StoredCheck, bool]:
    """The check that sees all that has happened until now, and whether this call asks for it: one that nobody has begun yet
    serves all who ask."""
    checks = CheckRepository(uow.connection)
    check_id, is_new = await checks.ask(by, LOOKING)
    return await find_check(uow, check_id), is_new


async def find_check(uow: UnitOfWork, check_id: str) -> StoredCheck:
    """Return it; raise CheckNotFound."""
    found = await CheckRepository(uow.connection).get(check_id)
    if found is None:
        raise CheckNotFound(f"no check {check_id[:60]!r}; GET /v1/reconciliation/checks lists them")
    return found


async def last_check(uow: UnitOfWork) -> StoredCheck | None:
    """The one that was done last; None before the first."""
    return await CheckRepository(uow.connection).last_done()


async def list_checks(uow: UnitOfWork, before: str | None, rows_max: int) -> list[StoredCheck]:
    """The newest first, those before this id."""
    return await CheckRepository(uow.connection).newest_first(before, rows_max)


async def forget_looks(uow: UnitOfWork, before: datetime, rows_max: int) -> int:
    """Delete at most `rows_max` checks that a look asked for and that were done before, the last one excepted; return how
    many."""
    return await CheckRepository(uow.connection).forget(LOOKING, before, rows_max)
