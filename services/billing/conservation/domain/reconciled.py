"""What became of the usage, row by row and in all: counts, quantities, what waits and what it is worth."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Self

from services.billing.conservation.domain.dispositions import (
    LISTED,
    SUSPENSE_REASONS,
    VALUED,
    Bucket,
    Late,
    Place,
    Reason,
    Unbilled,
    Why,
)
from services.billing.conservation.domain.readings import Counted, Measured, Settled, Usage
from services.billing.conservation.domain.waiting import Waiting, added, together
from shared.values.money import Money


@dataclass(frozen=True, slots=True)
class Row:
    """The usage of a customer or unmatched subject, of one event type in one month.

    `quantities` by meter; None where some meters were not read, so that having none is not known. `values` of
    LISTED: at list price, one a meter; `unvalued` of VALUED: how many of the events no list price values.
    """

    usage: Usage
    counts: Mapping[Bucket, int]
    reasons: Mapping[Reason, int]
    quantities: Mapping[str, Mapping[Bucket, Decimal]] | None
    values: Mapping[Bucket, Sequence[Money]]
    unvalued: Mapping[Bucket, int]
    waiting: Sequence[Waiting]


@dataclass(frozen=True, slots=True, order=True)
class RowPlace:
    """Where a row stands where those come first that have most waiting in one currency; `rank` is that with its sign
    turned."""

    rank: int
    customer: str
    subject: str
    type: str
    month: str

    @classmethod
    def of(cls, row: Row, code: str | None) -> Self:
        waits = sum(value.minor for one in row.waiting for value in one.value if value.currency.code == code)
        usage = row.usage
        return cls(-waits, usage.customer or "", usage.subject or "", usage.type, f"{usage.month:%Y-%m}")


@dataclass(frozen=True, slots=True)
class Totals:
    """The rows and the contracts' periods added up."""

    counts: Mapping[Bucket, int]
    reasons: Mapping[Reason, int]
    values: Mapping[Bucket, Sequence[Money]]
    unvalued: Mapping[Bucket, int]
    settled: Sequence[Money]
    documented: Sequence[Money]
    waived: Sequence[Money]
    unbilled: Sequence[Money]
    waiting: Sequence[Waiting]


def rows_of(
    counted: Iterable[Counted], measured: Iterable[Measured], *, every_meter: bool = True
) -> list[Row]:
    """One row a usage. Not `every_meter`: only those with a list price were read."""
    found: dict[Usage, tuple[list[Counted], list[Measured]]] = {}
    for count in counted:
        found.setdefault(count.usage, ([], []))[0].append(count)
    for measure in measured:
        found[measure.usage][1].append(measure)
    return [_row(usage, counts, measures, every_meter) for usage, (counts, measures) in found.items()]


def row_of(counted: Sequence[Counted], measured: Sequence[Measured], *, every_meter: bool) -> Row:
    """The row of one usage, which these are all of."""
    return _row(counted[0].usage, counted, measured, every_meter)


def totals_of(rows: Iterable[Row], money: Sequence[Settled]) -> Totals:
    """The rows added up: counts; by currency, the value of what waits and the money; what waits, why, and
    whose it is."""
    sums = Sums()
    for row in rows:
        sums.add(row)
    return sums.totals(money)


class Sums:
    """Rows added up one after the other: none is kept."""

    def __init__(self) -> None:
        self._counts = dict.fromkeys(Bucket, 0)
        self._reasons = dict.fromkeys(SUSPENSE_REASONS, 0)
        self._values: dict[Bucket, tuple[Money, ...]] = dict.fromkeys(LISTED, ())
        self._unvalued = dict.fromkeys(VALUED, 0)
        self._waiting: tuple[Waiting, ...] = ()

    def add(self, row: Row) -> None:
        for bucket in Bucket:
            self._counts[bucket] += row.counts[bucket]
        for reason in SUSPENSE_REASONS:
            self._reasons[reason] += row.reasons[reason]
        for bucket in LISTED:
            if row.values[bucket]:
                self._values[bucket] = added([*self._values[bucket], *row.values[bucket]])
        for bucket in VALUED:
            self._unvalued[bucket] += row.unvalued[bucket]
        if row.waiting:
            self._waiting = together([*self._waiting, *row.waiting])

    def totals(self, money: Sequence[Settled]) -> Totals:
        unbilled = [_unbilled(period) for period in money if period.unbilled.minor]
        return Totals(
            counts=self._counts,
            reasons=self._reasons,
            values=self._values,
            unvalued=self._unvalued,
            settled=added(period.settled for period in money),
            documented=added(period.documented for period in money),
            waived=added(period.waived for period in money),
            unbilled=added(period.unbilled for period in money),
            waiting=together([*self._waiting, *unbilled]),
        )


def _row(usage: Usage, counted: Iterable[Counted], measured: Iterable[Measured], every_meter: bool) -> Row:
    counts, reasons = dict.fromkeys(Bucket, 0), dict.fromkeys(SUSPENSE_REASONS, 0)
    for count in counted:
        counts[count.bucket] += count.events
        if count.bucket is Bucket.SUSPENSE and count.reason:
            reasons[count.reason] += count.events
    quantities: dict[str, dict[Bucket, Decimal]] = {}
    values: dict[Bucket, list[Money]] = {bucket: [] for bucket in LISTED}
    read = dict.fromkeys(LISTED, 0)
    for measure in measured:
        quantities.setdefault(measure.meter, {})[measure.bucket] = measure.quantity
        if measure.list_price and measure.bucket in LISTED:
            values[measure.bucket].append(measure.list_price.of(measure.quantity))
            read[measure.bucket] = measure.read
    unvalued = {bucket: counts[bucket] - read[bucket] for bucket in VALUED}
    return Row(
        usage,
        counts,
        reasons,
        quantities if every_meter or quantities else None,
        values,
        unvalued,
        list(_waiting(usage, counts, reasons, values, unvalued)),
    )


def _waiting(
    usage: Usage,
    counts: Mapping[Bucket, int],
    reasons: Mapping[Reason, int],
    values: Mapping[Bucket, Sequence[Money]],
    unvalued: Mapping[Bucket, int],
) -> Iterator[Waiting]:
    """What waits of one row.

    A meter measures what has a customer or none, never both in one row, and what no meter takes has no value:
    so the row's suspense value is that of one reason.
    """
    valued = Reason.NO_CUSTOMER if usage.customer is None else Reason.NO_CONTRACT
    oldest = usage.month.date()
    for reason, events in reasons.items():
        if events and reason is valued:
            yield Waiting(
                Place.SUSPENSE,
                reason,
                events,
                tuple(values[Bucket.SUSPENSE]),
                unvalued[Bucket.SUSPENSE] - reasons[Reason.NO_METER],
                oldest,
            )
        elif events:
            yield Waiting(Place.SUSPENSE, reason, events, (), events, oldest)
    held: Mapping[Bucket, Why] = {Bucket.HELD_LATE: Late.AFTER_THE_CUT, Bucket.HELD: Reason.PRICING_FAILED}
    for bucket, why in held.items():
        if counts[bucket]:
            yield Waiting(Place(bucket), why, counts[bucket], tuple(values[bucket]), unvalued[bucket], oldest)


def _unbilled(period: Settled) -> Waiting:
    return Waiting(
        Place.UNBILLED,
        Unbilled.NOT_FINALIZED if period.final else Unbilled.PERIOD_OPEN,
        0,
        (period.unbilled,),
        0,
        period.start_date,
    )
