"""`u2c events`: send a file of usage events, or ask what became of one."""

import asyncio
import gzip
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn
from rich.text import Text

from shared.environment_fault import EnvironmentFault
from u2c.api import Api, OfDatabase, show_problem
from u2c.event_files import UnreadableFile, read_events
from u2c.explaining import UNKNOWN, Explained, explained
from u2c.printing import AsJson, console, folding, print_json
from u2c.story import WORDS, told

BATCH_EVENTS = 500
BATCH_BYTES_MAX = 4 * 1024 * 1024
REQUESTS_MAX = 3
#: So long an outage of the door is waited out.
WAIT_MAX_S = 300
FILE_HELP = "CSV (source,id,type,subject,time,data.*), JSON array or NDJSON"
FINE = {"accepted", "duplicate"}
UNMATCHED = "unmatched"
SUBJECTS_SHOWN_MAX = 10
WRONG = 1

app = typer.Typer(no_args_is_help=True, help="Usage events: send them, and ask what became of one.")


@dataclass
class Outcome:
    """What the door said, counted: (status, code) → events; `examples` shows the first few that were not
    accepted.

    `unmatched`: (subject, type) → accepted events that no customer or no meter takes yet: they wait in
    suspense.
    """

    sent: int = 0
    results: Counter[tuple[str, str]] = field(default_factory=Counter)
    examples: list[dict[str, Any]] = field(default_factory=list)
    unmatched: Counter[tuple[str, str]] = field(default_factory=Counter)

    def add(self, batch: list[bytes], answer: dict[str, Any]) -> None:
        self.sent += len(batch)
        results = answer.get("results", [])
        self.results["accepted", ""] += len(batch) - len(results)
        for result in results:
            self.results[result["status"], result.get("code") or ""] += 1
            if result.get("code") == UNMATCHED:
                event = json.loads(batch[result["index"]])
                self.unmatched[str(event.get("subject")), str(event.get("type"))] += 1
            if result["status"] not in FINE and len(self.examples) < 5:
                self.examples.append(result)

    @property
    def good(self) -> bool:
        return all(status in FINE for (status, _code), count in self.results.items() if count)


@app.command()
def send(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True, help=FILE_HELP)],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Let the door judge, and keep nothing")] = False,
    database: OfDatabase = None,
    as_json: AsJson = False,
) -> None:
    """Send the file's events. Sending it again is safe: an event that is there already counts once. 1 when an
    event was not accepted."""
    words = console(as_json)
    try:
        outcome = asyncio.run(_send(file, dry_run, database))
    except UnreadableFile as error:
        raise typer.BadParameter(str(error), param_hint="FILE") from error
    if as_json:
        results = [
            {"status": status, "code": code, "events": count}
            for (status, code), count in sorted(outcome.results.items())
            if count
        ]
        waiting = [
            {"subject": subject, "type": type_, "events": count}
            for (subject, type_), count in outcome.unmatched.most_common()
        ]
        print_json(
            {
                "sent": outcome.sent,
                "good": outcome.good,
                "results": results,
                "examples": outcome.examples,
                "unmatched": {"events": outcome.unmatched.total(), "subjects": waiting},
            }
        )
    else:
        _show(outcome, words)
    raise typer.Exit(0 if outcome.good else WRONG)


@app.command()
def explain(
    source: Annotated[str, typer.Argument()],
    event_id: Annotated[str, typer.Argument(metavar="ID")],
    as_yaml: Annotated[bool, typer.Option("--yaml", help="All that is known, as YAML")] = False,
    database: OfDatabase = None,
    as_json: AsJson = False,
) -> None:
    """What became of this event? The verdict first, then from its receipt to the line that charges it. 1 when
    nobody knows it."""
    found = asyncio.run(explained(source, event_id, database))
    if as_json:
        print_json(found.shown())
    elif as_yaml:
        console().print(
            yaml.safe_dump(found.shown(), sort_keys=False, allow_unicode=True),
            markup=False,
            highlight=False,
            soft_wrap=True,
        )
    else:
        _tell(found, console())
    raise typer.Exit(WRONG if found.verdict == UNKNOWN else 0)


