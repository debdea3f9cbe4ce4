"""The five checks and their breaks; what became of the usage, and of each event."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Annotated, Any, Literal, Self

from pydantic import Field

from services.billing.conservation.checks.k2_door import Hour
from services.billing.conservation.domain.accepted import Acceptance, Suspended
from services.billing.conservation.domain.breaks import OWNERS, SAYS, Break, Checked, K, Report
from services.billing.conservation.domain.dispositions import Bucket, Place, Reason, Why
from services.billing.conservation.domain.filters import Narrow
from services.billing.conservation.domain.readings import Placed, Settled
from services.billing.conservation.domain.reconciled import Row, Totals
from services.billing.conservation.domain.waiting import Waiting
from services.billing.conservation.rows import ResultRow, StoredCheck
from services.billing.conservation.usecases.reconcile import Reconciled
from shared.http.answers import ABSENT, Amount, Answer, Instant, Quantity, StoredAs, WorthAnswer
from shared.http.shown_names import (
    ContractName,
    CurrencyCode,
    CustomerName,
    EventType,
    ExceptionId,
    KeyId,
    Owner,
)
from shared.values.made_from import made_from
from shared.values.money import currency, format_minor

Watermark = Annotated[dict[str, int], Field(examples=[{"0": 35, "1": 31}])]
Seconds = Annotated[str, Field(pattern=r"^[0-9]+\.[0-9]{2}$", examples=["0.09"])]
Figures = Annotated[
    dict[str, int], Field(examples=[{"series": 1, "statements": 4, "documents": 3, "under_way": 0}])
]
Quantities = Annotated[
    dict[str, dict[Bucket, Quantity]], Field(examples=[{"api_calls": {"applied": "1200"}}])
]
Customer = Annotated[str | None, Field(examples=["acme"])]
Source = Annotated[str, Field(examples=["nyc-departures"])]
Amounts = Annotated[
    dict[str, dict[str, Amount]], Field(examples=[{"USD": {"settled": "21.99", "documented": "21.99"}}])
]


class BreakAnswer(Answer):
    """One row at which a check does not hold."""

    k: K
    fault: Annotated[str, Field(examples=["line_differs"])]
    table: Annotated[str, Field(examples=["billing.document_lines"])]
    """Where it broke"""
    key: Annotated[
        dict[str, str], Field(examples=[{"contract": "acme-2026", "period_start": "2026-03-01T00:00:00Z"}])
    ]
    """Column → value of the row, which may be the one that should be there"""
    expected: str
    found: str
    says: str
    """Names the fault and the remedy"""
    owner: Owner
    contract: Annotated[str | None, Field(examples=["acme-2026"])]
    """The one whose close it stops; null where it is none's or everybody's"""
    period_start: Instant | None
    worth: list[WorthAnswer]
    """What waits there, by currency, where it can be said"""

    @classmethod
    def of(cls, found: Break) -> Self:
        return made_from(
            cls, found, table=found.where.table, key=found.where.named, worth=WorthAnswer.each(found.worth)
        )


class CheckedAnswer(Answer):
    """One of the five checks, and what it found."""

    k: K
    says: Annotated[str, Field(examples=[SAYS[K.MONEY]])]
    holds: bool
    figures: Figures
    """What was counted"""
    amounts: Amounts
    """Currency → what → how much"""
    owner: Owner
    breaks_listed: int
    breaks_total: int
    breaks: list[BreakAnswer]
    """The first ones: a list is cut, a verdict never is"""

    @classmethod
    def of(cls, checked: Checked) -> Self:
        amounts = {
            code: {what: format_minor(minor, currency(code)) for what, minor in of.items()}
            for code, of in sorted(checked.amounts.items())
        }
        return cls(
            k=checked.k,
            says=SAYS[checked.k],
            holds=checked.holds,
            figures=dict(checked.figures),
            amounts=amounts,
            owner=OWNERS[checked.k],
            breaks_listed=len(checked.breaks),
            breaks_total=checked.breaks_total,
            breaks=[BreakAnswer.of(found) for found in checked.breaks],
        )


def shown(checked: Checked) -> Mapping[str, Any]:
    """What one of the five found, as it is kept and shown."""
    found: Mapping[str, Any] = CheckedAnswer.of(checked).as_json()
    return found


Result = Annotated[Mapping[str, Any], StoredAs(CheckedAnswer)]


class ConservationAnswer(Answer):
    """All five checks at one cut; where a process died meanwhile, at two."""

    holds: bool
    taken_at: Instant
    """Of the machine clock"""
    seconds: Seconds
    """How long it took"""
    watermark: Watermark
    """Partition of usage.events → last batch that was seen"""
    breaks_listed: int
    breaks_total: int
    statements: list[Result]

    @classmethod
    def of(cls, report: Report) -> Self:
        return made_from(
            cls,
            report,
            seconds=f"{report.seconds:.2f}",
            watermark=dict(report.watermark),
            breaks_listed=len(report.breaks),
            statements=[shown(checked) for checked in report.statements],
        )

    @classmethod
    def of_check(cls, check: StoredCheck) -> Self:
        """Of a check that is done."""
        last = check.results[-1]
        return cls(
            holds=all(result.holds for result in check.results),
            taken_at=last.taken_at,
            seconds=f"{sum(result.seconds for result in check.results):.2f}",
            watermark=dict(last.watermark),
            breaks_listed=sum(result.said["breaks_listed"] for result in check.results),
            breaks_total=sum(result.breaks_total for result in check.results),
            statements=[result.said for result in check.results],
        )


class ProgressAnswer(Answer):
    """How one of the five stands."""

    k: K
    says: Annotated[str, Field(examples=[SAYS[K.MONEY]])]
    done: bool
    holds: bool | None
    """Null until it is made"""
    breaks_total: int | None
    taken_at: Instant | None
    """When its cut was, by the machine clock"""
    seconds: Annotated[str | None, Field(examples=["0.09"])]

    @classmethod
    def of(cls, k: K, result: ResultRow | None) -> Self:
        return cls(
            k=k,
            says=SAYS[k],
            done=result is not None,
            holds=None if result is None else result.holds,
            breaks_total=None if result is None else result.breaks_total,
            taken_at=None if result is None else result.taken_at,
            seconds=None if result is None else f"{result.seconds:.2f}",
        )


class CheckAnswer(Answer):
    """A check of the books that somebody asked for. Times are of the machine clock."""

    object: Literal["check"] = "check"
    id: Annotated[str, Field(examples=["chk_0355r6GMHPjnilLt70JBPV"])]
    by: Annotated[str, Field(examples=["usr_1"])]
    """An actor, or `schedule`"""
    state: Literal["waiting", "running", "done"]
    asked_at: Instant
    began_at: Instant | None
    done_at: Instant | None
    attempts: int
    """More than one: a process died, or could not read the books; it went on where it was"""
    fault: str | None
    """Why the last attempt broke off; it is tried again"""
    holds: bool | None
    """Null until all five are made"""
    progress: list[ProgressAnswer]
    conservation: ConservationAnswer | None = ABSENT
    """All that was found, once it is done; absent in lists"""

    @classmethod
    def of(cls, check: StoredCheck) -> Self:
        return cls._of(check, ConservationAnswer.of_check(check) if check.state == "done" else None)

    @classmethod
    def listed(cls, check: StoredCheck) -> Self:
        return cls._of(check, None)

    @classmethod
    def _of(cls, check: StoredCheck, conservation: ConservationAnswer | None) -> Self:
        results = {result.k: result for result in check.results}
        return made_from(
            cls,
            check,
            id=check.check_id,
            progress=[ProgressAnswer.of(k, results.get(k)) for k in K],
            conservation=conservation,
        )


class CountsAnswer(Answer):
    """Stored events, and what became of them: the others add up to `stored`."""

    stored: int
    voided: int
    suspense: int
    unpriced: int
    held_late: int
    waived_late: int
    held: int
    applied: int

    @classmethod
    def of(cls, counts: Mapping[Bucket, int]) -> Self:
        return cls(stored=sum(counts.values()), **{bucket.value: events for bucket, events in counts.items()})


class SuspenseReasonsAnswer(Answer):
    """The events in suspense, by what is missing."""

    no_customer: int
    no_meter: int
    no_contract: int

    @classmethod
    def of(cls, reasons: Mapping[Reason, int]) -> Self:
        return cls(**{reason.value: events for reason, events in reasons.items()})


class UnvaluedAnswer(Answer):
    """How many of the waiting events no list price values."""

    suspense: int
    held_late: int
    held: int

    @classmethod
    def of(cls, unvalued: Mapping[Bucket, int]) -> Self:
        return cls(**{bucket.value: events for bucket, events in unvalued.items()})


class WaitingAnswer(Answer):
    """What waits in a place for one reason."""

    place: Place
    reason: Why
    owner: Owner
    """Who makes it billable"""
    events: int
    """0 for settled money, which is nobody's event"""
    value: list[WorthAnswer]
    """Usage at list price; settled money as it was settled"""
    unvalued: int
    """How many of the events `value` is without"""

    @classmethod
    def of(cls, waiting: Waiting) -> Self:
        return made_from(cls, waiting, value=WorthAnswer.each(waiting.value))


