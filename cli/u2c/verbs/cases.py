"""`u2c cases`: worked examples from outside, held against the product."""

from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import Annotated, Any

import typer

from u2c.api import WRONG
from u2c.cases.case import SHIPPED, cases_in
from u2c.cases.runner import Outcome, Verdict, counts, run
from u2c.printing import AsJson, print_json

VERDICTS: tuple[Verdict, ...] = ("passed", "failed", "not_offered", "later")


def command(
    folder: Annotated[
        Path, typer.Option("--cases", envvar="U2C_CASES", help="A folder with one JSON file a group")
    ] = SHIPPED,
    as_json: AsJson = False,
) -> None:
    """Answer worked examples: one line a failure, counts a group, and exit code 1 where anything fails. `later` are
    those whose rule the product knows and does not offer yet, by their model and terms."""
    outcomes = run(cases_in(folder))
    found = counts(outcomes)
    if as_json:
        print_json(_shown(outcomes))
    else:
        _print(outcomes)
    if found["failed"]:
        raise typer.Exit(WRONG)


def _print(outcomes: Sequence[Outcome]) -> None:
    for outcome in outcomes:
        if outcome.verdict == "failed":
            typer.echo(
                f"{outcome.case.id} expected {_told(outcome.expected)} got {outcome.reason or _told(outcome.got)}"
            )
    for group, of_group in groupby(outcomes, key=lambda outcome: outcome.case.group):
        typer.echo(f"{group}: {_counted(list(of_group), VERDICTS)}")
    typer.echo(_counted(outcomes, ("later",)))
    typer.echo(_counted(outcomes, ("passed", "failed", "not_offered")))


def _counted(outcomes: Sequence[Outcome], verdicts: Sequence[Verdict]) -> str:
    found = counts(outcomes)
    return ", ".join(f"{found[verdict]} {verdict.replace('_', ' ')}" for verdict in verdicts)


def _told(values: dict[str, Any]) -> str:
    return ", ".join(f"{key}: {_plain(value)}" for key, value in values.items())


def _plain(value: object) -> object:
    """A value as a reader compares it: decimals as digits."""
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value if isinstance(value, bool | None) else str(value)


def _shown(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    found = counts(outcomes)
    return {
        **{verdict: found[verdict] for verdict in VERDICTS},
        "groups": {
            group: {verdict: counts(of_group)[verdict] for verdict in VERDICTS}
            for group, of_group in (
                (group, list(some))
                for group, some in groupby(outcomes, key=lambda outcome: outcome.case.group)
            )
        },
        "failures": [
            {"id": one.case.id, "expected": _plain(one.expected), "got": _plain(one.got) or one.reason}
            for one in outcomes
            if one.verdict == "failed"
        ],
        "unanswered": [
            {"id": one.case.id, "verdict": one.verdict, "reason": one.reason}
            for one in outcomes
            if one.verdict in ("not_offered", "later")
        ],
    }
