"""What a report of a panel comes to, in sentences: what can be told, what cannot, and whether a score is worth more than
a glance at the calendar."""

from collections.abc import Iterator

from services.signals.domain.panel.report import PanelReport
from services.signals.domain.panel.sections import Label, Measured, Score, Section

#: Intervals of so few customers with losses are said to rest on few.
FEW_CUSTOMERS = 5
#: Score → its name, and the verbs that agree with it.
NAMES = {
    Score.POINTS: ("The policy's points", "do", "are", "beat"),
    Score.SCORE_P: ("score_p", "does", "is", "beats"),
    Score.P_RENEW: ("p_renew", "does", "is", "beats"),
}
LOST = {
    Label.MATERIAL: "Lost: 60 days in a row without use within the next three months, or a rate more than 25 % below the "
    "three months before and beyond three standard deviations.",
    Label.OF_THE_BOOK: "Lost of the book: the same, a fall being one of the customer's ratio against that of all customers.",
    Label.RECORDED: "Lost: an outcome churned or contracted was recorded within the next three months.",
}


def about_the_panel(report: PanelReport) -> Iterator[str]:
    """How it was read."""
    yield (
        f"A day without a row counts as no use: so {report.share_without_use:.0%} of the days from a customer's first use "
        "on."
    )
    if report.every > 1:
        yield f"So many customers would take minutes: one in {report.every}, evenly by name, is judged."
    if not report.daily_points and report.judged.months:
        yield "So many days would take minutes: the policy's points are evaluated at the first day of each month alone."


def about_the_section(report: PanelReport, section: Section) -> Iterator[str]:
    """What its figures are worth."""
    if not section.months:
        yield _nothing_judged(report)
        return
    yield LOST[section.label]
    if section.losses in (0, section.months):
        who = "Nobody" if not section.losses else "Everybody"
        yield f"{who} was lost in these {section.months:,} customer-months: there is nothing to order, and no score is measured."
        return
    yield from _about_losses(section)
    yield from _about_forecasts(section)
    calendar = section.scores[Score.CALENDAR]
    for score in NAMES:
        found = section.scores[score]
        if found and calendar:
            yield _against_calendar(score, found, calendar)


def _nothing_judged(report: PanelReport) -> str:
    return (
        f"Nothing can be told: from {report.first} until {report.end} (exclusive) no customer can be judged. A month is, with three "
        "whole months of days before its first day and three from it on; a customer, with use on 8 days before that day and in "
        "the 90 before it, and, where outcomes are recorded, with one in the three months after."
    )


def _about_losses(section: Section) -> Iterator[str]:
    loser = section.largest_loser
    if loser is None:
        return
    if section.customers_lost == 1:
        yield f"All losses are of one customer, {loser.customer}: every figure rests on it alone, and there is no interval."
        return
    yield f"{loser.customer} has the most losses, {loser.share:.0%} of all; {section.customers_lost:,} customers have any."
    if section.scores[Score.CALENDAR] and section.base_rate_interval is None:
        yield "Only one customer was ever kept: there is no interval."
    elif section.customers_lost < FEW_CUSTOMERS:
        yield f"The intervals rest on {section.customers_lost} customers: they may be wider than they say."


def _about_forecasts(section: Section) -> Iterator[str]:
    if section.scores[Score.P_RENEW] is None:
        yield "p_renew is not told: no outcome had ended before these months."
    elif not section.is_fitted:
        yield f"p_renew is the base rate of the past: {section.outcomes} outcomes had ended, it is fitted from 60 on that differ."
    else:
        forecast, past = section.scores[Score.P_RENEW], section.scores[Score.PAST_BASE_RATE]
        if forecast and past and forecast.found.brier is not None and past.found.brier is not None:
            verb = "below" if forecast.found.brier < past.found.brier else "not below"
            yield (
                f"p_renew's Brier score, {forecast.found.brier:.4f}, is {verb} that of the past's base rate, "
                f"{past.found.brier:.4f}; it is off by {forecast.found.calibration_error:.3f} on average over tenths."
            )


def _against_calendar(score: Score, found: Measured, calendar: Measured) -> str:
    name, does, is_, beats = NAMES[score]
    own, other = found.found.average_precision, calendar.found.average_precision
    told = f"average precision {own:.2f} against {other:.2f}"
    if found.beyond_calendar is None:
        return f"Whether {name[0].lower()}{name[1:]} {beats} days since last use cannot be told of so few customers: {told}."
    low, high = found.beyond_calendar
    between = f"the difference lies between {low:+.2f} and {high:+.2f}"
    if low > 0:
        return f"{name} {beats} days since last use: {told}, {between}."
    if own > other:
        return f"{name} {is_} not shown to beat days since last use: {told}, {between}."
    return f"{name} {does} not beat days since last use: {told}, {between}."