class SuspendedAnswer(Answer):
    """What is in suspense, over all months."""

    events: int
    value: list[WorthAnswer]
    """At list price"""

    @classmethod
    def of(cls, found: Suspended) -> Self:
        return cls(events=found.events, value=WorthAnswer.each(found.value))


class AcceptanceAnswer(Answer):
    """Usage in suspense that somebody has accepted in writing. It falls when more waits than was seen."""

    object: Literal["acceptance"] = "acceptance"
    id: Annotated[str, Field(examples=["acc_0355r6GMHPjnilLt70JBPV"])]
    customer: Annotated[str, Field(examples=["EV"])]
    """Or a subject that no customer has"""
    type: EventType
    reason: Annotated[str, Field(examples=["no_contract"])]
    because: str
    by: Annotated[str, Field(examples=["usr_1"])]
    at: Instant
    """Of the business clock"""
    seen: SuspendedAnswer
    now: SuspendedAnswer
    stands: bool
    """No more waits than was seen"""

    @classmethod
    def of(cls, acceptance: Acceptance, now: Suspended) -> Self:
        return made_from(
            cls,
            acceptance,
            id=acceptance.acceptance_id,
            seen=SuspendedAnswer.of(acceptance.seen),
            now=SuspendedAnswer.of(now),
            stands=not now.exceeds(acceptance.seen),
        )


