"""`u2c bench`: the options, and what is printed."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Annotated

import typer
from rich.console import Console

from lab.bench import rounds as stage
from lab.bench.against import PAIRS, Comparison, compare
from lab.bench.against import show as show_comparison
from lab.bench.balances import measure_balances
from lab.bench.checkout import Checkout, own
from lab.bench.console_book import BookWanted
from lab.bench.console_pages import ConsoleWanted, measure_console
from lab.bench.console_pages import show as show_pages
from lab.bench.corrections import MONTHS_MAX, CorrectionsWanted, measure_corrections
from lab.bench.corrections import ROUNDS_MAX as CORRECTED_MAX
from lab.bench.door import DoorWanted, measure_door
from lab.bench.figures import Figures, show
from lab.bench.fold import FoldWanted, measure_fold
from lab.bench.gate import ROUNDS_MAX, GateWanted, measure_gate
from lab.bench.idle import IdleWanted, measure_idle
from lab.bench.metering import MeteringWanted, measure_metering
from lab.bench.own_verb import own_rounds
from lab.bench.pricing import PricingWanted, measure_pricing
from lab.bench.rounds import Rounds
from lab.bench.run import BooksBroken, Wanted, bench
from lab.bench.spent import CLIENT
from lab.bench.statements import StatementsWanted, measure_statements
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
StatementGroups = Annotated[
    bool,
    typer.Option(
        "--statement-groups",
        help="Have the server log what each statement costs, and print its CPU by statement; that costs a tenth",
    ),
]
RoundsWanted = Annotated[int, typer.Option("--rounds", min=1, help="How often it is measured")]
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
    statement_groups: StatementGroups = False,
    against: Against = None,
    pairs: Pairs = PAIRS,
    as_json: AsJson = False,
) -> None:
    """Measure events a second until they are visible money. Exit 0: figures; 1: the books do not hold, so
    there are none."""
    if context.invoked_subcommand is not None:
        return
    wanted = Wanted(
        bus,
        seconds,
        events or int((rate or GOAL_RATE) * seconds),
        customers,
        rate,
        stored,
        signals,
        bare=against is None,
        statement_groups=statement_groups,
    )
    if against is None:
        _measured(wanted, as_json)
    else:
        _beside(against, pairs, wanted, as_json)


def _measured(wanted: Wanted, as_json: bool) -> None:
    """Measure this checkout, and show it."""
    words = console(as_json)
    with _books_that_hold(words):
        figures = asyncio.run(_run(wanted, words.print))
    show(figures, words)
    if as_json:
        print_json(figures.shown())


def _beside(against: str, pairs: int, wanted: Wanted, as_json: bool) -> None:
    """Measure this checkout and another commit in turns, and show what differs."""
    words = console(as_json)
    _refuse_what_is_not_compared(wanted)
    with _books_that_hold(words):
        comparison = asyncio.run(
            compare(against, pairs, lambda checkout: _compared(wanted, checkout, words.print), words.print)
        )
    _show_comparison(comparison, words, as_json)


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


def _refuse_what_is_not_compared(wanted: Wanted) -> None:
    if not wanted.signals:
        raise typer.BadParameter(
            "a commit is driven by its own `u2c up`, which starts all services",
            param_hint="--without-signals",
        )
    if wanted.statement_groups:
        raise typer.BadParameter(
            "logging every statement costs a tenth: no figure of it is compared",
            param_hint="--statement-groups",
        )


@app.command()
def door(
    events: Annotated[int, typer.Option("--events", min=1, help="Events of a round")] = 200_000,
    rounds: RoundsWanted = 5,
    against: Against = None,
    pairs: Pairs = PAIRS,
    as_json: AsJson = False,
) -> None:
    """CPU of the door's process an event, over bodies that are the same every time, while nothing else
    runs."""
    wanted = DoorWanted(events, rounds)
    _stage(f"door, {events:,} events", partial(measure_door, wanted=wanted), against, pairs, as_json)


@app.command()
def metering(
    bus: OnBus = "postgres",
    events: Annotated[int, typer.Option("--events", min=1, help="Events of a round")] = 200_000,
    customers: Customers = 10_000,
    rounds: RoundsWanted = 5,
    against: Against = None,
    pairs: Pairs = PAIRS,
    as_json: AsJson = False,
) -> None:
    """CPU an event of metering what lies on the bus already, while nothing else runs."""
    wanted = MeteringWanted(bus, events, customers, rounds)
    _stage(f"metering, {events:,} events", partial(measure_metering, wanted=wanted), against, pairs, as_json)


@app.command()
def fold(
    customers: Customers = 10_000,
    rounds: RoundsWanted = 6,
    against: Against = None,
    pairs: Pairs = PAIRS,
    as_json: AsJson = False,
) -> None:
    """CPU an event of the aggregates alone: 50,000 and 15,000 events a fold, sparse and with 75 groups
    everywhere."""

    measure = _of_its_own_code(
        "fold",
        ("--customers", str(customers), "--rounds", str(rounds)),
        partial(measure_fold, FoldWanted(customers, rounds)),
    )
    _stage(f"fold, {customers:,} customers", measure, against, pairs, as_json)


@app.command()
def pricing(
    statements: Annotated[int, typer.Option("--statements", min=1, help="Statements of a round")] = 10_000,
    rounds: RoundsWanted = 5,
    against: Against = None,
    pairs: Pairs = PAIRS,
    as_json: AsJson = False,
) -> None:
    """CPU a statement of the pricing core alone: laying a contract's period out, pricing it, explaining it."""

    measure = _of_its_own_code(
        "pricing",
        ("--statements", str(statements), "--rounds", str(rounds)),
        partial(measure_pricing, PricingWanted(statements, rounds)),
    )
    _stage(f"pricing, {statements:,} statements", measure, against, pairs, as_json)


