"""The demo's year without its services: the contracts of its schedule, priced over all flights, come to what
`expected.py` works out, to the cent, and `recompute.py` works each document out again."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cache, partial
from itertools import islice
from typing import Any

import msgspec
import pytest

from lab.departures.figures import MONTHS, Expected, Mismatch, compare, expected_figures
from lab.departures.schedule import Recorded, read_schedule
from lab.departures.year import EXAMPLES, NEW_YORK, Flight, read_flights
from shared.pricing import EMPTY, PricedPeriod, ServicePeriod, Terms, Totals, VersionInForce, parse_terms
from shared.pricing.blocks.parts import parts_due
from shared.pricing.language import content_hash
from shared.pricing.succession import price_periods
from shared.values.groups import Group
from shared.values.money import currency as currency_of
from shared.values.money import format_minor, to_decimal
from tests.services.billing.documents.test_recompute import exported, recompute

GRACE, USD = timedelta(hours=72), currency_of("USD")
PUBLISHED = EXAMPLES / "departures_expected_8_of_16.json"


@cache
def expected() -> Expected:
    return expected_figures()


@cache
def flown() -> dict[str, list[Flight]]:
    """Airline → its flights that were not cancelled."""
    flights: dict[str, list[Flight]] = defaultdict(list)
    for flight in read_flights():
        if flight.delay is not None:
            flights[flight.carrier].append(flight)
    return flights


@cache
def scheduled() -> dict[str, list[tuple[Recorded, Terms]]]:
    """Airline → what is recorded of its contract, in order."""
    found: dict[str, list[tuple[Recorded, Terms]]] = defaultdict(list)
    for recorded in read_schedule():
        terms = parse_terms(recorded.document)
        found[terms.customer].append((recorded, terms))
    return found


def known_at(airline: str, instant: datetime) -> tuple[VersionInForce, ...]:
    """The versions of its contract that are recorded by then; the first is, however late."""
    first, *later = scheduled()[airline]
    return tuple(
        VersionInForce(number, terms.effective_at, terms, content_hash(terms))
        for number, (recorded, terms) in enumerate([first, *later], start=1)
        if number == 1 or recorded.at <= instant
    )


def counted(airline: str, needs: Any) -> dict[Totals, dict[Group, Decimal]]:
    return {need: _counted(airline, need) for need in needs}


def _counted(airline: str, need: Totals) -> dict[Group, Decimal]:
    groups: dict[Group, list[Flight]] = defaultdict(list)
    for flight in flown()[airline]:
        if need.start <= flight.scheduled < need.end:
            groups[tuple((name, getattr(flight, name)) for name in need.dimensions)].append(flight)
    return {group: Decimal(_measured(need.meter, flights)) for group, flights in groups.items()}


def _measured(meter: str, flights: list[Flight]) -> int:
    match meter:
        case "departures":
            return len(flights)
        case "miles":
            return sum(flight.distance_miles for flight in flights)
        case "tails":
            return len({flight.tail for flight in flights if flight.tail})
    raise AssertionError(f"{meter} is no meter of the demo")


def closed(airline: str) -> Iterator[tuple[ServicePeriod, PricedPeriod]]:
    """Each month as its close prices it: under what was recorded by then, on what the month before handed over."""
    opening = EMPTY
    for period in islice(scheduled()[airline][0][1].calendar.periods(), len(MONTHS)):
        chain = known_at(airline, period.end + GRACE)
        ((_, priced),) = price_periods(
            chain, [period], partial(counted, airline), period.end + GRACE, opening
        )
        opening = priced.closing
        yield period, priced


@pytest.mark.parametrize("airline", sorted(scheduled()))
def test_each_month_comes_to_what_is_expected_and_is_worked_out_again(airline: str) -> None:
    invoices = {
        one.month: one for one in expected().documents if (one.airline, one.kind) == (airline, "invoice")
    }
    currency = scheduled()[airline][0][1].money
    for period, priced in closed(airline):
        wanted = invoices.pop(f"{period.start_date:%Y-%m}")
        assert (currency.code, format_minor(priced.total_minor, currency)) == (
            wanted.currency,
            f"{wanted.total:f}",
        ), wanted
        assert recompute.check(exported(priced, currency.code)) == []
    assert invoices == {}


def test_every_airline_has_a_contract() -> None:
    assert set(scheduled()) == {one.airline for one in expected().documents}


def test_final_months_that_an_amendment_reaches_get_the_difference() -> None:
    """YV's dearer price is known at September's close: June to August are priced once more under it."""
    notes = {one.month: one.total for one in expected().documents if one.kind == "debit_note"}
    known = known_at("YV", datetime(2013, 10, 4, tzinfo=NEW_YORK))
    found, opening = {}, EMPTY
    for period, invoiced in closed("YV"):
        ((_, now),) = price_periods(known, [period], partial(counted, "YV"), period.end + GRACE, opening)
        opening = now.closing
        if now.total_minor != invoiced.total_minor:
            found[f"{period.start_date:%Y-%m}"] = to_decimal(now.total_minor - invoiced.total_minor, USD)
    assert found == notes and len(notes) == 3


def test_what_is_committed_is_asked_for_once_on_the_first_day() -> None:
    (wanted,) = [one for one in expected().documents if one.kind == "commitment"]
    chain = known_at("US", datetime(2013, 1, 1, tzinfo=NEW_YORK))
    periods = islice(chain[0].terms.calendar.periods(), len(MONTHS) + 1)
    (part,) = [part for period in periods for part in parts_due(chain, period)]
    assert (part.kind, f"{part.start_date:%Y-%m}") == ("commitment", wanted.month)
    assert to_decimal(part.amount_minor, USD) == wanted.total


def test_expected_figures_are_those_that_others_worked_out() -> None:
    published = msgspec.json.decode(PUBLISHED.read_bytes())
    of_month = {(one.airline, one.month): one for one in expected().documents if one.kind == "invoice"}
    flights = {(one.airline, one.month): one for one in expected().flights}
    assert {airline for airline, _ in of_month} > set(published)
    for airline, months in published.items():
        for month, figures in months.items():
            document, flight = of_month[airline, month], flights.get((airline, month))
            assert document.total == Decimal(figures["invoice"])
            assert document.currency == figures.get("currency", "USD")
            assert document.quantity == Decimal(figures.get("unique_tails", figures["departures"]))
            assert str(flight.departures if flight else 0) == figures["departures"]
            assert str(flight.cancelled if flight else 0) == figures["cancelled"]


def test_a_cent_a_document_and_a_void_that_differ_are_named() -> None:
    documents = [_shown(one) for one in expected().documents]
    counts = {
        (one.airline, one.month): {"applied": one.departures, "voided": one.cancelled}
        for one in expected().flights
    }
    assert compare(expected(), documents, counts) == []
    documents[0]["total"] = "0.01"
    documents.append({**documents[1], "kind": "credit_note"})
    del documents[2]
    counts["UA", "2013-03"]["voided"] -= 1
    named = {(one.kind, one.airline, one.figure) for one in compare(expected(), documents, counts)}
    assert named == {
        ("invoice", "UA", "total"),
        ("credit_note", "UA", "documents"),
        ("invoice", "UA", "documents"),
        ("flights", "UA", "voided"),
    }
    assert str(Mismatch("invoice", "UA", "2013-01", "total", "1.00", "0.01")).startswith(
        "MISMATCH invoice UA 2013-01"
    )


def _shown(one: Any) -> dict[str, Any]:
    return {
        "kind": one.kind,
        "customer": one.airline,
        "period": {"start": f"{one.month}-01"},
        "total": f"{one.total:f}",
        "currency": one.currency,
        "lines": [{"kind": "usage", "quantity": f"{one.quantity:f}"}],
    }
