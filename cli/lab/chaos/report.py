"""What was done and what was found, as a table and as one object."""

from collections.abc import Sequence
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table

from lab.chaos.faults import Strike
from lab.chaos.played import Played


def show(months: Sequence[Played], words: Console) -> None:
    """One row a kind of fault, then the findings."""
    table = Table(
        "campaign",
        "bus",
        "fault",
        "of",
        "done",
        "work left, least / median",
        "ready again, median / longest",
        title_justify="left",
    )
    for (campaign, bus, kind, target), strikes in _grouped(months).items():
        lags, recoveries = [strike.lag for strike in strikes], _recoveries(strikes)
        ready = f"{median(recoveries):.1f} s / {max(recoveries):.1f} s" if recoveries else "–"
        table.add_row(
            campaign, bus, kind, target, str(len(strikes)), f"{min(lags):,} / {median(lags):,.0f}", ready
        )
    words.print(table)
    for month in months:
        figures = "  ".join(
            f"{name} {value:,}" for name, value in month.figures.items() if isinstance(value, int)
        )
        words.print(
            f"{month.campaign} over {month.bus}, seed {month.seed}, {month.seconds:.0f} s: {figures or 'not compared'}",
            soft_wrap=True,
        )
        for finding in month.findings:
            words.print(f"  [bold red]FOUND[/] {finding}", soft_wrap=True)
    words.print(
        "[green]Everything acknowledged is stored once; K1–K5 hold; every invoice equals the oracle; numbers have no gap.[/]"
        if good(months)
        else "[bold red]Not everything held.[/]"
    )


def good(months: Sequence[Played]) -> bool:
    return bool(months) and not any(month.findings for month in months)


def shown(months: Sequence[Played]) -> dict[str, Any]:
    """The object of --json."""
    return {
        "good": good(months),
        "faults": sum(len(month.strikes) for month in months),
        "strikes": [
            {
                "campaign": campaign,
                "bus": bus,
                "fault": kind,
                "target": target,
                "done": len(strikes),
                "lag_min": min(s.lag for s in strikes),
                "recovery_max_s": round(max(_recoveries(strikes), default=0.0), 2),
            }
            for (campaign, bus, kind, target), strikes in _grouped(months).items()
        ],
        "months": [
            {
                "campaign": month.campaign,
                "bus": month.bus,
                "seed": month.seed,
                "seconds": round(month.seconds, 1),
                "figures": month.figures,
                "findings": month.findings,
            }
            for month in months
        ],
    }


def _recoveries(strikes: Sequence[Strike]) -> list[float]:
    return [strike.recovery_s for strike in strikes if strike.recovery_s is not None]


def _grouped(months: Sequence[Played]) -> dict[tuple[str, str, str, str], list[Strike]]:
    found: dict[tuple[str, str, str, str], list[Strike]] = {}
    for month in months:
        for strike in month.strikes:
            fault = strike.fault
            kind = f"{fault.kind} {fault.point}".strip()
            found.setdefault((month.campaign, month.bus, kind, fault.target), []).append(strike)
    return found
