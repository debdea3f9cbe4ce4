"""Who may write where, found out by trying."""

from shared.bus import Bus, Record, RecordsRefused
from shared.topics import ALL


async def tried(bus: Bus) -> tuple[set[str], list[str]]:
    """Put a record on every topic: those that took it, and what the others said."""
    written, refusals = set(), []
    for topic in ALL:
        try:
            await bus.publish(topic, [Record(b"k", b"{}")])
            written.add(topic)
        except RecordsRefused as fault:
            refusals.append(str(fault))
    return written, refusals
