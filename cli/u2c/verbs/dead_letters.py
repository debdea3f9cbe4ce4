"""`u2c dead-letters`: the records a consumer could not take, publishing them again once that is mended, and
giving up what never can be taken."""

import asyncio
import getpass
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Annotated, Any

import typer

from shared.bus import BusUnavailable
from shared.bus.dead_letters import DeadLetter, Name, NoSuchName, NotOpen, dead_letters, discard, replay
from shared.db.unit_of_work import Database
from shared.environment_fault import EnvironmentFault
from u2c.deployment.book import (
    BROKERS,
    AdminUrl,
    Brokers,
    DatabaseName,
    book_url,
    connected,
    lives_on_kafka,
    opened_bus,
    server,
)
from u2c.deployment.kafka_users import kafka_access
from u2c.printing import AsJson, console, folding, print_json

SHOWN_MAX = 100  # letters a person is shown
WRONG = 1

app = typer.Typer(
    no_args_is_help=True,
    help="Records a consumer could not take. Nothing of them is lost; nothing of them counts yet.",
)
Group = Annotated[
    str | None, typer.Option(help="Of this consumer group alone: usage_ingest, rating, billing or signals")
]
OfTopic = Annotated[str | None, typer.Option("--topic", help="Of this topic alone")]


@app.command("list")
def list_(
    group: Group = None,
    topic: OfTopic = None,
    replayed: Annotated[
        bool, typer.Option("--all", help="Also those that were published again or discarded")
    ] = False,
    admin_url: AdminUrl = None,
    database: DatabaseName = None,
    as_json: AsJson = False,
) -> None:
    """What is set aside, where it lay, and why."""
    with server(admin_url) as server_url:
        letters = asyncio.run(_listed(server_url, database, group, topic, replayed))
    _print(letters, as_json)


@app.command("replay")
def replay_(
    group: Group = None,
    topic: OfTopic = None,
    admin_url: AdminUrl = None,
    database: DatabaseName = None,
    kafka_brokers: Brokers = BROKERS,
    as_json: AsJson = False,
) -> None:
    """Publish what was never replayed again, at the end of its topic. Safe to repeat: every message may come
    twice and counts once."""
    with server(admin_url) as server_url:
        published, refused = asyncio.run(_replayed(server_url, database, group, topic, kafka_brokers))
    if as_json:
        print_json({"object": "replay", "published": published, "refused": refused})
        return
    console().print(
        f"{_counted(published)} published again. What still cannot be taken is set aside again: ./u2c dead-letters list"
    )
    if refused:
        console().print(
            f"{_counted(refused)} the bus will never take as they are, and they stay open: ./u2c dead-letters discard NAME --reason WHY"
        )


@app.command("discard")
def discard_(
    names: Annotated[
        list[str],
        typer.Argument(
            metavar="NAME…", help="GROUP/TOPIC/PARTITION/OFFSET/INDEX, as the list shows it; one or more"
        ),
    ],
    reason: Annotated[str, typer.Option(help="Why it is never taken: an auditor will read it")],
    by: Annotated[
        str | None, typer.Option(help="Who decides it; by default the user of this machine")
    ] = None,
    admin_url: AdminUrl = None,
    database: DatabaseName = None,
    as_json: AsJson = False,
) -> None:
    """Give up what can never be taken, by name and for good; its bytes, who and why are kept. All of them, or
    none: 1 when one is not open."""
    if not reason.strip():
        raise typer.BadParameter("say why: the reason stays with the record", param_hint="--reason")
    try:
        wanted = [Name.read(name) for name in names]
        with server(admin_url) as server_url:
            discarded = asyncio.run(
                _discarded(server_url, database, wanted, by or getpass.getuser(), reason.strip())
            )
    except NoSuchName as fault:
        raise typer.BadParameter(fault.detail, param_hint="NAME") from fault
    except NotOpen as fault:
        console(True).print(fault.detail, markup=False, highlight=False, soft_wrap=True)
        raise typer.Exit(WRONG) from fault
    if as_json:
        print_json({"object": "discard", "discarded": discarded})
    else:
        console().print(
            f"{_counted(discarded)} discarded, and kept with the reason: ./u2c dead-letters list --all"
        )


