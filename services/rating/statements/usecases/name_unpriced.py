"""Usage that terms leave unpriced is an exception of its line and period: owned, and worth what the list price of the
meter makes of it."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Final

from services.rating.catalogue.domain.meter import Meter
from services.rating.catalogue.repository import CatalogueRepository
from services.rating.statements.domain.due import DueStatement, PricedStatement
from shared.cases import NewCase, open_exception, resolve_exception
from shared.db.unit_of_work import UnitOfWork
from shared.pricing.layouts import layout_of
from shared.pricing.lines import UsageLine
from shared.pricing.results import PricedLine
from shared.values.decimals import plain
from shared.values.money import Rounding, currency, settle

#: The kind of the exception.
UNPRICED: Final = "usage_unpriced"
OWNER: Final = "finance"
#: Groups that an exception names.
NAMED_MAX: Final = 10


async def name_unpriced(uow: UnitOfWork, priced: Sequence[PricedStatement], now: datetime) -> None:
    """Open an exception for each line of these statements with usage that its terms leave unpriced, or bring it up to
    date, and close those of lines that have none any more."""
    meters: dict[str, Meter] | None = None
    for one in priced:
        lines = {line.key: line for line in one.priced.lines}
        for key in _leaving(one.due):
            line = lines.get(key)
            if line is None or not any(segment.unpriced for segment in line.segments):
                await resolve_exception(uow, UNPRICED, _reference(one.due, key), now)
                continue
            meters = meters or await CatalogueRepository(uow.connection).meters_read()
            await open_exception(uow, _case(one.due, line, meters.get(line.meter or "")), now)


def _leaving(due: DueStatement) -> list[str]:
    """The lines whose terms leave usage unpriced in some stretch of the period."""
    return [
        line.key
        for line in layout_of(due.chain, due.period, due.blocks).lines
        if any(isinstance(one.clause, UsageLine) and one.clause.price.leaves_some for one in line.stretches)
    ]


def _case(due: DueStatement, line: PricedLine, meter: Meter | None) -> NewCase:
    left = [segment for segment in line.segments if segment.unpriced]
    groups = sorted(
        {
            ", ".join(f"{name}={value}" for name, value in sorted(segment.group.items())) or "no dimensions"
            for segment in left
        }
    )
    more = f" and {len(groups) - NAMED_MAX} more" if len(groups) > NAMED_MAX else ""
    units = sum([segment.unpriced for segment in left], Decimal(0))
    price = meter.list_price if meter else None
    worth = settle(units * price.unit, currency(price.currency), Rounding.HALF_UP) if price else None
    return NewCase(
        UNPRICED,
        _reference(due, line.key),
        f"{plain(units)} units of {line.key} have no rate: {'; '.join(groups[:NAMED_MAX])}{more}. Add a row for them by a "
        "version that takes force at the period's start, or void the usage.",
        owner=OWNER,
        amount_minor=worth.minor if worth else None,
        currency=worth.currency.code if worth else None,
    )


def _reference(due: DueStatement, key: str) -> str:
    return f"{due.reference} {key}"