def _tell(found: Explained, words: Console) -> None:
    colour, verdict = WORDS[found.verdict]
    words.print(
        Text.assemble(f"{found.answer['id']}  of {found.answer['source']}   ", (verdict, f"bold {colour}")),
        soft_wrap=True,
    )
    for name, says in told(found):
        words.print(
            f"  {name:12} {says}" if name else f"  {says}", markup=False, highlight=False, soft_wrap=True
        )
    words.print("All of it: --json or --yaml", style="dim")


async def _send(file: Path, dry_run: bool, database: str | None) -> Outcome:
    outcome = Outcome()
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    async with Api("usage_ingest", database) as ingest:
        with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
            task = progress.add_task(file.name, total=file.stat().st_size)
            running: set[asyncio.Task[None]] = set()
            for batch, read in _batches(file):
                if len(running) >= REQUESTS_MAX:
                    done, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
                    for finished in done:
                        finished.result()
                running.add(asyncio.create_task(_send_batch(ingest, batch, dry_run, outcome)))
                progress.update(task, completed=read)
            await asyncio.gather(*running)
    return outcome


def _batches(file: Path) -> Iterator[tuple[list[bytes], int]]:
    """Up to 500 events or 4 MiB a request."""
    events, batch, size, read = read_events(file), list[bytes](), 0, 0
    while chunk := list(islice(events, 1)):
        event, read = chunk[0]
        if batch and (len(batch) == BATCH_EVENTS or size + len(event) > BATCH_BYTES_MAX):
            yield batch, read
            batch, size = [], 0
        batch.append(event)
        size += len(event) + 1
    if batch:
        yield batch, read


async def _send_batch(ingest: Api, batch: list[bytes], dry_run: bool, outcome: Outcome) -> None:
    body = gzip.compress(b"[" + b",".join(batch) + b"]", 1)
    headers = {"Content-Type": "application/cloudevents-batch+json", "Content-Encoding": "gzip"}
    waited_s = 0.0
    while True:
        answer = await ingest.call(
            "POST", "/v1/events", content=body, headers=headers, params={"dry_run": "true"} if dry_run else {}
        )
        if answer.status_code not in (429, 503):
            break
        pause_s = float(answer.headers.get("Retry-After", "1"))
        waited_s += pause_s
        if waited_s > WAIT_MAX_S:
            show_problem(answer)
            raise EnvironmentFault(
                f"The door at {ingest.url} has refused for {WAIT_MAX_S} s.",
                f"See why: curl {ingest.url}/readyz",
            )
        await asyncio.sleep(pause_s)
    outcome.add(batch, ingest.body(answer))


def _show(outcome: Outcome, words: Console) -> None:
    table = folding("what the door said", "code", "events")
    for (status, code), count in sorted(outcome.results.items()):
        if count:
            table.add_row(status, code, f"{count:,}")
    words.print(table)
    for example in outcome.examples:
        told = f"{example['status']} {example.get('code')}: {example.get('source')} {example.get('id')}: {example.get('detail')}"
        words.print(told, markup=False, soft_wrap=True)
    _show_unmatched(outcome, words)


def _show_unmatched(outcome: Outcome, words: Console) -> None:
    """What is accepted and belongs to nobody yet, by subject: it is billed by itself once somebody has it."""
    if not outcome.unmatched:
        return
    named = ", ".join(
        f"{subject} ({type_}, {count:,})"
        for (subject, type_), count in outcome.unmatched.most_common(SUBJECTS_SHOWN_MAX)
    )
    more = (
        f" and {len(outcome.unmatched) - SUBJECTS_SHOWN_MAX:,} more"
        if len(outcome.unmatched) > SUBJECTS_SHOWN_MAX
        else ""
    )
    words.print(
        f"{outcome.unmatched.total():,} accepted events are unmatched and wait in suspense: {named}{more}.",
        markup=False,
        soft_wrap=True,
    )
    words.print(
        "Create the customer, its alias or the meter; they are counted by themselves then.",
        markup=False,
        soft_wrap=True,
    )