async def _discarded(
    server_url: str, database: str | None, names: Sequence[Name], by: str, reason: str
) -> int:
    async with _book(server_url, database) as (db, _kafka):
        return await discard(db.pool, names, by, reason)


async def _listed(
    server_url: str, database: str | None, group: str | None, topic: str | None, replayed: bool
) -> list[DeadLetter]:
    async with _book(server_url, database) as (db, _kafka):
        return await dead_letters(db.pool, group, topic, replayed=replayed)


async def _replayed(
    server_url: str, database: str | None, group: str | None, topic: str | None, brokers: str
) -> tuple[int, int]:
    """How many records were published again, and how many the bus refused for good."""
    async with _book(server_url, database) as (db, kafka):
        letters = await dead_letters(db.pool, group, topic)
        if not letters:
            return 0, 0
        try:
            async with opened_bus(db.pool, kafka_access(brokers), kafka=kafka) as bus:
                published = await replay(db.pool, bus, letters)
                return published, len({letter.name.place for letter in letters}) - published
        except BusUnavailable as fault:
            raise EnvironmentFault(
                str(fault), "This book lives on Kafka: start the broker, or correct --kafka-brokers"
            ) from fault


@asynccontextmanager
async def _book(server_url: str, database: str | None) -> AsyncIterator[tuple[Database, bool]]:
    """The book's database, and whether it lives on Kafka."""
    url = await book_url(server_url, database)
    admin = await connected(url)
    try:
        kafka = await lives_on_kafka(admin)
    finally:
        await admin.close()
    db = Database(url, "bus")
    await db.open()
    try:
        yield db, kafka
    finally:
        await db.close()


def _print(letters: Sequence[DeadLetter], as_json: bool) -> None:
    if as_json:
        print_json({"object": "list", "data": [_shown(letter) for letter in letters]})
        return
    if not letters:
        console().print("No dead letters.")
        return
    table = folding("name", "set aside", "why", "decided")
    for letter in letters[:SHOWN_MAX]:
        table.add_row(str(letter.name), f"{letter.at:%Y-%m-%d %H:%M:%S}", letter.error, _decided(letter))
    words = console()
    words.print(table)
    words.print(
        _counted(len(letters))
        + (f", {SHOWN_MAX} shown (--json lists all)" if len(letters) > SHOWN_MAX else "")
    )


def _decided(letter: DeadLetter) -> str:
    """What was decided about it, in words; "" while it is open."""
    if letter.discarded:
        return f"discarded {letter.discarded.at:%Y-%m-%d %H:%M:%S} by {letter.discarded.by}: {letter.discarded.reason}"
    return f"published again {letter.replayed_at:%Y-%m-%d %H:%M:%S}" if letter.replayed_at else ""


def _counted(records: int) -> str:
    return f"{records:,} record{'' if records == 1 else 's'}"


def _shown(letter: DeadLetter) -> dict[str, Any]:
    gone = letter.discarded
    return {
        "object": "dead_letter",
        "name": str(letter.name),
        "group": letter.group,
        "topic": letter.topic,
        "partition": letter.partition,
        "offset": letter.offset,
        "index": letter.index,
        "set_aside_at": letter.at.isoformat(),
        "error": letter.error,
        "replayed_at": letter.replayed_at.isoformat() if letter.replayed_at else None,
        "discarded": {"at": gone.at.isoformat(), "by": gone.by, "reason": gone.reason} if gone else None,
        "key": letter.record.key.decode("utf-8", "replace"),
        "value": letter.record.value.decode("utf-8", "replace"),
    }