class ReconciledUsageAnswer(Answer):
    """The usage of a customer, or of a subject no customer has, of one event type in one month. What waits is
    valued at list price."""

    customer: Customer
    subject: Annotated[str | None, Field(examples=["acme-eu"])]
    """Null where a customer has it"""
    type: EventType
    month: Annotated[str, Field(pattern=r"^[0-9]{4}-[0-9]{2}$", examples=["2013-03"])]
    """Of the time zone that was asked for"""
    counts: CountsAnswer
    suspense_reasons: SuspenseReasonsAnswer
    quantities: Quantities | None = ABSENT
    """Meter → bucket → how much; absent where not every meter was read and none of those takes it"""
    suspense: list[WorthAnswer]
    """One value a meter"""
    held_late: list[WorthAnswer]
    held: list[WorthAnswer]
    unvalued: UnvaluedAnswer
    waiting: list[WaitingAnswer]

    @classmethod
    def of(cls, row: Row) -> Self:
        usage = row.usage
        return cls(
            customer=usage.customer,
            subject=usage.subject,
            type=usage.type,
            month=usage.month.strftime("%Y-%m"),
            counts=CountsAnswer.of(row.counts),
            suspense_reasons=SuspenseReasonsAnswer.of(row.reasons),
            quantities=None
            if row.quantities is None
            else {meter: dict(of) for meter, of in row.quantities.items()},
            suspense=WorthAnswer.each(row.values[Bucket.SUSPENSE]),
            held_late=WorthAnswer.each(row.values[Bucket.HELD_LATE]),
            held=WorthAnswer.each(row.values[Bucket.HELD]),
            unvalued=UnvaluedAnswer.of(row.unvalued),
            waiting=[WaitingAnswer.of(waiting) for waiting in row.waiting],
        )


class TotalsAnswer(Answer):
    """The rows and the money added up, by currency."""

    counts: CountsAnswer
    suspense_reasons: SuspenseReasonsAnswer
    suspense: list[WorthAnswer]
    held_late: list[WorthAnswer]
    held: list[WorthAnswer]
    unvalued: UnvaluedAnswer
    settled: list[WorthAnswer]
    documented: list[WorthAnswer]
    waived: list[WorthAnswer]
    unbilled: list[WorthAnswer]
    waiting: list[WaitingAnswer]
    """One entry a place and reason"""

    @classmethod
    def of(cls, totals: Totals) -> Self:
        each = WorthAnswer.each
        return cls(
            counts=CountsAnswer.of(totals.counts),
            suspense_reasons=SuspenseReasonsAnswer.of(totals.reasons),
            suspense=each(totals.values[Bucket.SUSPENSE]),
            held_late=each(totals.values[Bucket.HELD_LATE]),
            held=each(totals.values[Bucket.HELD]),
            unvalued=UnvaluedAnswer.of(totals.unvalued),
            settled=each(totals.settled),
            documented=each(totals.documented),
            waived=each(totals.waived),
            unbilled=each(totals.unbilled),
            waiting=[WaitingAnswer.of(waiting) for waiting in totals.waiting],
        )


class SettledDaysAnswer(Answer):
    """A period in local days, both inclusive."""

    start: Annotated[date, Field(examples=["2024-01-01"])]
    end: date


