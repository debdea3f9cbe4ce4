"""`u2c backtest`: for each month, what the renewal-risk score said and what the next three months did, with
precision and recall."""

import asyncio
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from services.signals.evaluation.answers.customers import BacktestAnswer
from services.signals.settings import read_policy
from shared.environment_fault import EnvironmentFault
from u2c.api import Api, OfDatabase
from u2c.lab import of_the_lab
from u2c.printing import AsJson, console, print_json


def command(
    live: Annotated[
        bool, typer.Option("--live", help="Judge what a running deployment has said, by its stored history")
    ] = False,
    policy: Annotated[
        str,
        typer.Option(
            "--policy", help="With the example year: a policy file to try instead of the one in force"
        ),
    ] = "",
    database: OfDatabase = None,
    as_json: AsJson = False,
) -> None:
    """Back-test the score: on the example's year of departures, which is in a checkout, or with --live on a
    running deployment's own history."""
    if live and policy:
        raise typer.BadParameter(
            "--policy tries a policy on the example year; what a deployment has said cannot be said anew"
        )
    found = asyncio.run(_live(database)) if live else _year(policy)
    if as_json:
        print_json(found)
    else:
        _show(console(), found)


async def _live(database: str | None) -> dict[str, Any]:
    async with Api("signals") as signals:
        answer: dict[str, Any] = await signals.get("/v1/backtest")
        return answer


def _year(policy_path: str) -> dict[str, Any]:
    year = of_the_lab("departures.backtest", "backtest")
    if policy_path and not Path(policy_path).is_file():
        raise EnvironmentFault(
            f"There is no policy file {policy_path}.", "Copy services/signals/policy.yaml and change it."
        )
    policy = read_policy(policy_path)
    answer: dict[str, Any] = BacktestAnswer.of(year.backtest_of_the_year(policy), policy.version).as_json()
    return answer


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
            change = (
                ""
                if one["lost"] is None
                else f"{one['change']} by day"
                if one["change"] is not None
                else "no use before"
            )
            words.print(
                f"  {one['said']['at']} {one['said']['customer']:6} score {one['said']['score']:3} "
                f"{'called' if one['said']['at_risk'] else 'missed':6} {_verdict(one['lost'])}  {change}",
                highlight=False,
            )
    words.print(
        "called: it was at risk as the month began; missed: lost and not called; ?: the three months are not over.\n"
        "-0.4 by day: 40 % fewer events a day in the three months than in those before.",
        highlight=False,
    )
    words.print(
        f"Lost: a fall of more than 25 % by day against the three months before, or 60 days without use.\n"
        f"Precision {_known(found['precision'])}, recall {_known(found['recall'])}, policy {found['policy']}.",
        highlight=False,
    )


def _verdict(lost: bool | None) -> str:
    return "?" if lost is None else "lost" if lost else "kept"


def _known(value: object) -> str:
    return "-" if value is None else str(value)
