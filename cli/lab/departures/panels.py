"""The example's year as panels: by airline, with its contracts, and by route, an airline to a destination."""

from collections import defaultdict
from collections.abc import Callable
from datetime import date

from lab.departures.schedule import read_schedule
from lab.departures.year import NEW_YORK, Flight, read_flights
from services.signals.domain.customer_day import Contract
from services.signals.domain.panel.counts import Counts
from services.signals.domain.panel.panel import Panel
from shared.pricing.inputs import VersionInForce
from shared.pricing.language import parse_terms

FIRST, END = date(2013, 1, 1), date(2014, 1, 1)
METER, ZONE = "departures", str(NEW_YORK)


def airlines() -> Panel:
    """Sixteen airlines, with the contracts they signed."""
    flown = _flown(lambda flight: flight.carrier)
    return Panel("airlines", flown, FIRST, END, contracts=_contracts(), timezone=ZONE, meter=METER)


def routes() -> Panel:
    """Airline and destination, without contracts: 313, of which 265 can be judged."""
    flown = _flown(lambda flight: f"{flight.carrier}-{flight.destination}")
    return Panel("routes", flown, FIRST, END, timezone=ZONE, meter=METER)


PANELS: dict[str, Callable[[], Panel]] = {"airlines": airlines, "routes": routes}


def _flown(name: Callable[[Flight], str]) -> dict[str, Counts]:
    """New York day → departures that were not cancelled."""
    history: dict[str, dict[date, int]] = defaultdict(lambda: defaultdict(int))
    for flight in read_flights():
        if flight.delay is not None:
            history[name(flight)][flight.scheduled.astimezone(NEW_YORK).date()] += 1
    return {customer: Counts(days.items()) for customer, days in history.items()}


def _contracts() -> dict[str, list[Contract]]:
    """Airline → its contract as it was signed; amendments change prices, which the score does not look at."""
    found = [parse_terms(recorded.document) for recorded in read_schedule() if not recorded.amends]
    return {
        terms.customer: [Contract(terms.contract, [VersionInForce(1, terms.effective_at, terms, terms.hash)])]
        for terms in found
    }