def _of_its_own_code(
    verb: str, asked: Sequence[str], ours: Callable[[Callable[[str], None]], Awaitable[Rounds]]
) -> Callable[[Checkout, Callable[[str], None]], Awaitable[Rounds]]:
    """Measure another commit by its own verb: what is measured is its code, in its process."""

    async def measure(checkout: Checkout, say: Callable[[str], None]) -> Rounds:
        return await ours(say) if checkout == own() else await own_rounds(checkout, verb, *asked)

    return measure


@app.command()
def balances(
    bus: OnBus = "postgres",
    seconds: Seconds = 20.0,
    customers: Customers = 10_000,
    rate: Rate = 0.0,
    rounds: RoundsWanted = 3,
    as_json: AsJson = False,
) -> None:
    """The whole flow with a commitment and a block on each contract, and without, in turns: events a second and CPU
    an event of both."""
    wanted = Wanted(bus, seconds, int((rate or GOAL_RATE) * seconds), customers, rate, stored=0, bare=False)
    words = console(as_json)
    with _books_that_hold(words):
        found = asyncio.run(measure_balances(wanted, rounds, words.print))
    stage.show(found, f"balances, {customers:,} contracts", words)
    if as_json:
        print_json(stage.shown(found))


@app.command()
def statements(
    bus: OnBus = "postgres",
    customers: Customers = 2000,
    events: Annotated[int, typer.Option("--events", min=1, help="Events stored before")] = 100_000,
    with_balances: Annotated[
        bool, typer.Option("--with-balances", help="A commitment and a block on each contract")
    ] = False,
    rounds: RoundsWanted = 5,
    against: Against = None,
    pairs: Pairs = PAIRS,
    as_json: AsJson = False,
) -> None:
    """CPU a draft, over all processes, from one event of each customer until every draft, read, covers it."""
    wanted = StatementsWanted(bus, customers, events, rounds, with_balances)
    _stage(
        f"statements, {customers:,} drafts",
        partial(measure_statements, wanted=wanted),
        against,
        pairs,
        as_json,
    )


@app.command()
def gate(
    bus: OnBus = "postgres",
    contracts: Annotated[int, typer.Option("--contracts", min=1, help="Contracts of a round")] = 1000,
    events: Annotated[int, typer.Option("--events", min=1, help="Events of a round")] = 50_000,
    rounds: Annotated[
        int, typer.Option("--rounds", min=1, max=ROUNDS_MAX, help="How many groups of contracts are closed")
    ] = 5,
    against: Against = None,
    pairs: Pairs = PAIRS,
    as_json: AsJson = False,
) -> None:
    """CPU a contract of billing and the checker, from the end of a month's grace until its invoices stand."""
    wanted = GateWanted(bus, contracts, events, rounds)
    _stage(f"gate, {contracts:,} contracts", partial(measure_gate, wanted=wanted), against, pairs, as_json)


