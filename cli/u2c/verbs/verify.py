"""`u2c verify`: the five exact checks K1–K5 over the deployment's book, and proof that they notice when a
row is damaged."""

import asyncio
import sys
from collections.abc import AsyncIterator, Collection, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Annotated, Any

import asyncpg
import typer
from rich.console import Console

from services.billing.conservation.answers.checked import BreakAnswer, ConservationAnswer
from services.billing.conservation.checks.sabotage import KINDS, NothingToSabotage, Planted, plant
from services.billing.conservation.domain.breaks import SAYS, Break, Checked, K, Report
from services.billing.conservation.usecases.check import check_all
from shared.bus import BusUnavailable, Log
from shared.environment_fault import EnvironmentFault
from shared.postgres.setup import AUDITOR
from shared.postgres.urls import role_url
from shared.topics import ALL
from shared.values.money import currency, to_decimal
from u2c.deployment.book import (
    BROKERS,
    AdminUrl,
    Brokers,
    DatabaseName,
    book_url,
    connected,
    lives_on_kafka,
    other_books,
    server,
)
from u2c.deployment.kafka_users import kafka_access
from u2c.deployment.state import State
from u2c.printing import AsJson, console, folding, print_json

SHOWN_MAX = 40  # breaks a person is shown
EVERY_KIND = "all"
SABOTAGES = (*KINDS, EVERY_KIND)


def _known(kind: str | None) -> str | None:
    if kind is not None and kind not in SABOTAGES:
        raise typer.BadParameter(f"{kind} cannot be planted; it is one of {', '.join(SABOTAGES)}.")
    return kind


@dataclass(frozen=True, slots=True)
class Trial:
    """One sabotage: what was planted, the break that named it (None: missed), and how many breaks there were
    in all."""

    planted: Planted
    named: Break | None
    breaks: int

    def shown(self) -> dict[str, Any]:
        row = {name: str(value) for name, value in self.planted.row.key.items()}
        return {
            "sabotage": self.planted.kind,
            "table": self.planted.row.table,
            "row": row,
            "named": self.named is not None,
            "break": BreakAnswer.of(self.named).as_json() if self.named else None,
            "breaks": self.breaks,
        }


SABOTAGE = f"Damage one row in a transaction that is rolled back; 0 when the break names it. One of {', '.join(SABOTAGES)}"


def command(
    sabotage: Annotated[str | None, typer.Option(metavar="KIND", callback=_known, help=SABOTAGE)] = None,
    only: Annotated[
        list[K] | None, typer.Option(help="Make this check alone; may be given more than once")
    ] = None,
    admin_url: AdminUrl = None,
    database: DatabaseName = None,
    kafka_brokers: Brokers = BROKERS,
    as_json: AsJson = False,
) -> None:
    """Check K1–K5 over the whole book. Exit 0: all hold (or every sabotage was named); 1: a break (or one was
    missed); 3: no book to check, or nothing in it to damage. What `all` finds nothing for is listed."""
    words = console(as_json)
    with server(admin_url) as server_url:
        shown = asyncio.run(
            _run(server_url, database, sabotage, _Asked(tuple(only or K), kafka_brokers, words))
        )
    if as_json:
        print_json(shown)
    raise typer.Exit(0 if shown["holds"] else 1)


@dataclass(frozen=True)
class _Asked:
    only: Collection[K]
    brokers: str
    words: Console


async def _run(server_url: str, database: str | None, sabotage: str | None, asked: _Asked) -> dict[str, Any]:
    """Check, or plant and check, show it in words, and return it as --json prints it."""
    url = await book_url(server_url, database)
    name = url.rpartition("/")[2]
    admin = await connected(url)
    auditor = await connected(role_url(url, AUDITOR, State.default().secret()))
    try:
        async with _log(admin, asked.brokers) as log:
            if sabotage is not None:
                kinds = list(KINDS) if sabotage == EVERY_KIND else [sabotage]
                tried = [await _trial(admin, kind, log, asked.words) for kind in kinds]
                trials = [one for one in tried if isinstance(one, Trial)]
                missing = [one for one in tried if isinstance(one, NothingToSabotage)]
                if not trials:
                    raise EnvironmentFault(str(missing[0]), "Fill the book first: ./u2c demo --once")
                _show_trials(trials, missing, name, asked.words)
                return {
                    "database": name,
                    "holds": all(trial.named for trial in trials),
                    "trials": [trial.shown() for trial in trials],
                    "not_planted": [{"sabotage": one.kind, "needs": one.needs} for one in missing],
                }
            with asked.words.status(f"checking {name} …"):
                report = await check_all(auditor, log, only=asked.only, hear=_progress)
        others = [] if database else await other_books(server_url, name)
        hints = [f" (another book is here: --database {other})" for other in others]
        _show(report, name + "".join(hints), asked.words)
        return {"database": name, **ConservationAnswer.of(report).as_json()}
    finally:
        await auditor.close()
        await admin.close()


