"""List what is in suspense, valued at list price."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from services.rating.catalogue.domain.meter import Meter
from services.rating.catalogue.repository import CatalogueRepository
from services.rating.disposition.domain.verdict import Reason
from services.rating.disposition.repository.suspense import SuspenseRepository
from services.rating.disposition.rows import SuspenseFilter, SuspenseRow
from services.rating.metering.repository.readings import SUBJECT_ALONE
from services.rating.metering.usage.domain import Stretch
from services.rating.metering.usecases.read_quantities import UsageAsked, read_quantities
from services.rating.statements.repository.charged import Charged, charged_before, charged_elsewhere, of_meter
from shared.db.unit_of_work import UnitOfWork
from shared.errors import AppError
from shared.values.money import Money, Rounding, currency, settle
from shared.values.period import month_after


@dataclass(frozen=True, slots=True)
class Suspended:
    """Events of one owner, type and UTC month that nobody pays for yet, and their worth (None: no meter of
    the type has a list price)."""

    owner: str
    customer_id: str | None
    type: str
    month: datetime
    reason: Reason
    events: int
    quantity: Decimal | None
    value: Money | None

    @property
    def place(self) -> tuple[str, str, str, str]:
        return self.owner, self.type, f"{self.month:%Y-%m}", self.reason


@dataclass(frozen=True, slots=True)
class SuspenseTotal:
    """What waits for one reason, in one currency; None: nobody can value it."""

    reason: Reason
    owners: int
    events: int
    value: Money | None


#: Currency, minor units (negative, so that what is worth most comes first), owner, type, month, reason.
ValuePlace = tuple[str, int, str, str, str, str]
#: After every currency.
_NO_CURRENCY = "~"
#: So many rows are valued to be sorted or summed.
VALUED_MAX = 10_000


class SuspenseTooLarge(AppError):
    """To be sorted or summed by worth all of it is valued, and so much is not at once."""


async def suspended(
    uow: UnitOfWork, wanted: SuspenseFilter, after: Sequence[str] | None, limit: int
) -> list[Suspended]:
    """Return suspense by owner (external id, or a subject nobody knows), type, month and reason."""
    repository = SuspenseRepository(uow.connection)
    rows = await repository.waiting(wanted, after, limit)
    priced = {
        meter.event_type: meter
        for meter in await CatalogueRepository(uow.connection).meters()
        if meter.list_price
    }
    covered = await repository.covered(sorted({row.customer_id for row in rows if row.customer_id}))
    elsewhere = await _charged(uow, rows, wanted.subject)
    asked, numbers = [], []
    for number, row in enumerate(rows):
        if row.type not in priced or row.reason == "no_meter":
            continue
        owner = _counted_of(row, wanted.subject)
        month = (max(row.month, wanted.start), min(month_after(row.month), wanted.end))
        meter = priced[row.type].meter
        for lower, upper in gaps(month, covered.get(row.customer_id or "", [])):
            asked.append(
                UsageAsked(
                    owner,
                    Stretch(meter, lower, upper, ()),
                    of_meter(elsewhere.get(owner, ()), meter, lower, upper),
                )
            )
            numbers.append(number)
    quantities: dict[int, Decimal] = {}
    for number, found in zip(numbers, await read_quantities(uow, asked), strict=True):
        quantities[number] = quantities.get(number, Decimal(0)) + found.get((), Decimal(0))
    return [_suspended(row, priced.get(row.type), quantities.get(number)) for number, row in enumerate(rows)]


def _counted_of(row: SuspenseRow, subject: str | None) -> str:
    """Whose usage is valued: that of the subjects whose events are counted."""
    return f"{SUBJECT_ALONE}{subject or row.owner}" if subject or row.customer_id is None else row.customer_id


async def _charged(
    uow: UnitOfWork, rows: Sequence[SuspenseRow], subject: str | None
) -> dict[str, list[Charged]]:
    """Whose usage is valued → what of it other customers' final statements charge."""
    customers = [row.customer_id for row in rows if row.customer_id]
    found = await charged_elsewhere(uow.connection, customers)
    if subject is not None:
        of_it = [one for charged in found.values() for one in charged if one.apart.subject == subject]
        found = {f"{SUBJECT_ALONE}{subject}": of_it}
    unknown = [row.owner for row in rows if row.customer_id is None]
    for one in await charged_before(uow.connection, unknown, None, None):
        found.setdefault(f"{SUBJECT_ALONE}{one.apart.subject}", []).append(one)
    return found


async def count_suspended(uow: UnitOfWork, wanted: SuspenseFilter) -> int:
    """How many rows there are, or one more than are counted."""
    return await SuspenseRepository(uow.connection).count(wanted)


async def suspended_by_value(
    uow: UnitOfWork, wanted: SuspenseFilter, after: ValuePlace | None, limit: int
) -> list[Suspended]:
    """Return suspense by currency, of each what is worth most first, and last what nobody can value. Raises
    SuspenseTooLarge."""
    found = sorted(await _all(uow, wanted), key=by_value)
    return [row for row in found if after is None or by_value(row) > after][:limit]


async def total_suspense(uow: UnitOfWork, wanted: SuspenseFilter) -> list[SuspenseTotal]:
    """Return what waits, by reason and currency: sums of the rows as they are listed. Raises SuspenseTooLarge."""
    of: dict[tuple[Reason, str], list[Suspended]] = {}
    for row in await _all(uow, wanted):
        of.setdefault((row.reason, row.value.currency.code if row.value else ""), []).append(row)
    return [
        SuspenseTotal(
            reason,
            len({row.owner for row in rows}),
            sum(row.events for row in rows),
            Money(sum(row.value.minor for row in rows if row.value), currency(code)) if code else None,
        )
        for (reason, code), rows in sorted(of.items())
    ]


def by_value(row: Suspended) -> ValuePlace:
    """Where a row stands: what cannot be valued has no currency, and comes last."""
    if row.value is None:
        return (_NO_CURRENCY, 0, *row.place)
    return (row.value.currency.code, -row.value.minor, *row.place)


async def _all(uow: UnitOfWork, wanted: SuspenseFilter) -> list[Suspended]:
    found = await suspended(uow, wanted, None, VALUED_MAX + 1)
    if len(found) > VALUED_MAX:
        raise SuspenseTooLarge(
            f"there are more than {VALUED_MAX:,} rows; narrow them by reason, type, month or owner, or list them by owner"
        )
    return found


def gaps(
    within: tuple[datetime, datetime], taken: Sequence[tuple[datetime, datetime]]
) -> Iterator[tuple[datetime, datetime]]:
    """Yield what of `within` lies in none of the `taken` ranges, which come by start and may overlap."""
    lower, end = within
    for start, stop in taken:
        if start >= end:
            break
        if start > lower:
            yield lower, start
        lower = max(lower, stop)
    if lower < end:
        yield lower, end


def _suspended(row: SuspenseRow, meter: Meter | None, quantity: Decimal | None) -> Suspended:
    value = None
    if quantity is not None and meter is not None and meter.list_price is not None:
        value = settle(
            quantity * meter.list_price.unit, currency(meter.list_price.currency), Rounding.HALF_UP
        )
    return Suspended(
        row.owner,
        row.customer_id,
        row.type,
        row.month,
        row.reason,
        row.events,
        quantity,
        value,
    )
