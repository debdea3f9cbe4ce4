"""What the API shows of dispositions."""

from collections.abc import Sequence, Set
from decimal import Decimal
from typing import Annotated, Any, Literal, Self

from pydantic import Field, RootModel

from services.rating.disposition.clients import InFlight
from services.rating.disposition.domain.covering import Covering, Holding, UsageLine
from services.rating.disposition.domain.verdict import Disposition, Reason, Verdict
from services.rating.disposition.parameters import said_after
from services.rating.disposition.rows import DeliveryRow, EventRow
from services.rating.disposition.usecases.explain_event import Explained
from services.rating.disposition.usecases.judge_events import Counted, Judged
from services.rating.disposition.usecases.list_newest import Newest
from services.rating.disposition.usecases.list_suspense import Suspended, SuspenseTotal
from services.rating.metering.domain.group import dimensions_of
from services.rating.metering.domain.reading import Contribution, Unread
from services.rating.metering.raw.answers import Data, decode_data
from services.rating.statements.answers import DaysAnswer, LineId
from shared.bus.dead_letters import DeadLetter, Discard
from shared.http.answers import Answer, Instant, Quantity, WorthAnswer
from shared.http.shown_names import (
    ContractName,
    CustomerId,
    CustomerName,
    EventId,
    EventType,
    ExceptionId,
    LineKey,
    MeterName,
    Owner,
    Source,
    SubjectName,
)
from shared.topics.usage_ingest import USAGE_EVENTS
from shared.values.made_from import made_from


class VoidAnswer(Answer):
    """The void in force for the event."""

    received_at: Instant
    batch_id: int
    partition: int


class DeliveryAnswer(Answer):
    """A further delivery of the event, and where metering took it."""

    received_at: Instant
    batch_id: int
    seq: int


class RefusedBody(Answer):
    """Another body under the event's id."""

    type: EventType
    subject: SubjectName
    time_us: int
    """µs since 1970 in UTC"""
    data: Data
    body_hash: Annotated[str, Field(examples=["9f0c1b6f2f0f4b0e8d3a5c7e1b2d4f60"])]


class ConflictAnswer(DeliveryAnswer):
    """A delivery of another body under the event's id: it was refused, the first one stands."""

    body: RefusedBody


class InFlightAnswer(Answer):
    """A record of the event, or of its void, that metering has not taken yet."""

    kind: Annotated[str, Field(examples=["event"])]
    """`event` or `void`; empty where that cannot be read"""
    topic: Annotated[str, Field(examples=[USAGE_EVENTS.name])]
    partition: int
    offset: int

    @classmethod
    def of(cls, record: InFlight) -> Self:
        return cls(
            kind=record.kind, topic=USAGE_EVENTS.name, partition=record.partition, offset=record.offset
        )


class DiscardAnswer(Answer):
    """Why it is never taken, and who decided that."""

    at: Instant
    by: str
    reason: str

    @classmethod
    def of(cls, discard: Discard) -> Self:
        return cls(at=discard.at, by=discard.by, reason=discard.reason)


class DeadLetterAnswer(Answer):
    """A record of the event that metering could not take."""

    name: Annotated[str, Field(examples=["rating/usage.events/3/118/0"])]
    """By which replays and discards know it"""
    at: Instant
    error: str
    discarded: DiscardAnswer | None

    @classmethod
    def of(cls, letter: DeadLetter) -> Self:
        return cls(
            name=str(letter.name),
            at=letter.at,
            error=letter.error,
            discarded=DiscardAnswer.of(letter.discarded) if letter.discarded else None,
        )


class Offsets(Answer):
    """The run of records its batch took."""

    from_: Annotated[int | None, Field(serialization_alias="from")]
    to: int | None


class StoredEvent(Answer):
    """The event as it is stored, and where it lay on the bus."""

    type: EventType
    subject: SubjectName
    time: Instant
    data: Data
    received_at: Instant
    stored_at: Instant | None
    """Null where nothing is known of its batch, as are topic and offsets"""
    topic: Annotated[str | None, Field(examples=[USAGE_EVENTS.name])]
    partition: int
    offsets: Offsets
    batch_id: int
    seq: int

    @classmethod
    def of(cls, row: EventRow) -> Self:
        return made_from(
            cls, row, data=decode_data(row.body), offsets=Offsets(from_=row.from_offset, to=row.to_offset)
        )


class OwnerAnswer(Answer):
    """The customer its subject means now."""

    id: CustomerId
    external_id: CustomerName
    by_alias: bool


class LeftAnswer(Answer):
    """The customer whose final statement charges it, though its subject left since."""

    id: CustomerId
    external_id: CustomerName


