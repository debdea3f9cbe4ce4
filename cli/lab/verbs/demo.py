"""`u2c demo`: the main job on real input, on a database of its own, compared figure by figure; then it keeps
serving."""

import asyncio
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from lab.departures import job, monday, report
from lab.departures.client import Client
from lab.departures.export import export as export_documents
from lab.departures.export import prepare_folder
from lab.departures.figures import Mismatch, compare, expected_figures
from lab.departures.monday import Waits
from lab.departures.receiver import Down, listening
from lab.departures.signals import ENVIRONMENT, YearOfSignals, watched
from lab.departures.signals_report import show_signals
from lab.departures.year import Flight, corrupted, read_flights
from shared.postgres.setup import CONSOLE, PROCESSES, SERVICES
from u2c.deployment.cluster import Cluster, ClusterOptions
from u2c.deployment.kafka_broker import KafkaBroker
from u2c.deployment.services import BASE_PORT
from u2c.interrupt import until_interrupted

DATABASE = "u2c_demo"
EXPLAINED = "nyc-departures UA-475-EWR-2013-03-01T10:15:00Z"  # one of the 336,776
BusName = Literal["postgres", "kafka"]


@dataclass
class Outcome:
    """What the job found."""

    documents: list[dict[str, Any]]
    dispositions: dict[tuple[str, str], dict[str, Any]]
    reconciliation: dict[str, Any]
    mismatches: list[Mismatch]
    quarantined: int
    messages: int
    send_s: float
    signals: YearOfSignals
    monday: Waits | None = None  # what was left to do after it, where it was sent

    @property
    def conservation(self) -> dict[str, Any]:
        found: dict[str, Any] = self.reconciliation["conservation"]
        return found

    @property
    def good(self) -> bool:
        return (
            not self.mismatches
            and self.conservation["holds"]
            and not self.quarantined
            and not self.signals.mismatches
        )


def command(
    once: Annotated[
        bool, typer.Option("--once", help="Exit afterwards: 0 only when every figure agrees")
    ] = False,
    and_monday: Annotated[
        bool,
        typer.Option(
            "--monday",
            help="With --once: send the Monday after the year too, which a demo that keeps serving does anyway",
        ),
    ] = False,
    corrupt: Annotated[
        bool,
        typer.Option(
            "--corrupt", help="Turn one flown UA departure of March into a cancelled one before sending"
        ),
    ] = False,
    export: Annotated[
        Path | None,
        typer.Option("--export", help="Write each finalized document as <id>.json into this folder"),
    ] = None,
    bus: Annotated[BusName, typer.Option("--bus", help="The bus between the services")] = "postgres",
    base_port: Annotated[
        int, typer.Option("--base-port", help="First of five ports; 0 takes free ones")
    ] = BASE_PORT,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object alone on stdout")] = False,
) -> None:
    """A year of real departures becomes 196 documents; every cent and every event is accounted for."""
    if export is not None:
        prepare_folder(export)
    asked = Asked(once, and_monday or not once, corrupt, export, as_json)
    raise typer.Exit(asyncio.run(_run(asked, bus, base_port)))


@dataclass(frozen=True, slots=True)
class Asked:
    """What of the demo somebody wants."""

    once: bool
    monday: bool
    corrupt: bool
    folder: Path | None  # for the documents
    as_json: bool


async def _run(asked: Asked, bus: BusName, base_port: int) -> int:
    console = Console(stderr=asked.as_json)
    with _broker(bus) as brokers:
        options = ClusterOptions(
            database=DATABASE,
            fresh=True,
            bus=bus,
            kafka_brokers=brokers,
            base_port=base_port,
            services=PROCESSES,
            clock_at=job.CLOCK_STARTS,
            environment={**ENVIRONMENT, CONSOLE: {"U2C_DEMO": "true"}},
        )
        return await _job(console, options, asked)


@contextmanager
def _broker(bus: BusName) -> Iterator[str]:
    """A new Kafka broker of the demo's own, as its database is; with the Postgres log, none."""
    if bus == "postgres":
        yield ""
        return
    with tempfile.TemporaryDirectory(prefix="u2c-demo-kafka-") as folder:
        broker = KafkaBroker(Path(folder))
        try:
            yield broker.start()
        finally:
            broker.stop()


