"""Waiting for what lies on the bus: until a group has passed the ends that topics had when the wait began."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from shared.bus import Bus
from shared.topics.graph import Hearing
from shared.values.instants import EPOCH

Pause = Callable[[], Awaitable[None]]


async def until_heard(bus: Bus, hearings: Iterable[Hearing], pause: Pause) -> None:
    """Return when each of these groups has heard what lay on its topic once its turn came, one after the
    other. `pause` is awaited between looks."""
    for hearing in hearings:
        heads = await bus.heads(hearing.topic)
        while not await has_heard(bus, hearing, heads):
            await pause()


@dataclass(frozen=True, slots=True)
class Behind:
    """What lies on a topic that a group has not taken: how many records, and when the oldest of them was written (machine
    clock; None: there is none, or the bus does not say)."""

    records: int
    since: datetime | None


async def behind(bus: Bus, hearing: Hearing) -> Behind:
    """Every partition counts: one that is stuck is behind, however far the others are.

    Reads a batch of each that is. What is stored beside the positions does not say it: by them a partition that got its
    first record for hours just now looks like one that has been stuck for hours.
    """
    left = await _left(bus, hearing)
    since = [
        await bus.written_at(hearing.topic, partition, position)
        for partition, (position, records) in left.items()
        if records > 0
    ]
    known = [at for at in since if at is not None and at > EPOCH]
    return Behind(
        sum(records for _, records in left.values()), min(known) if known and known == since else None
    )


async def records_behind(bus: Bus, hearing: Hearing) -> int:
    """How many records lie on its topic that the group has not taken."""
    return sum(records for _, records in (await _left(bus, hearing)).values())


async def _left(bus: Bus, hearing: Hearing) -> dict[int, tuple[int, int]]:
    """Partition → the next offset that the group takes, and how many records lie from there on."""
    heads, positions = await bus.heads(hearing.topic), await bus.positions(hearing.group, hearing.topic)
    places = {partition: (positions.get(partition, 0), head) for partition, head in heads.items()}
    return {partition: (position, max(0, head - position)) for partition, (position, head) in places.items()}


async def has_heard(bus: Bus, hearing: Hearing, heads: Mapping[int, int]) -> bool:
    """Whether the group is past these offsets (partition → next offset to be written) of its topic."""
    if not any(heads.values()):
        return True
    positions = await bus.positions(hearing.group, hearing.topic)
    return all(positions.get(partition, 0) >= head for partition, head in heads.items())
