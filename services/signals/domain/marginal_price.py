"""What one more unit of each meter is worth to a customer now, by the clauses in force: what tells how much the use of
one meter weighs against that of another."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from services.signals.domain.customer_day import Known
from services.signals.domain.rollup import Rollup
from shared.pricing.lines.usage import UsageLine

#: A price is asked for at use like that of so many days …
DAYS = 28
DAYS_A_MONTH = Decimal(365) / 12
#: … and a tenth more: of one unit more a package says nothing.
MORE = Decimal("0.1")
PLACES = UNITS = Decimal("0.00000001")


@dataclass(frozen=True, slots=True)
class MarginalPrices:
    """Meter → what a unit more costs, in one currency, before discounts. A meter that no contract names is in none."""

    currency: str
    meters: Mapping[str, Decimal]


def marginal_prices(known: Known, meters: Iterable[str]) -> MarginalPrices | None:
    """Return what a unit more of these meters costs; None where they cannot be compared: prices of several currencies,
    one that differs by group, or of a meter that does not add up."""
    found: dict[str, Decimal] = {}
    currencies: set[str] = set()
    wanted = set(meters)
    for contract in known.customer.contracts:
        terms = contract.terms_at(known.began)
        for line in terms.usage_lines:
            if line.meter not in wanted:
                continue
            price = _of_line(known, line)
            if price is None:
                return None
            found[line.meter] = found.get(line.meter, Decimal()) + price
            currencies.add(terms.currency)
    return MarginalPrices(currencies.pop(), found) if len(currencies) == 1 else None


def _of_line(known: Known, line: UsageLine) -> Decimal | None:
    of_catalogue = known.customer.meters.get(line.meter)
    rollup = known.customer.rollups[line.meter]
    used = _used(known, rollup)
    if of_catalogue is None or not of_catalogue.adds_up or line.price.dimensions or used is None:
        return None
    of_period = (used / DAYS * DAYS_A_MONTH).quantize(UNITS)
    more = max((of_period * MORE).quantize(UNITS), Decimal(1))
    price = (_cost(line, of_period + more) - _cost(line, of_period)) / more
    return max(price, Decimal()).quantize(PLACES)


def _used(known: Known, rollup: Rollup) -> Decimal | None:
    found = rollup.value_between(known.day - timedelta(days=DAYS), known.day)
    return max(found, Decimal()) if found is not None else None


def _cost(line: UsageLine, units: Decimal) -> Decimal:
    """What a month with so many units costs."""
    counted = units if line.convert is None else line.convert.of(units)
    return line.price.cost(max(counted - (line.included_units or Decimal()), Decimal()))
