"""The year's signals as a person reads them."""

from decimal import Decimal
from typing import Any

from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from lab.departures.signals import YearOfSignals

TOLD_APART = {"invoice.finalized", "renewal.due"}
SHOWN_MAX = 4


def show_signals(console: Console, year: YearOfSignals) -> None:
    """One row an airline: trend at month six, where it stands at the end, last seen, risk, and what was told
    of it."""
    table = Table(
        title="What usage said: signals of the year by airline",
        title_justify="left",
        box=SIMPLE,
        pad_edge=False,
    )
    for column in ("airline", "month six", "year's end", "last seen", "risk"):
        table.add_column(column, no_wrap=True)
    table.add_column("told (newest first)")
    for one in year.standings:
        told = [
            fact
            for fact in year.told
            if fact["customer"] == one["customer"] and fact["type"] not in TOLD_APART
        ]
        table.add_row(
            one["customer"],
            one["trend_month_six"] or "-",
            standing_of(one),
            one["last_seen_on"] or "-",
            risk_of(one),
            _words(told),
        )
    console.print(table)
    console.print(
        "Year's end: use in the last third of the year against the first. Risk: points, and whether that is at risk."
    )
    due = sorted({fact["customer"] for fact in year.told if fact["type"] == "renewal.due"})
    console.print(
        f"Renewal due from 2013-11-02 for {', '.join(due)}. {len(year.told)} signals told, {year.received} received and verified."
    )
    for mismatch in year.mismatches:
        console.print(f"MISMATCH {mismatch}", style="bold red", highlight=False, soft_wrap=True)


def standing_of(one: dict[str, Any]) -> str:
    """Silence before the trend of what there was; a change within chance says that it is."""
    if one["silent_since"]:
        return f"silent since {one['silent_since']}"
    change = one.get("trend_change")
    if not change:
        return str(one["trend"])
    percent = f"{round(Decimal(change) * 100):+d} %"
    return (
        f"{one['trend']} ({percent}, within chance)"
        if one["trend_within_chance"]
        else f"{one['trend']} {percent}"
    )


def risk_of(one: dict[str, Any]) -> str:
    """The score, and in words whether that is at risk."""
    return f"{one['risk_score']}, at risk" if one["at_risk"] else str(one["risk_score"])


def _words(told: list[dict[str, Any]]) -> str:
    names = [f"{fact['type'].removeprefix('customer.')} {fact['day'][5:]}" for fact in told[:SHOWN_MAX]]
    return ", ".join(names) + (f" and {len(told) - SHOWN_MAX} more" if len(told) > SHOWN_MAX else "")
