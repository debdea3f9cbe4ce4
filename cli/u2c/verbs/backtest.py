"""`u2c backtest`: for each month, what the renewal-risk score said and what the next three months did, with
precision and recall; on a panel every score, beside what a glance at the calendar is worth."""

import asyncio
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from services.signals.domain.panel.panel import Panel
from services.signals.domain.panel.report import panel_report
from services.signals.domain.policy import Policy
from services.signals.evaluation.answers.customers import BacktestAnswer
from services.signals.settings import read_policy
from shared.environment_fault import EnvironmentFault
from shared.runtime.clock import machine_now
from u2c.api import Api, OfDatabase
from u2c.event_files import UnreadableFile
from u2c.lab import of_the_lab
from u2c.panel_documents import panel_document, show_panel
from u2c.panel_files import read_panel
from u2c.printing import AsJson, console, print_json

OF_THE_EXAMPLE = ("airlines", "routes")
USAGE = 2


def command(
    live: Annotated[
        bool, typer.Option("--live", help="Judge what a running deployment has said, by its stored history")
    ] = False,
    panel: Annotated[
        str,
        typer.Option(
            "--panel",
            metavar="airlines|routes|FILE",
            help="Judge every score on the example's airlines or routes, or on a CSV file: customer,day,events and, "
            "where it is known, outcome; gzip too",
        ),
    ] = "",
    policy: Annotated[
        str,
        typer.Option(
            "--policy",
            help="With the example year or a panel: a policy file to try instead of the one in force",
        ),
    ] = "",
    database: OfDatabase = None,
    as_json: AsJson = False,
) -> None:
    """Back-test the score: on the example's year of departures, which is in a checkout, with --live on a
    running deployment's own history, or on a panel of what customers did by day."""
    if live and (policy or panel):
        raise typer.BadParameter(
            "--policy and --panel try a policy on what is known; what a deployment has said cannot be said anew"
        )
    if panel:
        _judge_panel(panel, policy, as_json)
        return
    found = asyncio.run(_live(database)) if live else _year(policy)
    if as_json:
        print_json(found)
    else:
        _show(console(), found)


def _judge_panel(panel: str, policy: str, as_json: bool) -> None:
    report = panel_report(_panel(panel), _policy(policy))
    if as_json:
        print_json(panel_document(report))
    else:
        show_panel(console(), report)


async def _live(database: str | None) -> dict[str, Any]:
    async with Api("signals") as signals:
        answer: dict[str, Any] = await signals.get("/v1/backtest")
        return answer


def _year(policy_path: str) -> dict[str, Any]:
    year, policy = of_the_lab("departures.backtest", "backtest"), _policy(policy_path)
    answer: dict[str, Any] = BacktestAnswer.of(year.backtest_of_the_year(policy), policy.version).as_json()
    return answer


def _policy(path: str) -> Policy:
    if path and not Path(path).is_file():
        raise EnvironmentFault(
            f"There is no policy file {path}.", "Copy services/signals/policy.yaml and change it."
        )
    return read_policy(path)


def _panel(name: str) -> Panel:
    """Of the example, or of a file. What is no panel ends the command with 2 and one sentence."""
    if name in OF_THE_EXAMPLE:
        found: Panel = of_the_lab("departures.panels", f"backtest --panel {name}").PANELS[name]()
        return found
    try:
        return read_panel(Path(name), machine_now().date())
    except UnreadableFile as fault:
        print(f"u2c: {fault}", file=sys.stderr)
        raise typer.Exit(USAGE) from fault


def _show(words: Console, found: dict[str, Any]) -> None:
    table = Table(
        title="What the score said, and what the next three months did",
        title_justify="left",
        box=SIMPLE,
        pad_edge=False,
    )
    for column in ("as the month began", "customers", "called at risk", "lost", "called and lost"):
        table.add_column(column, justify="left" if column.startswith("as") else "right")
    for month in found["months"]:
        table.add_row(
            month["at"], *(_known(month[name]) for name in ("customers", "called", "lost", "called_and_lost"))
        )
    words.print(table)
    for one in found["judged"]:
        if one["said"]["at_risk"] or one["lost"]:
            change = "" if one["lost"] is None else f"{one['change']} by day"
            words.print(
                f"  {one['said']['at']} {one['said']['customer']:6} score {one['said']['score']:3} "
                f"{'called' if one['said']['at_risk'] else 'missed':6} {_verdict(one['lost'])}  {change}",
                highlight=False,
            )
    words.print(
        "called: it was at risk as the month began; missed: lost and not called; ?: the three months before or after are not "
        "all known, or it was not used of late.\n"
        "-0.4 by day: 40 % fewer events a day in the three months than in those before.",
        highlight=False,
    )
    words.print(
        "Lost: 60 days in a row without use, or a fall of more than 25 % by day against the three months before, beyond three "
        "standard deviations.\n"
        f"Precision {_known(found['precision'])}, recall {_known(found['recall'])}, policy {found['policy']}.",
        *_worth(found["worth"]),
        sep="\n",
        highlight=False,
    )


def _worth(found: dict[str, Any]) -> Iterator[str]:
    """What the points are worth, with 95 % intervals, beside a glance at the calendar; on whom that rests."""
    yield f"{found['months']} customer-months of {found['customers']} customers can be judged, {found['losses']} lost."
    if loser := found["largest_loser"]:
        yield f"{loser['customer']} has the most losses, a share of {loser['share']}."
    for name in ("points", "days_since_last_use"):
        if (score := found[name]) is not None:
            measures = ("auc", "average_precision", "precision_at_losses")
            shown = (
                f"{one.replace('_', ' ')} {score[one]} {_between(score[f'{one}_interval'])}"
                for one in measures
            )
            yield f"{name.replace('_', ' ')}: {', '.join(shown)}"


def _between(interval: dict[str, str] | None) -> str:
    return (
        f"({interval['low']} to {interval['high']})" if interval else "(no interval: losses of one customer)"
    )


def _verdict(lost: bool | None) -> str:
    return "?" if lost is None else "lost" if lost else "kept"


def _known(value: object) -> str:
    return "-" if value is None else str(value)