@asynccontextmanager
async def _log(admin: asyncpg.Connection, brokers: str) -> AsyncIterator[Log | None]:
    """The log of the book: None where it lies in the database itself, the broker's where the book lives on
    Kafka. A broker that is away is 3."""
    if not await lives_on_kafka(admin):
        yield None
        return
    # Only where Kafka is used is its client loaded.
    from shared.bus.kafka_reader import KafkaLog, KafkaReader

    reader = KafkaReader(kafka_access(brokers))
    try:
        yield KafkaLog(reader, ALL)
    except BusUnavailable as fault:
        raise EnvironmentFault(
            str(fault), "This book lives on Kafka: start the broker, or correct --kafka-brokers"
        ) from fault
    finally:
        await reader.close()


async def _trial(
    admin: asyncpg.Connection, kind: str, log: Log | None, words: Console
) -> Trial | NothingToSabotage:
    """Plant, check inside the same transaction as the auditor would, and roll back, whatever happens; or say what the
    book lacks for it."""
    transaction = admin.transaction(isolation="repeatable_read")
    await transaction.start()
    try:
        with words.status(f"{kind} …"):
            try:
                planted = await plant(admin, kind)
            except NothingToSabotage as missing:
                return missing
            await admin.execute(f"set local role {AUDITOR}")
            report = await check_all(admin, log, listed_max=None)
    finally:
        await transaction.rollback()
    return Trial(
        planted,
        next((found for found in report.breaks if planted.named_by(found)), None),
        report.breaks_total,
    )


async def _progress(checked: Checked, report: Report) -> None:
    """A check at a time, on stderr: on a large book each takes its while."""
    verdict = "ok" if checked.holds else f"{checked.breaks_total} BREAK"
    print(f"{checked.k} {verdict}  {report.seconds:.1f} s", file=sys.stderr, flush=True)


def _show(report: Report, name: str, words: Console) -> None:
    table = folding("", "check", "figures", "", title=f"{name} at {report.taken_at:%Y-%m-%d %H:%M:%S} UTC")
    for checked in report.statements:
        figures = "  ".join(
            [f"{figure} {value:,}" for figure, value in checked.figures.items()] + list(_amounts(checked))
        )
        table.add_row(
            checked.k,
            SAYS[checked.k],
            figures,
            "[green]ok[/]" if checked.holds else f"[bold red]{checked.breaks_total} BREAK[/]",
        )
    words.print(table)
    cut = ", ".join(f"{partition}: {batch}" for partition, batch in sorted(report.watermark.items()))
    words.print(
        f"cut W (last batch of each partition of usage.events): {cut or 'none'}; checked in {report.seconds:.1f} s"
    )
    _show_breaks(report, words)


def _amounts(checked: Checked) -> Iterator[str]:
    """What each currency has, the words once: "USD settled 1,200.00, documented 1,200.00"."""
    for code, of in sorted(checked.amounts.items()):
        yield f"{code} " + ", ".join(
            f"{what} {to_decimal(minor, currency(code)):,}" for what, minor in of.items()
        )


def _show_breaks(report: Report, words: Console) -> None:
    for found in report.breaks[:SHOWN_MAX]:
        words.print(f"[bold red]BREAK {found.k} {found.fault}[/]", soft_wrap=True)
        for name, value in (
            ("row", found.where),
            ("expected", found.expected),
            ("found", found.found),
            ("owner", f"{found.owner}: {found.says}"),
        ):
            words.print(f"  {name:9} {value}", markup=False, highlight=False, soft_wrap=True)
    if report.breaks_total > SHOWN_MAX:
        words.print(
            f"… and {report.breaks_total - SHOWN_MAX} more (--json lists {len(report.breaks)} of the {report.breaks_total})"
        )


def _show_trials(
    trials: Sequence[Trial], missing: Sequence[NothingToSabotage], name: str, words: Console
) -> None:
    for trial in trials:
        verdict = f"[green]named by {trial.named.k}[/]" if trial.named else "[bold red]MISSED[/]"
        words.print(f"{trial.planted.kind:18} {verdict}", soft_wrap=True)
        words.print(f"  planted   {trial.planted.row}", markup=False, highlight=False, soft_wrap=True)
        if trial.named:
            words.print(
                f"  break     {trial.named.fault}: {trial.named.where}",
                markup=False,
                highlight=False,
                soft_wrap=True,
            )
            words.print(f"  says      {trial.named.says}", markup=False, highlight=False, soft_wrap=True)
    for one in missing:
        words.print(f"{one.kind:18} [yellow]not planted[/]: this book lacks {one.needs}", soft_wrap=True)
    words.print(f"{name} is as it was: every sabotage was rolled back.")
