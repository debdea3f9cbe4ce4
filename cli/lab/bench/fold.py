"""`u2c bench fold`: what it costs to bring usage into the aggregates, and nothing else: from what a batch adds up to
until it is committed.

The events are always the same ones. Sparse: the aggregates begin empty. Dense: every customer has rows in all 75
groups of its three additive meters before. A fold is five batches; how the product brings them in is `add_up`.
"""

import asyncio
import shutil
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import product
from pathlib import Path

import asyncpg
import msgspec

from lab.bench.backends import Backends
from lab.bench.bodies import written
from lab.bench.rounds import Round, Rounds
from lab.bench.scene import connected
from lab.bench.workload import METERS, REGIONS, TIERS, Bodies, BodiesPlan, subject
from services.rating.catalogue.domain.meter import Meter
from services.rating.catalogue.repository import CatalogueRepository
from services.rating.metering.domain.aggregations.offered import AGGREGATIONS
from services.rating.metering.domain.delta import Numbers, delta_of, encode
from services.rating.metering.domain.tally import Catalogue, Tally
from services.rating.metering.fold.memory import FoldMemory
from services.rating.metering.fold.repository.state import FoldRepository
from services.rating.metering.fold.usecases.fold import fold_share
from services.rating.metering.memory import KnownSubjects
from services.rating.metering.usecases.number_subjects import number_subjects
from shared.db.unit_of_work import Database
from shared.postgres.embedded import EmbeddedPostgres
from shared.postgres.migrations import prepare
from shared.postgres.urls import role_url
from shared.runtime.garbage import collect, collect_seldom
from shared.values.instants import to_us
from u2c.deployment.state import State

STARTS = datetime(2026, 11, 28, 9, tzinfo=UTC)
SECONDS, SEED = 30.0, 7
BATCHES = 5  # of a fold
SIZES = (50_000, 15_000)  # events of a fold
CUSTOMERS_AT_ONCE = 100  # of the rows that are there before
SECRET = "of nobody"
GROUPS_MAX = 1000
#: A batch of one event, as the fold looks at it.
TAKEN = """with moved as (
        insert into bus.positions (grp, topic, partition, position) values ('rating', 'usage.events', 0, 1)
        on conflict (grp, topic, partition) do update set position = bus.positions.position + 1 returning position)
    insert into bus.batches (batch_id, grp, topic, partition, from_offset, to_offset, new, duplicate, conflict, void,
        quarantined, dead, compacted)
    select nextval('bus.batch_id'), 'rating', 'usage.events', 0, position - 1, position, 1, 0, 0, 0, 0, 0, 0 from moved
    returning batch_id"""
BENCHS_OWN = "bench"


@dataclass(frozen=True)
class FoldWanted:
    """`rounds` folds of each size, after one that warms up."""

    customers: int
    rounds: int


class Event(msgspec.Struct, frozen=True, gc=False):
    """An event as metering looks at it."""

    type: str
    subject: str
    time_us: int
    data: msgspec.Raw


class _Sent(msgspec.Struct, gc=False):
    type: str
    subject: str
    time: datetime
    data: msgspec.Raw


async def measure_fold(wanted: FoldWanted, say: Callable[[str], None]) -> Rounds:
    """CPU of this process and of the server, µs an event, round by round: for each size, sparse and dense. Garbage is
    collected as in a service: to look through all events of this process took as long as half a fold."""
    collect_seldom()
    folder = State.default().folder / "bench-fold"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    server = EmbeddedPostgres(folder)
    try:
        admin_url = (await asyncio.to_thread(server.start)).admin_url
        events = list(await _events(folder, wanted))
        collect()
        found: list[Round] = [{} for _ in range(wanted.rounds + 1)]
        for name in ("sparse", "dense"):
            say(f"{name}: {len(events):,} events in folds of {' and '.join(f'{size:,}' for size in SIZES)} …")
            async with _book(admin_url, name) as book:
                if name == "dense":
                    await _fill(book, wanted.customers)
                await book.admin.execute("checkpoint")
                await _measure(book, events, found)
        return found[1:]
    finally:
        server.remove()
        shutil.rmtree(folder, ignore_errors=True)


