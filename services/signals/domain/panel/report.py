"""The report of a panel: what was said of each customer as each month began, against what came of it, beside what a
glance at the calendar is worth."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from services.signals.domain.panel.customer_months import CustomerMonth, customer_months, every_nth
from services.signals.domain.panel.forecasts import forecasts
from services.signals.domain.panel.panel import Panel
from services.signals.domain.panel.points import is_daily, points_of
from services.signals.domain.panel.sections import Label, SaidMonth, Section, section
from services.signals.domain.policy import Policy


@dataclass(frozen=True, slots=True)
class PanelReport:
    """`judged` are the months for which a forecast had outcomes to learn from, all months where none had. `unfitted`:
    the months before those. `of_the_book`: the same months as `judged`, a loss being one against the book's use."""

    panel: str
    policy: str
    first: date
    end: date
    customers: int
    #: Every n-th customer by name is judged; 1: each.
    every: int
    #: Of the days of all customers, each from its first use on.
    share_without_use: float
    daily_points: bool
    judged: Section
    unfitted: Section | None
    of_the_book: Section | None


def panel_report(panel: Panel, policy: Policy) -> PanelReport:
    """Judge every score on a panel. Deterministic: the same panel and policy give the same report."""
    months = customer_months(panel)
    at_of = _months_by_customer(months)
    daily = is_daily(panel, at_of)
    points = {customer: points_of(panel, customer, at, policy, daily=daily) for customer, at in at_of.items()}
    said = [SaidMonth(one, points[one.customer][one.at].score) for one in months]
    label = Label.RECORDED if panel.outcomes else Label.MATERIAL
    found = forecasts(months, label.is_lost)
    judged = [one for one in said if found.is_told(one.month.at)]
    early = [one for one in said if not found.is_told(one.month.at)] if judged else []
    of_the_book = forecasts(months, Label.OF_THE_BOOK.is_lost) if label is Label.MATERIAL else None
    return PanelReport(
        panel.name,
        policy.version,
        panel.first,
        panel.end,
        len(panel.customers),
        every_nth(panel),
        _share_without_use(panel),
        daily,
        section(judged or said, found, label),
        section(early, found, label) if early else None,
        section(judged or said, of_the_book, Label.OF_THE_BOOK) if of_the_book and said else None,
    )


def _share_without_use(panel: Panel) -> float:
    spans = [(one.first_day(), one.days_before(panel.end)) for one in panel.customers.values()]
    days = sum((panel.end - first).days for first, _ in spans if first)
    return 1 - sum(used for _, used in spans) / days if days else 0.0


def _months_by_customer(months: Sequence[CustomerMonth]) -> dict[str, list[date]]:
    """The oldest first."""
    found: dict[str, list[date]] = {}
    for one in months:
        found.setdefault(one.customer, []).append(one.at)
    return found
