"""`u2c dead-letters`: the records a consumer could not take, and publishing them again once that is mended."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Annotated, Any

import typer

from shared.bus import BusUnavailable
from shared.bus.dead_letters import DeadLetter, dead_letters, replay
from shared.db import Database
from shared.environment_fault import EnvironmentFault
from u2c.book import BROKERS, AdminUrl, Brokers, DatabaseName, book_url, connected, lives_on_kafka, opened_bus, server
from u2c.printing import AsJson, console, folding, print_json

SHOWN_MAX = 100                                                # letters a person is shown

app = typer.Typer(no_args_is_help=True, help="Records a consumer could not take. Nothing of them is lost; nothing of them counts yet.")
Group = Annotated[str | None, typer.Option(help="Of this consumer group alone: usage_ingest, rating, billing or signals")]
OfTopic = Annotated[str | None, typer.Option("--topic", help="Of this topic alone")]


@app.command("list")
def list_(
    group: Group = None, topic: OfTopic = None,
    replayed: Annotated[bool, typer.Option("--all", help="Also those that were published again")] = False,
    admin_url: AdminUrl = None, database: DatabaseName = None, as_json: AsJson = False,
) -> None:
    """What is set aside, where it lay, and why."""
    with server(admin_url) as server_url:
        letters = asyncio.run(_listed(server_url, database, group, topic, replayed))
    _print(letters, as_json)


@app.command("replay")
def replay_(
    group: Group = None, topic: OfTopic = None, admin_url: AdminUrl = None, database: DatabaseName = None, kafka_brokers: Brokers = BROKERS,
    as_json: AsJson = False,
) -> None:
    """Publish what was never replayed again, at the end of its topic. Safe to repeat: every message may come twice and counts once."""
    with server(admin_url) as server_url:
        published = asyncio.run(_replayed(server_url, database, group, topic, kafka_brokers))
    if as_json:
        print_json({"object": "replay", "published": published})
    else:
        console().print(f"{_counted(published)} published again. What still cannot be taken is set aside again: ./u2c dead-letters list")


async def _listed(server_url: str, database: str | None, group: str | None, topic: str | None, replayed: bool) -> list[DeadLetter]:
    async with _book(server_url, database) as (db, _kafka):
        return await dead_letters(db.pool, group, topic, replayed=replayed)


async def _replayed(server_url: str, database: str | None, group: str | None, topic: str | None, brokers: str) -> int:
    async with _book(server_url, database) as (db, kafka):
        letters = await dead_letters(db.pool, group, topic)
        if not letters:
            return 0
        try:
            async with opened_bus(db.pool, brokers, kafka=kafka) as bus:
                return await replay(db.pool, bus, letters)
        except BusUnavailable as fault:
            raise EnvironmentFault(str(fault), "This book lives on Kafka: start the broker, or correct --kafka-brokers") from fault


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
    table = folding("group", "topic", "place", "set aside", "why", "published again")
    for letter in letters[:SHOWN_MAX]:
        table.add_row(letter.group, letter.topic, f"{letter.partition}: {letter.offset}", f"{letter.at:%Y-%m-%d %H:%M:%S}", letter.error,
                      f"{letter.replayed_at:%Y-%m-%d %H:%M:%S}" if letter.replayed_at else "no")
    words = console()
    words.print(table)
    words.print(_counted(len(letters)) + (f", {SHOWN_MAX} shown (--json lists all)" if len(letters) > SHOWN_MAX else ""))


def _counted(records: int) -> str:
    return f"{records:,} record{'' if records == 1 else 's'}"


def _shown(letter: DeadLetter) -> dict[str, Any]:
    return {
        "object": "dead_letter", "group": letter.group, "topic": letter.topic, "partition": letter.partition, "offset": letter.offset,
        "set_aside_at": letter.at.isoformat(), "error": letter.error, "replayed_at": letter.replayed_at.isoformat() if letter.replayed_at else None,
        "key": letter.record.key.decode("utf-8", "replace"), "value": letter.record.value.decode("utf-8", "replace"),
    }