class MeterReadingAnswer(Answer):
    """What the event adds to a meter; where that cannot be read, nothing."""

    meter: MeterName
    group: Annotated[dict[str, str] | None, Field(examples=[{"region": "eu"}])]
    value: Quantity | None
    item: str | None
    """What a unique meter counts once"""
    unreadable: bool

    @classmethod
    def of(cls, meter: str, found: Contribution | Unread) -> Self:
        if isinstance(found, Unread):
            return cls(meter=meter, group=None, value=None, item=None, unreadable=True)
        return cls(
            meter=meter,
            group=dimensions_of(found.group),
            value=Decimal(found.value),
            item=found.item,
            unreadable=False,
        )


class HoldingException(Answer):
    """What holds the period."""

    id: ExceptionId
    kind: Annotated[str, Field(examples=["pricing_failed"])]
    detail: str
    owner: Owner

    @classmethod
    def of(cls, found: Holding) -> Self:
        return made_from(cls, found)


class ChargingLine(Answer):
    """A line of the statement that counts the event."""

    line_id: LineId
    key: LineKey
    meter: MeterName

    @classmethod
    def of(cls, line: UsageLine) -> Self:
        return cls(line_id=line.line_id, key=line.key, meter=line.meter)


class ChargingContract(Answer):
    """A contract in force at the event's time."""

    contract: ContractName
    version: int
    final: bool
    """Whether the statement of the period is final"""
    statement: Annotated[str | None, Field(examples=["6f0a9c8e-0c1f-5d3a-9b52-3c0a4b1f7e21"])]
    """Its id, of the newest correction where there is one; null before it is priced"""
    period: DaysAnswer
    meters: list[MeterName]
    """Those of the event's meters that it charges"""
    lines: list[ChargingLine]

    @classmethod
    def of(cls, row: Covering, meters: Set[str]) -> Self:
        return cls(
            contract=row.contract,
            version=row.version,
            final=row.final,
            statement=row.statement,
            period=DaysAnswer(start=row.start_date, end=row.end_date),
            meters=sorted(meters & set(row.meters)),
            lines=[ChargingLine.of(line) for line in row.lines if line.meter in meters],
        )


class _Explanation(Answer):
    """What became of one event."""

    object: Literal["event_explanation"] = "event_explanation"
    source: Source
    id: EventId
    verdict: Verdict
    detail: str
    """Why, and what is to be done"""
    void: VoidAnswer | None
    duplicates: list[DeliveryAnswer]
    """The first of them"""
    duplicates_total: int
    conflicts: list[ConflictAnswer]
    """The first of them"""
    conflicts_total: int
    in_flight: list[InFlightAnswer]
    in_flight_unread: int
    """How many records wait beyond those that were looked through"""
    dead_letters: list[DeadLetterAnswer]


class StoredEventExplanation(_Explanation):
    """What became of an event that is stored."""

    status: Literal["stored", "voided"]
    stored: StoredEvent
    customer: OwnerAnswer | None
    left: LeftAnswer | None
    meters: list[MeterReadingAnswer]
    disposition: Disposition
    exceptions: list[HoldingException]
    contracts: list[ChargingContract]


class AbsentEventExplanation(_Explanation):
    """What is known of an event that is not stored."""

    status: Literal["awaited", "unknown"]
    """`awaited`: a void waits for it"""
    stored: None


class EventExplanationAnswer(RootModel[StoredEventExplanation | AbsentEventExplanation]):
    """What became of an event: `stored` tells the two apart."""

    @classmethod
    def of(cls, found: Explained) -> Self:
        void, counted = found.void, found.counted
        if counted is None:
            return cls(
                AbsentEventExplanation(**_told(found), status="awaited" if void else "unknown", stored=None)
            )
        return cls(
            StoredEventExplanation(**_told(found), status="voided" if void else "stored", **_counted(counted))
        )


class AppliedAnswer(Answer):
    """A statement that the event counts for."""

    contract: ContractName
    period: DaysAnswer
    final: bool

    @classmethod
    def of(cls, row: Covering) -> Self:
        return cls(
            contract=row.contract,
            period=DaysAnswer(start=row.start_date, end=row.end_date),
            final=row.final,
        )


class NewestEventAnswer(Answer):
    """An event that was stored, and what became of it."""

    source: Source
    id: EventId
    type: EventType
    subject: SubjectName
    time: Instant
    received_at: Instant
    verdict: Verdict
    detail: str
    """Why, and what is to be done"""
    reason: Reason | None
    """Why it is in suspense; else null"""
    customer: Annotated[str | None, Field(examples=["acme"])]
    """External id of the customer that its subject means now"""
    meters: list[MeterName]
    """Those that take it"""
    applied: list[AppliedAnswer]
    """Of whose lines it is: while it is in flight, void or held, those that would be"""

    @classmethod
    def of(cls, found: Judged) -> Self:
        return cls._of(found.counted.event, found)

    @classmethod
    def _of(cls, event: EventRow, found: Judged) -> Self:
        counted = found.counted
        return made_from(
            cls,
            event,
            verdict=found.verdict,
            detail=found.detail,
            reason=counted.reason,
            customer=counted.customer.external_id if counted.customer else None,
            meters=sorted(counted.readings),
            applied=[AppliedAnswer.of(contract) for contract in counted.contracts if contract.takes],
        )


