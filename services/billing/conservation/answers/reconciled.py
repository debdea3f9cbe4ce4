"""What became of the usage, and of the money that was settled."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Annotated, Literal, Self

from pydantic import Field

from services.billing.conservation.answers.checked import ConservationAnswer
from services.billing.conservation.domain.dispositions import Bucket, Place, Reason, Why
from services.billing.conservation.domain.filters import Narrow
from services.billing.conservation.domain.readings import Settled
from services.billing.conservation.domain.reconciled import Row, Totals
from services.billing.conservation.domain.waiting import Waiting
from services.billing.conservation.rows import StoredCheck
from services.billing.conservation.usecases.reconcile import Reconciled
from shared.http.answers import ABSENT, Amount, Answer, Instant, Quantity, WorthAnswer
from shared.http.shown_names import ContractName, CurrencyCode, CustomerName, EventType, Owner
from shared.values.made_from import made_from

Quantities = Annotated[
    dict[str, dict[Bucket, Quantity]], Field(examples=[{"api_calls": {"applied": "1200"}}])
]
Customer = Annotated[str | None, Field(examples=["acme"])]


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


def _utc(moment: datetime | None) -> datetime | None:
    return moment.astimezone(UTC) if moment else None