@dataclass(frozen=True)
class _Book:
    name: str
    database: Database
    admin: asyncpg.Connection
    memory: FoldMemory = field(default_factory=lambda: FoldMemory(GROUPS_MAX))
    subjects: KnownSubjects = field(default_factory=KnownSubjects)


async def add_up(book: _Book, batches: Sequence[Tally]) -> None:
    """What the product does with the batches of a fold: each leaves its delta in its own transaction, and one
    that holds the packed rows adds them."""
    for tally in batches:
        async with book.database.transaction() as uow:
            subjects = {subject for subject, _, _, _ in tally.places()}
            numbers = Numbers(await number_subjects(uow, subjects, book.subjects), {})
            body = encode(delta_of(tally, Tally(), {}, 0, numbers))
            await FoldRepository(uow.connection).put_delta(0, await uow.connection.fetchval(TAKEN), body)
    while await fold_share(book.database, book.memory, STARTS):
        pass


@asynccontextmanager
async def _book(admin_url: str, name: str) -> AsyncIterator[_Book]:
    """A database of its own."""
    url = await prepare(admin_url, name, SECRET)
    async with AsyncExitStack() as left:
        database = Database(role_url(url, "rating", SECRET), "rating")
        await database.open()
        left.push_async_callback(database.close)
        async with database.transaction() as uow:
            for meter in _catalogue().meters.values():
                await CatalogueRepository(uow.connection).put_meter(meter, STARTS)
        yield _Book(name, database, await connected(url, left))


async def _measure(book: _Book, events: list[Event], found: list[Round]) -> None:
    catalogue, waiting = _catalogue(), iter(events)
    for each, size in product(found, SIZES):
        batches = [catalogue.tally([next(waiting) for _ in range(size // BATCHES)]) for _ in range(BATCHES)]
        backends = Backends(book.admin)
        await backends.begin()
        began_s = time.process_time()
        await add_up(book, batches)
        python_s = time.process_time() - began_s
        await backends.look()
        server_s = sum(seconds for kind, seconds in backends.cpu_s().items() if kind != BENCHS_OWN)
        parts = {"": python_s + server_s, "_python": python_s, "_postgres": server_s}
        each |= {
            f"{book.name}_{size}{part}_us": round(seconds / size * 1e6, 3) for part, seconds in parts.items()
        }


async def _fill(book: _Book, customers: int) -> None:
    """Every customer has a row in each group of each meter."""
    catalogue, at_us = _catalogue(), to_us(STARTS)
    data = [
        msgspec.Raw(f'{{"region":"{region}","tier":"{tier}","value":1.001,"user":"user-0000"}}'.encode())
        for region, tier in product(REGIONS, TIERS)
    ]
    types = [meter["event_type"] for meter in METERS if AGGREGATIONS[meter["aggregation"]].adds_up]
    for start in range(0, customers, CUSTOMERS_AT_ONCE):
        names = [subject(number) for number in range(start, min(start + CUSTOMERS_AT_ONCE, customers))]
        events = [Event(kind, name, at_us, body) for name, kind, body in product(names, types, data)]
        await add_up(book, [catalogue.tally(events)])


async def _events(folder: Path, wanted: FoldWanted) -> Iterator[Event]:
    """As many events of the benchmark's own load as all folds take."""
    count = (wanted.rounds + 1) * sum(SIZES)
    at_s = STARTS.timestamp()
    plan = BodiesPlan(
        str(folder / "bodies"), str(folder / "index"), count, wanted.customers, SEED, at_s, at_s + SECONDS
    )
    return _read(await written(plan))


def _read(bodies: Bodies) -> Iterator[Event]:
    whole, decode = bodies.file.read_bytes(), msgspec.json.Decoder(list[_Sent]).decode
    for request in bodies.requests:
        if not request.void:
            for sent in decode(whole[request.offset : request.offset + request.length]):
                yield Event(sent.type, sent.subject, to_us(sent.time), sent.data)


def _catalogue() -> Catalogue:
    """The benchmark's meters."""
    return Catalogue(
        1,
        [
            Meter(
                meter["meter"],
                meter["event_type"],
                AGGREGATIONS[meter["aggregation"]],
                meter.get("field"),
                group_by=tuple(sorted(meter["group_by"])),
            )
            for meter in METERS
        ],
    )