async def _job(console: Console, options: ClusterOptions, asked: Asked) -> int:
    began = time.monotonic()
    async with Cluster(options) as cluster, AsyncExitStack() as until_the_end:
        client = Client(cluster.urls, cluster.admin_key)
        until_the_end.push_async_callback(client.close)
        flights = await asyncio.to_thread(read_flights)
        outcome = await _walk(console, client, corrupted(flights) if asked.corrupt else flights, asked.folder)
        _show(console, outcome)
        console.print(
            f"{outcome.messages:,} messages in {outcome.send_s:.1f} s "
            f"({outcome.messages / outcome.send_s:,.0f}/s, closes included); {time.monotonic() - began:.1f} s in all."
        )
        if asked.monday:
            down = await until_the_end.enter_async_context(listening(Down()))
            outcome.monday = await monday.send(client, flights, down.url)
            report.show_monday(console, outcome.monday)
        if asked.as_json:
            print(msgspec.json.encode(_summary(outcome)).decode(), flush=True)
        if not asked.once:
            await _serve(console, cluster, outcome.documents[-1]["id"])
    return 0 if outcome.good else 1


async def _walk(console: Console, client: Client, flights: list[Flight], folder: Path | None) -> Outcome:
    await job.set_up(client)
    messages = sum(1 if flight.delay is not None else 2 for flight in flights)
    began = time.monotonic()
    async with watched(client) as signals:
        await _send(console, client, flights, messages)
        send_s = time.monotonic() - began
    documents = await job.documents(client)
    if folder is not None:
        export_documents(folder, documents)
    answer = await job.reconciliation(client)
    dispositions = job.dispositions(answer)
    expected = await asyncio.to_thread(expected_figures)
    return Outcome(
        documents,
        dispositions,
        answer,
        compare(expected, documents, dispositions),
        client.quarantined,
        messages,
        send_s,
        signals,
    )


async def _send(console: Console, client: Client, flights: list[Flight], messages: int) -> None:
    if not console.is_terminal:
        await job.send_year(client, flights, Months(client, messages).sent)
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("a year of departures", total=messages)

        async def sent(count: int, _until: datetime) -> None:
            progress.advance(task, count)

        await job.send_year(client, flights, sent)


@dataclass
class Months:
    """Off a terminal: one line on stderr when a simulated month is over, so that a log shows it goes on."""

    client: Client
    messages: int
    sent_so_far: int = 0
    month: str = ""

    async def sent(self, count: int, until: datetime) -> None:
        """Hear how much went, up to which instant."""
        month = until.strftime("%Y-%m")
        if self.month and month != self.month:
            invoices = [row async for row in self.client.pages("billing", "/v1/invoices", status="finalized")]
            print(
                f"{self.month}  {self.sent_so_far:,} of {self.messages:,} messages  {len(invoices)} invoices closed",
                file=sys.stderr,
                flush=True,
            )
        self.month, self.sent_so_far = month, self.sent_so_far + count


def _show(console: Console, outcome: Outcome) -> None:
    report.show_documents(console, outcome.documents)
    report.show_conservation(console, outcome.conservation)
    report.show_dispositions(console, outcome.dispositions)
    if outcome.quarantined:
        console.print(
            f"{outcome.quarantined} events were quarantined; list them with GET /v1/quarantine",
            style="bold red",
        )
    show_signals(console, outcome.signals)
    report.show_waiting(console, outcome.reconciliation)
    report.show_verdict(console, outcome.mismatches, len(outcome.documents))


def _summary(outcome: Outcome) -> dict[str, Any]:
    return {
        "good": outcome.good,
        "documents": len(outcome.documents),
        "mismatches": [str(mismatch) for mismatch in outcome.mismatches],
        "conservation": outcome.conservation,
        "quarantined": outcome.quarantined,
        "messages": outcome.messages,
        "messages_per_s": round(outcome.messages / outcome.send_s),
        **outcome.signals.summary(),
        **({"monday": asdict(outcome.monday)} if outcome.monday else {}),
    }


async def _serve(console: Console, cluster: Cluster, invoice: str) -> None:
    console.print("\nStill serving; Ctrl-C ends it. Each service documents itself:")
    for service in SERVICES:
        console.print(f"  {service:13} {cluster.urls[service]}/docs", soft_wrap=True)
    console.print("Look at it from another shell, in this clone:")
    for call in (
        'eval "$(./u2c env)"',
        f'curl -sS "$BILLING/v1/invoices/{invoice}" -H "Authorization: Bearer $KEY"',
        f"./u2c events explain {EXPLAINED}",
        'curl -sS "$SIGNALS/v1/customers/OO/signals" -H "Authorization: Bearer $KEY"',
    ):
        console.print(f"  {call}", markup=False, highlight=False, soft_wrap=True)
    console.print(f"Open {cluster.urls[CONSOLE]}: the console; choose a role, no password.", soft_wrap=True)
    await until_interrupted()
