"""`u2c bench`: the options, and what is printed."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated

import typer
from rich.console import Console

from lab.bench.against import PAIRS, Comparison, compare
from lab.bench.against import show as show_comparison
from lab.bench.checkout import Checkout, own
from lab.bench.door import DoorWanted, measure_door, show_door
from lab.bench.figures import Figures, show
from lab.bench.run import CLIENT, BooksBroken, Wanted, bench
from u2c.printing import AsJson, console, print_json
from u2c.settings import Bus

BROKEN = 1
GOAL_RATE = 30_000  # bodies are written for this rate; sending ends with the seconds or with them
SHOWN_MAX = 20


app = typer.Typer()
Against = Annotated[
    str | None,
    typer.Option(
        "--against", metavar="REV", help="Compare with that commit: both in turns, medians and what differs"
    ),
]
Pairs = Annotated[int, typer.Option("--pairs", min=1, help="How many runs of each, with --against")]
OnBus = Annotated[
    Bus, typer.Option("--bus", help="The bus between the services; kafka starts a broker of its own")
]
Seconds = Annotated[float, typer.Option("--seconds", min=1, help="How long to send")]
Events = Annotated[
    int,
    typer.Option(
        "--events", min=0, help="Send at most so many events; 0: as many as 30,000 a second, or the rate"
    ),
]
Customers = Annotated[
    int, typer.Option("--customers", min=1, help="Customers, each with a contract of five lines")
]
Rate = Annotated[
    float, typer.Option("--rate", min=0, help="Events a second to offer; 0: as fast as the door takes them")
]
Stored = Annotated[
    int,
    typer.Option(
        "--stored", min=0, help="Store so many events before measuring: cost an event as the database grows"
    ),
]
WithSignals = Annotated[
    bool,
    typer.Option("--signals/--without-signals", help="Run the signals service; the difference is its cost"),
]


@app.callback(invoke_without_command=True)
def command(
    context: typer.Context,
    bus: OnBus = "postgres",
    seconds: Seconds = 60.0,
    events: Events = 0,
    customers: Customers = 10_000,
    rate: Rate = 0.0,
    stored: Stored = 0,
    signals: WithSignals = True,
    against: Against = None,
    pairs: Pairs = PAIRS,
    as_json: AsJson = False,
) -> None:
    """Measure events a second until they are visible money. Exit 0: figures; 1: the books do not hold, so
    there are none."""
    if context.invoked_subcommand is not None:
        return
    words, events_max = console(as_json), events or int((rate or GOAL_RATE) * seconds)
    wanted = Wanted(bus, seconds, events_max, customers, rate, stored, signals, bare=against is None)
    if against is not None and not signals:
        raise typer.BadParameter(
            "a commit is driven by its own `u2c up`, which starts all services",
            param_hint="--without-signals",
        )
    with _books_that_hold(words):
        if against is None:
            figures = asyncio.run(_run(wanted, words.print))
        else:
            comparison = asyncio.run(
                compare(
                    against, pairs, lambda checkout: _compared(wanted, checkout, words.print), words.print
                )
            )
    if against is not None:
        _show_comparison(comparison, words, as_json)
        return
    show(figures, words)
    if as_json:
        print_json(figures.shown())


@contextmanager
def _books_that_hold(words: Console) -> Iterator[None]:
    """Exit by BROKEN where the books turn out not to hold, and say why."""
    try:
        yield
    except BooksBroken as broken:
        for fault in broken.args[:SHOWN_MAX]:
            words.print(f"[bold red]BREAK[/] {fault}", soft_wrap=True)
        words.print(f"{len(broken.args)} faults: no figure is given for books that do not hold.")
        raise typer.Exit(BROKEN) from None


@app.command()
def door(
    events: Annotated[int, typer.Option("--events", min=1, help="Events of a round")] = 200_000,
    rounds: Annotated[
        int,
        typer.Option(
            "--rounds", min=1, help="How often the same events are sent, after one round that warms up"
        ),
    ] = 5,
    against: Against = None,
    pairs: Pairs = PAIRS,
    as_json: AsJson = False,
) -> None:
    """CPU of the door's process an event, over bodies that are the same every time, while nothing else
    runs."""
    words, wanted = console(as_json), DoorWanted(events, rounds)
    if against is None:
        found = asyncio.run(measure_door(own(), wanted, words.print))
        show_door(found, wanted, words)
        if as_json:
            print_json({"events": events, "rounds": rounds, **found})
        return
    comparison = asyncio.run(
        compare(against, pairs, lambda checkout: measure_door(checkout, wanted, words.print), words.print)
    )
    _show_comparison(comparison, words, as_json)


def _show_comparison(comparison: Comparison, words: Console, as_json: bool) -> None:
    show_comparison(comparison, words)
    if as_json:
        print_json(comparison.shown())


async def _compared(wanted: Wanted, checkout: Checkout, say: Callable[[str], None]) -> dict[str, float]:
    """What two commits are compared by: CPU an event, in all and by process, rate and latency. The client is
    this checkout's for both."""
    async with bench(wanted, say, checkout) as running:
        figures = await running.run()
    by_process = {
        f"cpu_us_per_event_{name}": round(seconds / figures.unique_events * 1e6, 2)
        for name, seconds in figures.cpu_s.items()
        if name != CLIENT
    }
    latency = {"latency_p50_s": figures.latency_p50_s, "latency_p99_s": figures.latency_p99_s}
    return {
        "cpu_us_per_event": round(sum(by_process.values()), 2),
        **by_process,
        "events_per_s": figures.events_per_s,
        **{name: value for name, value in latency.items() if value is not None},
        "wal_bytes_per_event": figures.bytes_per_event["wal"],
    }


async def _run(wanted: Wanted, say: Callable[[str], None]) -> Figures:
    async with bench(wanted, say) as running:
        return await running.run()
