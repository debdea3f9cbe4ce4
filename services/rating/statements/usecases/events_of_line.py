"""Page through the raw events a statement line counts, up to the statement's own watermark."""

from datetime import date, datetime

from services.rating.metering.raw.repository import RawRepository
from services.rating.metering.raw.rows import Selection
from services.rating.metering.raw.usecases.events_behind import CountedEvent, events_behind
from services.rating.statements.repository.charged import charged_before, of_meter
from services.rating.statements.repository.statements import StatementRepository
from services.rating.statements.usecases.explain_line import line_of
from services.rating.statements.usecases.find import find
from shared.db.unit_of_work import UnitOfWork
from shared.topics.rating import StatementMessage
from shared.values.instants import from_us

Place = tuple[datetime, int, int]


async def events_of_line(
    uow: UnitOfWork, contract: str, start_date: date, line_id: str, after: Place | None, limit: int
) -> list[CountedEvent]:
    """Return up to `limit` events after a place, in order of time; none for a line that counts no usage.

    Their values sum to the line's quantity: what came after the watermark is left out, a void that came after
    it too. A final statement has the subjects it closed with, its lines the versions of the meters they were
    counted by; what an earlier final statement of another customer charges is not counted here.
    """
    row = await find(uow, contract, start_date)
    statement = row.document
    line = line_of(statement, line_id)
    if line.meter is None or not line.segments:
        return []
    start, end = (
        from_us(min(segment.start_us for segment in line.segments)),
        from_us(max(segment.end_us for segment in line.segments)),
    )
    subjects = await _subjects(uow, statement, row.period_start)
    charged = await charged_before(
        uow.connection, subjects, statement.customer_id, statement.revision if statement.final else None
    )
    selection = Selection(
        tuple(subjects),
        line.meter,
        start,
        end,
        {},
        statement.watermark,
        apart=of_meter(charged, line.meter, start, end),
        revision=await StatementRepository(uow.connection).version_of(contract, row.period_start, line.meter),
    )
    return await events_behind(uow, selection, after, limit)


async def _subjects(uow: UnitOfWork, statement: StatementMessage, period_start: datetime) -> list[str]:
    """Whose usage the statement counts: those it closed with, or, while it is open, those of today."""
    if statement.final:
        return await StatementRepository(uow.connection).closed_subjects(statement.contract, period_start)
    return await RawRepository(uow.connection).subjects_of(statement.customer_id)
