"""What the API shows of a month's close."""

from datetime import date
from typing import Annotated, Literal, Self

from pydantic import Field

from services.rating.closing.repository import WAITING_MAX
from services.rating.closing.rows import OpenStatement, StateTotal, Waiting
from services.rating.closing.usecases import Barrier, Closing
from services.rating.statements.rows import State
from shared.http.answers import Amount, Answer, Instant
from shared.http.shown_names import ContractName, CurrencyCode, CustomerName, ExceptionId, Owner
from shared.topics.graph import Hearing
from shared.topics.usage_ingest import USAGE_EVENTS
from shared.values.made_from import made_from
from shared.values.money import currency, format_minor


def _amount(minor: int | None, code: str | None) -> str | None:
    return None if minor is None or code is None else format_minor(minor, currency(code))


class StateTotalAnswer(Answer):
    """The statements of one state and currency; currencies are never added."""

    state: State
    currency: CurrencyCode | None
    """Null of those that were never priced"""
    statements: int
    subtotal: Amount | None
    """As they were priced last"""

    @classmethod
    def of(cls, total: StateTotal) -> Self:
        return made_from(cls, total, subtotal=_amount(total.subtotal_minor, total.currency))


class RecordsBehindAnswer(Answer):
    """What lies on the bus and was not taken by a service that usage passes."""

    service: Annotated[str, Field(examples=["rating"])]
    topic: Annotated[str, Field(examples=[USAGE_EVENTS.name])]
    records: int

    @classmethod
    def of(cls, hearing: Hearing, records: int) -> Self:
        return cls(service=hearing.group, topic=hearing.topic, records=records)


class BarrierAnswer(Answer):
    """What a close would wait for, asked now: it is passed once all of this is 0."""

    records: list[RecordsBehindAnswer]
    """In the order in which usage passes the services"""
    batches: int
    """Metered and not yet folded; counted up to 100,000"""
    marks: int
    """Of touched usage, that ask for no statement yet; counted up to 100,000"""
    since: Instant | None
    """Machine clock: since when the oldest batch or mark waits"""

    @classmethod
    def of(cls, barrier: Barrier) -> Self:
        records = [RecordsBehindAnswer.of(hearing, records) for hearing, records in barrier.records]
        return cls._of(barrier.waiting, records)

    @classmethod
    def _of(cls, waiting: Waiting, records: list[RecordsBehindAnswer]) -> Self:
        return made_from(cls, waiting, records=records)


class ClosingAnswer(Answer):
    """How far a month is closed: the statements of the periods whose last day is in it."""

    object: Literal["closing"] = "closing"
    month: Annotated[str, Field(examples=["2026-03"])]
    as_of: Instant
    """Business clock"""
    totals: list[StateTotalAnswer]
    barrier: BarrierAnswer

    @classmethod
    def of(cls, found: Closing, month: date, as_of: Instant) -> Self:
        return cls(
            month=f"{month:%Y-%m}",
            as_of=as_of,
            totals=list(map(StateTotalAnswer.of, found.totals)),
            barrier=BarrierAnswer.of(found.barrier),
        )


class HoldingAnswer(Answer):
    """The exception that holds a statement."""

    id: ExceptionId
    detail: str
    """Names the fault and the remedy"""
    owner: Owner


class OpenStatementAnswer(Answer):
    """A statement that is not final, and what it waits for."""

    object: Literal["open_statement"] = "open_statement"
    contract: ContractName
    customer: CustomerName
    """Its external id"""
    start: date
    end: date
    """The last day of the period, included"""
    state: State
    close_due_at: Instant
    currency: CurrencyCode | None
    """Null before it is priced first"""
    subtotal: Amount | None
    """As it was priced last"""
    marks: int | None
    """Of its customer's usage in the period, that ask for no statement yet; null where more than 100,000 wait in all"""
    asked: bool
    """Something asks for it to be priced anew"""
    older_open: bool
    """An earlier period of the contract is open: periods close in order"""
    held: HoldingAnswer | None
    """Null where nothing holds it"""

    @classmethod
    def of(cls, row: OpenStatement) -> Self:
        return made_from(
            cls,
            row,
            customer=row.external_id,
            start=row.start_date,
            end=row.end_date,
            subtotal=_amount(row.subtotal_minor, row.currency),
            held=HoldingAnswer(id=row.exception_id, detail=row.detail or "", owner=row.owner or "")
            if row.exception_id
            else None,
        )


assert WAITING_MAX == 100_000, "as the fields above say"