class SettledAnswer(Answer):
    """What rating settled of a contract's period, and what billing has of it: settled = documented + waived +
    unbilled."""

    customer: CustomerName
    contract: ContractName
    period: SettledDaysAnswer
    currency: CurrencyCode
    final: bool
    revision: int
    settled: Amount
    documented: Amount
    waived: Amount
    unbilled: Amount
    documents: Annotated[list[str], Field(examples=[["inv_0353HwWXEjxXOHKJzOoT5e"]])]

    @classmethod
    def of(cls, period: Settled) -> Self:
        return made_from(
            cls,
            period,
            period=SettledDaysAnswer(start=period.start_date, end=period.end_date),
            currency=period.settled.currency.code,
            settled=str(period.settled),
            documented=str(period.documented),
            waived=str(period.waived),
            unbilled=str(period.unbilled),
            documents=list(period.documents),
        )


class ReconciliationAnswer(Answer):
    """What became of the usage, in counts, quantities and money; and the five checks."""

    object: Literal["reconciliation"] = "reconciliation"
    customer: Customer
    """As it was asked for; null: all"""
    meter: Annotated[str | None, Field(examples=["api_calls"])]
    from_: Annotated[Instant | None, Field(serialization_alias="from")]
    to: Instant | None
    quantities_of: Literal["every meter", "meters with a list price"]
    rows: list[ReconciledUsageAnswer]
    totals: TotalsAnswer
    money: list[SettledAnswer]
    conservation: ConservationAnswer

    @classmethod
    def of(cls, asked: Narrow, found: Reconciled, check: StoredCheck) -> Self:
        return cls(
            customer=asked.customer,
            meter=asked.meter,
            from_=_utc(asked.start),
            to=_utc(asked.end),
            quantities_of="every meter" if asked.every_meter else "meters with a list price",
            rows=[ReconciledUsageAnswer.of(row) for row in found.rows],
            totals=TotalsAnswer.of(found.totals),
            money=[SettledAnswer.of(period) for period in found.money],
            conservation=ConservationAnswer.of_check(check),
        )


class EventPeriodAnswer(Answer):
    """A contract's period in which an event lies."""

    contract: ContractName
    period_start: Instant


class HolderAnswer(Answer):
    """An exception of rating that holds a period."""

    id: ExceptionId
    kind: Annotated[str, Field(examples=["pricing_failed"])]
    owner: Owner


class PlacedEventAnswer(Answer):
    """An event and its bucket. What is held late of an event that is still applied is listed as `void` or
    `leaving`."""

    kind: Literal["event", "void", "leaving"]
    source: Source
    id: Annotated[str, Field(examples=["UA-1545-EWR-2013-01-01T10:15:00Z"])]
    type: EventType
    subject: Annotated[str, Field(examples=["acme-eu"])]
    customer: Annotated[str | None, Field(examples=[None])]
    time: Instant
    received_at: Instant
    bucket: Annotated[Bucket, Field(examples=["suspense"])]
    reason: Reason | None
    owner: Annotated[str | None, Field(examples=["integration engineer"])]
    """Who makes it billable, or decides about it; null where nothing waits"""
    meters: Annotated[list[str], Field(examples=[["api_calls"]])]
    """Those that take it"""
    periods: Annotated[list[EventPeriodAnswer], Field(examples=[[]])]
    """Those it came too late for, or that cannot be priced"""
    exceptions: Annotated[list[HolderAnswer], Field(examples=[[]])]
    """What holds its periods"""
    value: WorthAnswer | None
    """At list price, where its meter has one"""

    @classmethod
    def of(cls, event: Placed) -> Self:
        return made_from(
            cls,
            event,
            kind=event.held_kind or "event",
            meters=list(event.meters),
            periods=[
                EventPeriodAnswer(contract=period.contract, period_start=period.period_start)
                for period in event.periods
            ],
            exceptions=[
                HolderAnswer(id=holder.exception_id, kind=holder.kind, owner=holder.owner)
                for holder in event.holders
            ],
            value=WorthAnswer.of(event.value) if event.value else None,
        )


class DoorHourAnswer(Answer):
    """What a key brought from a source in an hour: received = published + quarantined + refused."""

    key_id: KeyId
    source: Source
    hour: Instant
    received: Annotated[int, Field(examples=[1200])]
    published: Annotated[int, Field(examples=[1199])]
    quarantined: int
    refused: Annotated[int, Field(examples=[0])]

    @classmethod
    def of(cls, hour: Hour) -> Self:
        return made_from(cls, hour)


def _utc(moment: datetime | None) -> datetime | None:
    return moment.astimezone(UTC) if moment else None
