"""The example's year, scored day by day as it would have been, and judged by the months that followed."""

from lab.departures.panels import airlines
from services.signals.domain.backtest import Backtest, Said, backtest
from services.signals.domain.panel.points import points_of
from services.signals.domain.policy import Policy
from shared.values.period import add_months


def backtest_of_the_year(policy: Policy) -> Backtest:
    """Evaluate each airline on each day of the year, knowing only the days before it, and judge what was said
    as each month began."""
    panel = airlines()
    months = [add_months(panel.first, number) for number in range(1, 12)]
    said = [
        Said(airline, at, found.score, found.at_risk)
        for airline in panel.customers
        for at, found in points_of(panel, airline, months, policy, daily=True).items()
    ]
    return backtest(said, panel.customers, panel.end)
