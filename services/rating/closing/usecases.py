"""How far a month is closed, and what those of its statements that are open wait for."""

from dataclasses import dataclass
from datetime import date, datetime

from services.rating.closing.repository import ClosingRepository
from services.rating.closing.rows import OpenStatement, StateTotal, Waiting
from services.rating.statements.usecases.pass_barrier import METERED
from shared.bus import Bus
from shared.bus.waiting import records_behind
from shared.db.unit_of_work import UnitOfWork
from shared.topics.graph import Hearing


@dataclass(frozen=True, slots=True)
class Barrier:
    """What a close would wait for, asked now: records that a service on the way has not taken, and what of those that
    were taken no statement knows."""

    records: tuple[tuple[Hearing, int], ...]
    waiting: Waiting


@dataclass(frozen=True, slots=True)
class Closing:
    """A month's statements by state and currency, and the barrier before those that are open."""

    totals: list[StateTotal]
    barrier: Barrier


async def closing_of(uow: UnitOfWork, bus: Bus, month: date, now: datetime) -> Closing:
    """Of the statements whose period ends in the month that begins on this day."""
    repository = ClosingRepository(uow.connection)
    records = [(hearing, await records_behind(bus, hearing)) for hearing in METERED]
    return Closing(await repository.totals(month, now), Barrier(tuple(records), await repository.waiting()))


async def list_open(
    uow: UnitOfWork, month: date, now: datetime, after: tuple[str, datetime] | None, rows_max: int
) -> list[OpenStatement]:
    """The statements of the month that are not final, by contract and period, after this one."""
    return await ClosingRepository(uow.connection).open_statements(month, now, after, rows_max)


async def figures(uow: UnitOfWork) -> datetime | None:
    """When the oldest usage that is metered and in no quantity yet was received."""
    return await ClosingRepository(uow.connection).unfolded_since()
