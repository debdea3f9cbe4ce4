"""Small contracts for the tests of pricing, written as people write them."""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from shared.pricing import (
    Group,
    PricedPeriod,
    Terms,
    Totals,
    VersionInForce,
    parse_terms,
    price_period,
    usage_needs,
)
from shared.pricing.language import content_hash
from shared.pricing.needs import FullTotals
from shared.values.period import ServicePeriod, period_between

JANUARY = period_between(date(2026, 1, 1), date(2026, 2, 1), "UTC")


def document(**over: Any) -> dict[str, Any]:
    return {
        "contract": "acme-2026",
        "customer": "acme",
        "currency": "USD",
        "timezone": "UTC",
        "term": {"start": "2026-01-01", "months": 24},
        "lines": [usage_line()],
        **over,
    }


def usage_line(price: Mapping[str, Any] | None = None, **over: Any) -> dict[str, Any]:
    return {
        "key": "api",
        "kind": "usage",
        "meter": "calls",
        "price": price or {"model": "per_unit", "unit": "1"},
        **over,
    }


def terms(**over: Any) -> Terms:
    return parse_terms(document(**over))


def chain(*versions: Terms) -> tuple[VersionInForce, ...]:
    return tuple(
        VersionInForce(number, version.effective_at, version, content_hash(version))
        for number, version in enumerate(versions, start=1)
    )


def price(
    versions: Sequence[VersionInForce],
    *quantities: str | int | Mapping[Group, Decimal],
    period: ServicePeriod = JANUARY,
    explain: bool = True,
) -> PricedPeriod:
    """Price a period; the quantities are those of the needs, in order."""
    return price_period(versions, period, usage_of(versions, *quantities, period=period), explain=explain)


def usage_of(
    versions: Sequence[VersionInForce],
    *quantities: str | int | Mapping[Group, Decimal],
    period: ServicePeriod = JANUARY,
) -> dict[Totals, Mapping[Group, Decimal]]:
    """Those of needs before proration may be left out: nothing is prorated then."""
    needs = usage_needs(versions, period)
    counted = [need for need in needs if not isinstance(need, FullTotals)]
    asked = counted if len(quantities) == len(counted) else needs
    found: dict[Totals, Mapping[Group, Decimal]] = {
        need: quantity if isinstance(quantity, Mapping) else {(): Decimal(quantity)}
        for need, quantity in zip(asked, quantities, strict=True)
    }
    whole = {(need.line_key, need.start, need.end): read for need, read in found.items()}
    return {need: found.get(need, whole[need.line_key, need.start, need.end]) for need in needs}


def amounts(priced: PricedPeriod) -> dict[str, int]:
    return {line.key: line.amount_minor for line in priced.lines}
