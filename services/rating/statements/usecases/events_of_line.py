"""Page through the raw events a statement line counts, up to the statement's own watermark."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from services.rating.metering.domain.apart import Left
from services.rating.metering.domain.stretches import TakenOut
from services.rating.metering.raw.repository import RawRepository
from services.rating.metering.raw.rows import Selection
from services.rating.metering.raw.usecases.events_behind import CountedEvent, events_behind
from services.rating.statements.repository.charged import charged_before, of_meter
from services.rating.statements.repository.statements import StatementRepository
from services.rating.statements.rows import StatementName
from services.rating.statements.usecases.explain_line import line_of, taken_back
from services.rating.statements.usecases.find import find, find_correction
from shared.db.unit_of_work import UnitOfWork
from shared.topics.rating import PERIOD, StatementLine, StatementMessage, StatementSegment
from shared.values.instants import from_us

Place = tuple[datetime, int, int]


@dataclass(frozen=True, slots=True)
class _Counted:
    """A statement, and whose usage it counts: of subjects that had left what of it, and without what was out."""

    statement: StatementMessage
    period_start: datetime
    subjects: Sequence[str]
    left: tuple[Left, ...] = ()
    out: TakenOut | None = None


async def events_of_line(
    uow: UnitOfWork,
    name: StatementName,
    line_id: str,
    after: Place | None,
    limit: int,
    occasion: str = PERIOD,
) -> list[CountedEvent]:
    """Return up to `limit` events after a place, in order of time; none for a line that counts no usage.

    Their values sum to the line's quantity: what came after the watermark is left out, a void that came after
    it too. A final statement has the subjects it closed with, its lines the versions of the meters they were
    counted by; what an earlier final statement of another customer charges is not counted here. Of a correction they are
    those of the whole period as corrected, without what was held or waived then.
    """
    counted = await _counted(uow, name, occasion)
    line = _line(counted.statement, line_id)
    if line is None or line.meter is None or not line.segments:
        return []
    selection = await _selection(uow, counted, line.meter, line.segments)
    return await events_behind(uow, selection, after, limit)


def _line(statement: StatementMessage, line_id: str) -> StatementLine | None:
    """The line; None where a correction took it back whole. Raises LineNotFound."""
    return None if taken_back(statement, line_id) else line_of(statement, line_id)


async def _selection(
    uow: UnitOfWork, counted: _Counted, meter: str, segments: Sequence[StatementSegment]
) -> Selection:
    statement = counted.statement
    start, end = (
        from_us(min(segment.start_us for segment in segments)),
        from_us(max(segment.end_us for segment in segments)),
    )
    charged = await charged_before(
        uow.connection,
        counted.subjects,
        statement.customer_id,
        statement.revision if statement.final else None,
    )
    revision = statement.meters.get(meter) or await StatementRepository(uow.connection).version_of(
        statement.contract, counted.period_start, meter
    )
    return Selection(
        tuple(counted.subjects),
        meter,
        start,
        end,
        {},
        statement.watermark,
        apart=of_meter(charged, meter, start, end),
        left=counted.left,
        out=counted.out,
        revision=revision,
    )


async def _counted(uow: UnitOfWork, name: StatementName, occasion: str) -> _Counted:
    """Whose usage the statement counts: those it closed with, or, while it is open, those of today."""
    if occasion != PERIOD:
        found = await find_correction(uow, name.contract, name.start_date, occasion)
        return _Counted(found.said.message, found.said.period_start, found.subjects, found.left, found.out)
    row = await find(uow, name.contract, name.start_date)
    statement = row.document
    subjects = (
        await StatementRepository(uow.connection).closed_subjects(name.contract, row.period_start)
        if statement.final
        else await RawRepository(uow.connection).subjects_of(statement.customer_id)
    )
    return _Counted(statement, row.period_start, subjects)
