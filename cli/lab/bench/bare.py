"""The bare rates of this machine with the same bodies: what each step costs with nothing around it.

`ratio_to_bare` compares the whole with the sum of these parts: 1 would be a product that does nothing but
decode, produce, consume and COPY into a unique table, one after the other on one core. Beside each rate stands
the CPU that all processes together spent on it.
"""

import asyncio
import hashlib
import mmap
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import asyncpg
import msgspec

from lab.bench.event_key import event_key
from lab.bench.machine import Processes
from lab.bench.workload import REQUEST_EVENTS, Bodies
from shared.bus import Bus, Record
from shared.bus.kafka_access import KafkaAccess
from shared.bus.postgres_log import PostgresLog
from shared.db.unit_of_work import Database
from shared.topics import Topic
from shared.topics.registry import TopicKind
from shared.topics.usage_ingest import USAGE_EVENTS, UsageMessage
from shared.values.instants import from_us

EVENTS_MAX = 200_000
PUBLISHERS = 8
POLL_RECORDS, COPY_ROWS = 5000, 5000
TOPIC = Topic(
    "bench.usage",
    UsageMessage,
    TopicKind.FACT,
    USAGE_EVENTS.partitioned_by,
    "bench",
    ("bench",),
    partitions=USAGE_EVENTS.partitions,
)
TABLE = """
    create schema if not exists bench;
    create table bench.copied (key bytea primary key, source text not null, id text not null,
        type text not null, subject text not null,
                               time timestamptz not null, data jsonb not null)
"""
COLUMNS = ("key", "source", "id", "type", "subject", "time", "data")


class BareEvent(msgspec.Struct, gc=False):
    """What the hot path reads of an event."""

    id: str
    source: str
    type: str
    subject: str
    time: str
    data: msgspec.Raw


@dataclass(frozen=True)
class BareRates:
    """Events a second of each step alone; `cpu_us`: step → µs of CPU an event, over all processes."""

    decode: float
    produce: float
    consume: float
    copy: float
    cpu_us: Mapping[str, float] = field(default_factory=dict)

    def ratio(self, events_per_s: float) -> float:
        """Σ 1/rᵢ is the time an event would take if nothing but the parts were done, one after the other."""
        return events_per_s * sum(1 / rate for rate in (self.decode, self.produce, self.consume, self.copy))


@dataclass(frozen=True)
class BareMachine:
    """Where the steps are measured: `brokers` None means the Postgres log; `pids` are the processes that take part,
    this one included."""

    role_url: str
    admin_url: str
    brokers: str | None
    pids: Mapping[str, int]


@dataclass
class _Spent:
    """CPU seconds of all processes, step by step."""

    pids: Mapping[str, int]
    cpu_s: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def on(self, step: str) -> Iterator[None]:
        processes = Processes(self.pids)
        yield
        self.cpu_s[step] = sum(processes.cpu_s().values())

    def us(self, counts: Mapping[str, int]) -> dict[str, float]:
        """Step → µs an event."""
        return {step: round(seconds / counts[step] * 1e6, 2) for step, seconds in self.cpu_s.items()}


async def bare_rates(bodies: Bodies, machine: BareMachine) -> BareRates:
    """Measure each step. The services should sleep meanwhile."""
    raw, spent = _raw(bodies), _Spent(machine.pids)
    began = time.perf_counter()
    with spent.on("decode"):
        decoded = [event for body in raw for event in _decode(body)]
    decode = len(decoded) / (time.perf_counter() - began)
    events = list({(event.source, event.id): event for event in decoded}.values())
    produce, consume = await _bus_rates([_record(event) for event in events], machine, spent)
    with spent.on("copy"):
        copy = await _copy_rate(events, machine.admin_url)
    counts = {"decode": len(decoded), **dict.fromkeys(("produce", "consume", "copy"), len(events))}
    return BareRates(decode, produce, consume, copy, spent.us(counts))


_decode = msgspec.json.Decoder(list[BareEvent]).decode


def _raw(bodies: Bodies) -> list[bytes]:
    requests = [request for request in bodies.requests if not request.void][: EVENTS_MAX // REQUEST_EVENTS]
    with open(bodies.file, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as held:
        return [held[request.offset : request.offset + request.length] for request in requests]


def _record(event: BareEvent) -> Record:
    """As the door would put it on the bus."""
    message = UsageMessage(
        event.source,
        event.id,
        received_us=1_700_000_000_000_000,
        type=event.type,
        subject=event.subject,
        time_us=1_700_000_000_000_000,
        data=event.data,
        body_hash=hashlib.sha256(bytes(event.data)).hexdigest()[:32],
    )
    return Record(event_key(event.source, event.id), USAGE_EVENTS.encode(message))


async def _bus_rates(records: Sequence[Record], machine: BareMachine, spent: _Spent) -> tuple[float, float]:
    database = Database(machine.role_url, "rating")
    await database.open()
    bus = _bus(database.pool, machine.brokers)
    await bus.start()
    try:
        chunks = iter(
            [records[start : start + REQUEST_EVENTS] for start in range(0, len(records), REQUEST_EVENTS)]
        )
        began = time.perf_counter()
        with spent.on("produce"):
            await asyncio.gather(*(_publish(bus, chunks) for _ in range(PUBLISHERS)))
        produced_s = time.perf_counter() - began
        with spent.on("consume"):
            consume = await _consume_rate(bus, len(records))
        return len(records) / produced_s, consume
    finally:
        await bus.stop()
        await database.close()


def _bus(pool: asyncpg.Pool, brokers: str | None) -> Bus:
    if brokers is None:
        return PostgresLog(pool, topics={TOPIC.name: TOPIC})
    from shared.bus.kafka import KafkaBus  # only where Kafka is measured is its client loaded

    return KafkaBus(pool, KafkaAccess(brokers), topics={TOPIC.name: TOPIC})


async def _publish(bus: Bus, chunks: Iterator[Sequence[Record]]) -> None:
    for chunk in chunks:
        await bus.publish(TOPIC.name, chunk)


async def _consume_rate(bus: Bus, count: int) -> float:
    """Records a second, from the end of the first poll that gave any: joining the group is not consuming. If
    that poll gave all, its own rate."""
    subscription = await bus.subscribe("bench", [TOPIC.name])
    taken, first, began = 0, 0, 0.0
    try:
        while taken < count:
            asked = time.perf_counter()
            taken += sum(len(run.records) for run in await subscription.poll(POLL_RECORDS, 1.0))
            if taken and not first:
                first, began = taken, time.perf_counter()
                if first == count:
                    return first / (began - asked)
        return (taken - first) / (time.perf_counter() - began)
    finally:
        await subscription.close()


async def _copy_rate(events: Sequence[BareEvent], admin_url: str) -> float:
    connection = await asyncpg.connect(admin_url)
    try:
        await connection.execute(TABLE)
        await connection.set_type_codec(
            "jsonb",
            schema="pg_catalog",
            format="binary",
            encoder=lambda value: b"\x01" + bytes(value),
            decoder=lambda value: value,
        )
        began = time.perf_counter()
        for start in range(0, len(events), COPY_ROWS):
            rows = [
                (
                    event_key(e.source, e.id),
                    e.source,
                    e.id,
                    e.type,
                    e.subject,
                    from_us(1_700_000_000_000_000),
                    e.data,
                )
                for e in events[start : start + COPY_ROWS]
            ]
            await connection.copy_records_to_table(
                "copied", schema_name="bench", columns=COLUMNS, records=rows
            )
        return len(events) / (time.perf_counter() - began)
    finally:
        await connection.execute("drop schema if exists bench cascade")
        await connection.close()
