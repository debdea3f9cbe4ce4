"""`u2c bench`: the options, and what is printed."""

import asyncio
from collections.abc import Callable
from typing import Annotated

import typer

from u2c.bench.figures import Figures, show
from u2c.bench.run import BooksBroken, Wanted, bench
from u2c.printing import AsJson, console, print_json
from u2c.settings import Bus

BROKEN = 1
GOAL_RATE = 30_000                                             # bodies are written for this rate; sending ends with the seconds or with them
SHOWN_MAX = 20


def command(
    bus: Annotated[Bus, typer.Option("--bus", help="The bus between the services; kafka starts a broker of its own")] = "postgres",
    seconds: Annotated[float, typer.Option("--seconds", min=1, help="How long to send")] = 60.0,
    events: Annotated[int, typer.Option("--events", min=0, help="Send at most so many events; 0: as many as 30,000 a second, or the rate")] = 0,
    customers: Annotated[int, typer.Option("--customers", min=1, help="Customers, each with a contract of five lines")] = 10_000,
    rate: Annotated[float, typer.Option("--rate", min=0, help="Events a second to offer; 0: as fast as the door takes them")] = 0.0,
    stored: Annotated[int, typer.Option("--stored", min=0, help="Store so many events before measuring: cost an event as the database grows")] = 0,
    signals: Annotated[bool, typer.Option("--signals/--without-signals", help="Run the signals service; the difference is its cost")] = True,
    as_json: AsJson = False,
) -> None:
    """Measure events a second until they are visible money. Exit 0: figures; 1: the books do not hold, so there are none."""
    words = console(as_json)
    wanted = Wanted(bus, seconds, events or int((rate or GOAL_RATE) * seconds), customers, rate, stored, signals)
    try:
        figures = asyncio.run(_run(wanted, words.print))
    except BooksBroken as broken:
        for fault in broken.args[:SHOWN_MAX]:
            words.print(f"[bold red]BREAK[/] {fault}", soft_wrap=True)
        words.print(f"{len(broken.args)} faults: no figure is given for books that do not hold.")
        raise typer.Exit(BROKEN) from None
    show(figures, words)
    if as_json:
        print_json(figures.shown())


async def _run(wanted: Wanted, say: Callable[[str], None]) -> Figures:
    async with bench(wanted, say) as running:
        return await running.run()
