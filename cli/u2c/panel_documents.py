"""A panel's report as JSON and as tables."""

from dataclasses import fields
from typing import Any

from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from services.signals.domain.panel.intervals import Interval
from services.signals.domain.panel.measures import Measures
from services.signals.domain.panel.report import PanelReport
from services.signals.domain.panel.sections import Label, Measured, Score, Section
from services.signals.domain.panel.words import about_the_panel, about_the_section

PLACES = 6
SHOWN = {
    "auc": "AUC",
    "average_precision": "average precision",
    "precision": "precision = recall at losses",
    "brier": "Brier",
    "calibration_error": "off by",
}
TITLES = {
    Label.MATERIAL: "Material losses",
    Label.OF_THE_BOOK: "Material losses of the book",
    Label.RECORDED: "Recorded losses",
}


def panel_document(report: PanelReport) -> dict[str, Any]:
    """The judged months' figures above, each score an object in `scores`; what stands beside them in `beside`."""
    beside = {"unfitted": report.unfitted, "of_the_book": report.of_the_book}
    return {
        "object": "panel_backtest",
        "panel": report.panel,
        "policy": report.policy,
        "first": report.first.isoformat(),
        "end": report.end.isoformat(),
        "panel_customers": report.customers,
        "judged_one_in": report.every,
        "share_without_use": _rounded(report.share_without_use),
        "points_evaluated": "daily" if report.daily_points else "monthly",
        **_section(report, report.judged),
        "says_of_the_panel": list(about_the_panel(report)),
        "beside": {name: _section(report, one) if one else None for name, one in beside.items()},
    }


def _section(report: PanelReport, section: Section) -> dict[str, Any]:
    loser = section.largest_loser
    return {
        "label": str(section.label),
        "at": [day.isoformat() for day in section.at],
        "months": section.months,
        "customers": section.customers,
        "losses": section.losses,
        "customers_lost": section.customers_lost,
        "base_rate": _rounded(section.base_rate),
        "base_rate_interval": _interval(section.base_rate_interval),
        "largest_loser": {"customer": loser.customer, "share": _rounded(loser.share)} if loser else None,
        "outcomes_before": section.outcomes,
        "is_fitted": section.is_fitted,
        "scores": {str(score): _score(found) for score, found in section.scores.items()},
        "says": list(about_the_section(report, section)),
    }


def _score(found: Measured | None) -> dict[str, Any]:
    """Plain numbers, their intervals beside them; null what cannot be told."""
    shown: dict[str, Any] = {}
    for part in fields(Measures):
        shown[part.name] = _rounded(getattr(found.found, part.name)) if found else None
        shown[f"{part.name}_interval"] = _interval(found.intervals[part.name]) if found else None
    shown["beyond_calendar_interval"] = _interval(found.beyond_calendar) if found else None
    shown["tenths"] = (
        [{"said": _rounded(said), "happened": _rounded(happened)} for said, happened in found.tenths]
        if found and found.tenths
        else None
    )
    return shown


def _rounded(number: float | None) -> float | None:
    return None if number is None else round(number, PLACES)


def _interval(found: Interval | None) -> list[float] | None:
    return None if found is None else [round(end, PLACES) for end in found]


def show_panel(words: Console, report: PanelReport) -> None:
    words.print(
        f"Panel {report.panel}: {report.customers:,} customers, {report.first} until {report.end} (exclusive), policy {report.policy}.",
        *about_the_panel(report),
        sep="\n",
        markup=False,
        highlight=False,
        soft_wrap=True,
    )
    for section in (report.judged, report.unfitted, report.of_the_book):
        if section is not None:
            _show_section(words, report, section)


def _show_section(words: Console, report: PanelReport, section: Section) -> None:
    if section.months:
        words.print(_table(section))
    words.print(*about_the_section(report, section), sep="\n", markup=False, highlight=False, soft_wrap=True)


def _table(section: Section) -> Table:
    share = f"{section.base_rate:.1%}" if section.base_rate is not None else "-"
    between = _between(section.base_rate_interval, "{:.1%}")
    table = Table(
        title=f"\n{TITLES[section.label]}, {section.at[0]} to {section.at[-1]}: {section.customers:,} customers, {section.months:,} "
        f"customer-months, {section.losses:,} lost ({share}{between})",
        title_justify="left",
        box=SIMPLE,
        pad_edge=False,
        caption="95 % intervals in brackets, drawn by customer; off by: probability against what happened, mean over tenths",
        caption_justify="left",
    )
    table.add_column("")
    for name in SHOWN.values():
        table.add_column(name, justify="right")
    for score, found in section.scores.items():
        table.add_row(_name(score), *(_cell(found, name) for name in SHOWN))
    return table


def _name(score: Score) -> str:
    return str(score).replace("_", " ") if score in (Score.PAST_BASE_RATE, Score.CALENDAR) else str(score)


def _cell(found: Measured | None, name: str) -> str:
    number = getattr(found.found, name) if found else None
    if found is None or number is None:
        return "-"
    return f"{number:.2f}{_between(found.intervals[name], '{:.2f}')}" if name != "brier" else f"{number:.4f}"


def _between(found: Interval | None, form: str) -> str:
    return f" [{form.format(found[0])}–{form.format(found[1])}]" if found else ""
