"""Verb: page through the raw events a statement line counts, up to the statement's own watermark."""

from datetime import date, datetime

from services.rating.metering.raw.repository import RawRepository
from services.rating.metering.raw.usecases import CountedEvent, Selection, events_behind
from services.rating.statements.explaining import find, line_of, statement_of
from shared.db import UnitOfWork
from shared.instants import from_us

Place = tuple[datetime, int, int]


async def events_of_line(uow: UnitOfWork, contract: str, start_date: date, line_id: str, after: Place | None, limit: int) -> list[CountedEvent]:
    """Return up to `limit` events after a place, in order of time; none for a line that counts no usage.

    Their values sum to the line's quantity: what came after the watermark is left out, a void that came after it too.
    """
    statement = statement_of(await find(uow, contract, start_date))
    line = line_of(statement, line_id)
    if line.meter is None or not line.segments:
        return []
    start, end = min(segment.start_us for segment in line.segments), max(segment.end_us for segment in line.segments)
    subjects = await RawRepository(uow.connection).subjects_of(statement.customer_id)
    selection = Selection(tuple(subjects), line.meter, from_us(start), from_us(end), {}, statement.watermark)
    return await events_behind(uow.connection, selection, after, limit)