class NewestEventsAnswer(Answer):
    """The events that were stored last, the newest first."""

    object: Literal["newest_events"] = "newest_events"
    data: list[NewestEventAnswer]
    more: bool
    """Others came that are not shown, or may have: no more than the newest 10,000 are looked through"""
    after: Annotated[str, Field(examples=["0:17,1:12"])]
    """`?after=` of the next call: what comes from now on"""

    @classmethod
    def of(cls, found: Newest) -> Self:
        return cls(
            data=list(map(NewestEventAnswer.of, found.events)),
            more=found.more,
            after=said_after(found.batches),
        )


class SuspenseAnswer(Answer):
    """Events of one owner, type and UTC month that nobody pays for yet, and their worth."""

    object: Literal["suspense"] = "suspense"
    customer: Annotated[str | None, Field(examples=["acme"])]
    """External id; null where no customer goes by the subject"""
    subject: Annotated[str | None, Field(examples=["acme"])]
    """Null where there is a customer"""
    type: EventType
    month: Annotated[str, Field(pattern=r"^[0-9]{4}-[0-9]{2}$", examples=["2026-03"])]
    reason: Reason
    events: int
    quantity: Quantity | None
    value: WorthAnswer | None
    """At list price; null where no meter of the type has one"""
    unvalued_events: int

    @classmethod
    def of(cls, row: Suspended) -> Self:
        return made_from(
            cls,
            row,
            customer=row.owner if row.customer_id else None,
            subject=None if row.customer_id else row.owner,
            month=f"{row.month:%Y-%m}",
            value=WorthAnswer.of(row.value) if row.value else None,
            unvalued_events=0 if row.value else row.events,
        )


class SuspenseTotalAnswer(Answer):
    """What waits for one reason, in one currency."""

    reason: Reason
    owners: int
    """Customers, and subjects that nobody knows"""
    events: int
    value: WorthAnswer | None
    """At list price; null where no meter of the type has one"""

    @classmethod
    def of(cls, total: SuspenseTotal) -> Self:
        return made_from(cls, total, value=WorthAnswer.of(total.value) if total.value else None)


class SuspenseTotalsAnswer(Answer):
    """What suspense comes to."""

    object: Literal["suspense_totals"] = "suspense_totals"
    totals: list[SuspenseTotalAnswer]

    @classmethod
    def of(cls, totals: Sequence[SuspenseTotal]) -> Self:
        return cls(totals=list(map(SuspenseTotalAnswer.of, totals)))


def _told(found: Explained) -> dict[str, Any]:
    """What is told of every event."""
    void, elsewhere = found.void, found.elsewhere
    return {
        "source": found.source,
        "id": found.id,
        "verdict": found.verdict,
        "detail": found.detail,
        "void": VoidAnswer(received_at=void.received_at, batch_id=void.batch_id, partition=void.partition)
        if void
        else None,
        "duplicates": [DeliveryAnswer(**_delivery(row)) for row in found.duplicates],
        "duplicates_total": _total(found.duplicates),
        "conflicts": [
            ConflictAnswer(**_delivery(row), body=RefusedBody(**decode_data(row.body)))
            for row in found.conflicts
        ],
        "conflicts_total": _total(found.conflicts),
        "in_flight": [InFlightAnswer.of(record) for record in elsewhere.in_flight],
        "in_flight_unread": elsewhere.unread,
        "dead_letters": [DeadLetterAnswer.of(letter) for letter in elsewhere.set_aside],
    }


def _counted(found: Counted) -> dict[str, Any]:
    customer, left, names = found.customer, found.left, found.readings.keys()
    return {
        "stored": StoredEvent.of(found.event),
        "customer": OwnerAnswer(
            id=customer.customer_id, external_id=customer.external_id, by_alias=customer.alias
        )
        if customer
        else None,
        "left": LeftAnswer(id=left.customer_id, external_id=left.external_id) if left else None,
        "meters": [MeterReadingAnswer.of(meter, reading) for meter, reading in found.readings.items()],
        "disposition": found.disposition,
        "exceptions": [HoldingException.of(exception) for exception in found.exceptions],
        "contracts": [ChargingContract.of(contract, names) for contract in found.contracts],
    }


def _delivery(row: DeliveryRow) -> dict[str, Any]:
    return {"received_at": row.received_at, "batch_id": row.batch_id, "seq": row.seq}


def _total(listed: Sequence[DeliveryRow]) -> int:
    """How many there are of which some are listed."""
    return listed[0].total if listed else 0
