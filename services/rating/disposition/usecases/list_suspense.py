"""List what is in suspense, valued at list price."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from services.rating.catalogue.domain.meter import Meter
from services.rating.catalogue.repository import CatalogueRepository
from services.rating.disposition.repository import DispositionRepository
from services.rating.disposition.rows import Reason, SuspenseFilter, SuspenseRow
from services.rating.metering.repository.readings import SUBJECT_ALONE
from services.rating.metering.usage.domain import Stretch
from services.rating.metering.usecases.read_quantities import UsageAsked, read_quantities
from services.rating.statements.repository.charged import charged_before, charged_elsewhere, of_meter
from shared.db.unit_of_work import UnitOfWork
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


async def suspended(
    uow: UnitOfWork, wanted: SuspenseFilter, after: Sequence[str] | None, limit: int
) -> list[Suspended]:
    """Return suspense by owner (external id, or a subject nobody knows), type, month and reason."""
    repository = DispositionRepository(uow.connection)
    rows = await repository.suspense(wanted, after, limit)
    priced = {
        meter.event_type: meter
        for meter in await CatalogueRepository(uow.connection).meters()
        if meter.list_price
    }
    covered = await repository.covered(sorted({row.customer_id for row in rows if row.customer_id}))
    elsewhere = await charged_elsewhere(uow.connection, [row.customer_id for row in rows if row.customer_id])
    for charged in await charged_before(
        uow.connection, [row.owner for row in rows if row.customer_id is None], None, None
    ):
        elsewhere.setdefault(f"{SUBJECT_ALONE}{charged.apart.subject}", []).append(charged)
    asked, numbers = [], []
    for number, row in enumerate(rows):
        if row.type not in priced or row.reason == "no_meter":
            continue
        owner = row.customer_id or f"{SUBJECT_ALONE}{row.owner}"
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
