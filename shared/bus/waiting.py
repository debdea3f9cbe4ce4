"""Waiting for what lies on the bus: until a group has passed the ends that topics had when the wait began."""

from collections.abc import Awaitable, Callable, Iterable, Mapping

from shared.bus import Bus
from shared.topics.graph import Hearing

Pause = Callable[[], Awaitable[None]]


async def until_heard(bus: Bus, hearings: Iterable[Hearing], pause: Pause) -> None:
    """Return when each of these groups has heard what lay on its topic once its turn came, one after the
    other. `pause` is awaited between looks."""
    for hearing in hearings:
        heads = await bus.heads(hearing.topic)
        while not await has_heard(bus, hearing, heads):
            await pause()


async def has_heard(bus: Bus, hearing: Hearing, heads: Mapping[int, int]) -> bool:
    """Whether the group is past these offsets (partition → next offset to be written) of its topic."""
    if not any(heads.values()):
        return True
    positions = await bus.positions(hearing.group, hearing.topic)
    return all(positions.get(partition, 0) >= head for partition, head in heads.items())
