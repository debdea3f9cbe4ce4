"""`u2c chaos`: the options, and what is printed."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from u2c.printing import AsJson, console, print_json
from u2c.settings import Bus

if TYPE_CHECKING:
    from lab.chaos.played import Played

FOUND = 1
SEED = 20_250_301
SPOILT_EVENTS = 100_000
DRILL_EVENTS = 8000


def command(
    tier: Annotated[
        Literal["short", "full"],
        typer.Option("--tier", help="short: under three minutes; full: hours, by hand"),
    ] = "short",
    bus: Annotated[
        Bus, typer.Option("--bus", help="The bus under fire; kafka starts a broker of its own")
    ] = "postgres",
    only: Annotated[
        list[str] | None, typer.Option("--only", help="Only campaigns whose name starts so; may be repeated")
    ] = None,
    seed: Annotated[
        int, typer.Option("--seed", help="The first month's seed: the same seed makes the same month")
    ] = SEED,
    faults_max: Annotated[
        int | None, typer.Option("--faults", min=1, help="Of each campaign's faults the first so many")
    ] = None,
    events: Annotated[int | None, typer.Option("--events", min=1000, help="Events of each month")] = None,
    as_json: AsJson = False,
) -> None:
    """Kill, stop and wake what runs, while usage pours in. Exit 0: nothing was lost or counted twice; 1:
    something was found."""
    from lab.chaos.report import good, show, shown  # these need the tests' world

    words = console(as_json)
    size = Size(faults_max, events)
    months = asyncio.run(_run(tier, size, bus, tuple(only or ()), seed, words.print))
    show(months, words)
    if as_json:
        print_json(shown(months))
    raise typer.Exit(0 if good(months) else FOUND)


@dataclass(frozen=True)
class Size:
    """Where less is done than a tier does: faults of a campaign, events of a month."""

    faults_max: int | None
    events: int | None


async def _run(
    tier: str, size: Size, bus: str, only: tuple[str, ...], seed: int, say: Callable[[str], None]
) -> "list[Played]":
    from lab.chaos.campaigns import campaigns
    from lab.chaos.restore import restore_drill
    from lab.chaos.run import play
    from lab.chaos.spoilt import spoilt_drill

    chosen = [
        each.of_size(size.faults_max, size.events)
        for each in campaigns(tier)
        if each.bus in (None, bus) and (not only or each.name.startswith(only))
    ]
    drilled = tier == "full" and bus == "kafka" and (not only or "restore".startswith(only))
    spoilt = tier == "full" and (not only or "spoilt".startswith(only))
    if not chosen and not drilled and not spoilt:
        raise typer.BadParameter(f"no campaign of tier {tier} over {bus} is called so", param_hint="--only")
    months: list[Played] = []
    for campaign in chosen:
        months += await play(campaign, bus, seed + 1000 * len(months), say)
    if drilled:
        months.append(await restore_drill(bus, DRILL_EVENTS, seed, say))
    if spoilt:
        months.append(await spoilt_drill(bus, SPOILT_EVENTS, seed, say))
    return months
