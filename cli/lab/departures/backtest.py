"""The example's year, scored day by day as it would have been, and judged by the months that followed."""

from collections import defaultdict
from datetime import date, timedelta
from decimal import Decimal

from lab.departures.schedule import read_schedule
from lab.departures.year import NEW_YORK, read_flights
from services.signals.domain.backtest import Backtest, Said, backtest
from services.signals.domain.customer_day import Contract, Customer, Known, Meter
from services.signals.domain.evaluation import evaluate
from services.signals.domain.policy import Policy
from services.signals.domain.rollup import fresh
from services.signals.domain.state import CustomerState
from shared.pricing.inputs import VersionInForce
from shared.pricing.language import parse_terms

METER = "departures"
FIRST, END = date(2013, 1, 1), date(2014, 1, 1)
Days = dict[date, int]


def backtest_of_the_year(policy: Policy) -> Backtest:
    """Evaluate each airline on each day of the year, knowing only the days before it, and judge what was said
    as each month began."""
    history, contracts = _flown(), _contracts()
    said = [
        one
        for airline, days in history.items()
        for one in _said(airline, days, contracts.get(airline, []), policy)
    ]
    return backtest(said, history, END)


def _said(airline: str, days: Days, contracts: list[Contract], policy: Policy) -> list[Said]:
    rollup, found, day, state = fresh(METER, FIRST), [], FIRST, CustomerState()
    customer = Customer(
        airline, airline, str(NEW_YORK), {METER: rollup}, {METER: Meter(True, METER)}, contracts
    )
    while day < END:
        evaluated = evaluate(Known(customer, day, None, policy), state)
        state, risk = evaluated.state, evaluated.document["risk"]
        if day.day == 1 and day > FIRST:
            found.append(Said(airline, day, risk["score"], risk["at_risk"]))
        rollup.add(day, days.get(day, 0), Decimal(days.get(day, 0)))
        day += timedelta(days=1)
    return found


def _flown() -> dict[str, Days]:
    """Airline → New York day → departures that were not cancelled."""
    history: dict[str, Days] = defaultdict(dict)
    for flight in read_flights():
        if flight.delay is not None:
            day = flight.scheduled.astimezone(NEW_YORK).date()
            history[flight.carrier][day] = history[flight.carrier].get(day, 0) + 1
    return dict(history)


def _contracts() -> dict[str, list[Contract]]:
    """Airline → its contract as it was signed; amendments change prices, which the score does not look at."""
    found = [parse_terms(recorded.document) for recorded in read_schedule() if not recorded.amends]
    return {
        terms.customer: [Contract(terms.contract, [VersionInForce(1, terms.effective_at, terms, terms.hash)])]
        for terms in found
    }