@app.command()
def corrections(
    bus: OnBus = "postgres",
    contracts: Annotated[
        int, typer.Option("--contracts", min=1, help="Contracts, all of them corrected")
    ] = 1000,
    months: Annotated[
        int, typer.Option("--months", min=1, max=MONTHS_MAX, help="Final months that a version reaches into")
    ] = MONTHS_MAX,
    events: Annotated[
        int, typer.Option("--events", min=1, help="Events of a month, of all of them")
    ] = 20_000,
    stored: Stored = 0,
    rounds: Annotated[
        int, typer.Option("--rounds", min=1, max=CORRECTED_MAX, help="How many versions are applied to each")
    ] = 3,
    against: Against = None,
    pairs: Pairs = PAIRS,
    as_json: AsJson = False,
) -> None:
    """From applying back-dated versions until their corrections are told, and until all notes are numbered; beside
    it pricing the same statements from memory. Exit 1: the books do not hold, so there is no figure."""
    wanted = CorrectionsWanted(bus, contracts, months, events, stored, rounds)
    title = f"corrections, {months} months of {contracts:,} contracts, {stored:,} events of others"
    with _books_that_hold(console(as_json)):
        _stage(title, partial(measure_corrections, wanted=wanted), against, pairs, as_json)


@app.command()
def idle(
    bus: OnBus = "postgres",
    seconds: Annotated[
        float, typer.Option("--seconds", min=1, help="How long a round of nothing lasts")
    ] = 30.0,
    rounds: RoundsWanted = 5,
    against: Against = None,
    pairs: Pairs = PAIRS,
    as_json: AsJson = False,
) -> None:
    """Percent of a core while nothing happens, by process, and how soon the first event after it is visible."""
    wanted = IdleWanted(bus, seconds, rounds)
    _stage(f"idle, {seconds:.0f} s", partial(measure_idle, wanted=wanted), against, pairs, as_json)


@app.command("console")
def pages(
    invoices: Annotated[int, typer.Option("--invoices", min=1, help="Final invoices")] = 1_000_000,
    customers: Annotated[int, typer.Option("--customers", min=2, help="Customers")] = 100_000,
    events: Annotated[int, typer.Option("--events", min=1, help="Events")] = 5_000_000,
    requests: Annotated[int, typer.Option("--requests", min=1, help="How often a page is opened")] = 200,
    as_json: AsJson = False,
) -> None:
    """How long each page of the console takes on a book of this size with nothing stale, and how fast all invoices come as CSV, in
    how much memory. One customer goes through the APIs, the others by COPY from its rows."""
    words = console(as_json)
    wanted = ConsoleWanted(BookWanted(invoices, customers, events), requests)
    figures = asyncio.run(measure_console(wanted, words.print))
    show_pages(figures, words)
    if as_json:
        print_json(figures.shown())


def _stage(
    title: str,
    measure: Callable[..., Awaitable[Rounds]],
    against: str | None,
    pairs: int,
    as_json: bool,
) -> None:
    """Measure a stage round by round; beside another commit, the medians of both in turns."""
    words = console(as_json)
    if against is None:
        found = asyncio.run(_awaited(measure(own(), say=words.print)))
        stage.show(found, title, words)
        if as_json:
            print_json(stage.shown(found))
        return

    async def medians(checkout: Checkout) -> dict[str, float]:
        return stage.medians(await measure(checkout, say=words.print))

    _show_comparison(asyncio.run(compare(against, pairs, medians, words.print)), words, as_json)


async def _awaited(measured: Awaitable[Rounds]) -> Rounds:
    return await measured


def _show_comparison(comparison: Comparison, words: Console, as_json: bool) -> None:
    show_comparison(comparison, words)
    if as_json:
        print_json(comparison.shown())


async def _compared(wanted: Wanted, checkout: Checkout, say: Callable[[str], None]) -> dict[str, float]:
    """What two commits are compared by. The client is this checkout's for both."""
    async with bench(wanted, say, checkout) as running:
        return (await running.run()).compared(besides=CLIENT)


async def _run(wanted: Wanted, say: Callable[[str], None]) -> Figures:
    async with bench(wanted, say) as running:
        return await running.run()
