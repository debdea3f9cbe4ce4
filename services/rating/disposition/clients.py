"""What the bus knows of an event that is not stored: on its way to metering, or set aside by it."""

from dataclasses import dataclass, field

import asyncpg
import msgspec

from services.rating.disposition.repository.events import DispositionRepository
from shared.bus import Bus
from shared.bus.dead_letters import DeadLetter, letters_of
from shared.bus.partitioner import partition_of
from shared.topics.usage_ingest import USAGE_EVENTS, event_key

#: Records of the event's partition that are looked through for one answer.
READ_MAX = 100_000
ROUND = 5_000
GROUP = "rating"


@dataclass(frozen=True, slots=True)
class InFlight:
    """A record of the event, or of its void, that metering has not taken yet."""

    kind: str  # event | void; "" where that cannot be read
    partition: int
    offset: int


@dataclass(frozen=True, slots=True)
class UnderWay:
    """Records that are not metered. `unread`: how many more lie before the head of the partition than were
    looked through."""

    in_flight: list[InFlight] = field(default_factory=list)
    unread: int = 0
    set_aside: list[DeadLetter] = field(default_factory=list)


async def under_way(connection: asyncpg.Connection, bus: Bus, source: str, id: str) -> UnderWay:
    """Look between metering's position, as this transaction sees it, and the head, and into the dead letters.
    Raises BusUnavailable.

    The key of a record names its event, so no message is decoded but the event's own.
    """
    key = event_key(source, id)
    partition = partition_of(key, USAGE_EVENTS.partitions)
    offset = await DispositionRepository(connection).position(GROUP, USAGE_EVENTS.name, partition)
    head = (await bus.heads(USAGE_EVENTS.name)).get(partition, 0)
    end, found = min(head, offset + READ_MAX), list[InFlight]()
    while offset < end:
        run = await bus.read(USAGE_EVENTS.name, partition, offset, min(ROUND, end - offset))
        found += [
            InFlight(_kind(record.value), partition, at)
            for at, record in zip(run.offsets, run.records, strict=True)
            if record.key == key
        ]
        if run.end == offset:
            break
        offset = run.end
    return UnderWay(found, max(0, head - offset), await letters_of(connection, GROUP, USAGE_EVENTS.name, key))


def _kind(value: bytes) -> str:
    try:
        return str(USAGE_EVENTS.decode(value).kind)
    except (msgspec.DecodeError, msgspec.ValidationError, UnicodeDecodeError):
        return ""
