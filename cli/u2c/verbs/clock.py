"""`u2c clock`: show the business clock, or move it forward from due instant to due instant."""

import asyncio
from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Any

import typer

from u2c.api import Api, OfDatabase
from u2c.instant import parse_instant
from u2c.printing import AsJson, console, print_json

app = typer.Typer(
    no_args_is_help=True, help="The business clock: periods and their ends follow it. It only moves forward."
)


@app.command()
def show(database: OfDatabase = None, as_json: AsJson = False) -> None:
    """The business clock, and whether it was moved."""
    _print(asyncio.run(_call(database, None)), as_json)


@app.command()
def advance(
    to: Annotated[
        datetime,
        typer.Argument(
            parser=parse_instant, metavar="TO", help="Instant (RFC 3339) or date (its midnight UTC)"
        ),
    ],
    test_clock: Annotated[
        bool,
        typer.Option(
            "--test-clock", help="Give a deployment that lives by the machine's clock a test clock, for good"
        ),
    ] = False,
    database: OfDatabase = None,
    as_json: AsJson = False,
) -> None:
    """Move the clock of a demo or test deployment (`up --clock-at`) to TO.

    Returns when every service has followed, every period due by then is closed, and the drafts of the open
    ones can be read.
    """
    with console(as_json).status(f"advancing to {to.isoformat()} …"):
        answer = asyncio.run(_call(database, to, test_clock))
    _print(answer, as_json)


async def _call(database: str | None, to: datetime | None, test_clock: bool = False) -> dict[str, Any]:
    async with Api("rating", database) as rating:
        answer: dict[str, Any] = (
            await rating.get("/v1/clock")
            if to is None
            else await rating.post("/v1/clock/advance", {"to": to.isoformat(), "test_clock": test_clock})
        )
        return answer


def _print(answer: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print_json(answer)
        return
    for name, text in told(answer):
        console().print(f"{name:16} {text}".rstrip(), markup=False, highlight=False, soft_wrap=True)


def told(answer: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """The answer in words, a line each: what it is called, and what it is."""
    if "before" in answer:
        yield "before", answer["before"]
    yield "now", answer["now"]
    yield "moved", "yes, it stands until it is advanced" if answer["moved"] else "no, it is the machine's"
    for due in answer.get("due_instants", ()):
        yield "passed", due
    for row in answer.get("instances", ()):
        yield (
            row["service"],
            f"{row['instance']}, {'has followed' if row['acknowledged'] else 'has not followed yet'}",
        )
