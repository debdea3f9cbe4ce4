"""Faults of a log that no retry mends: the consumer or the service stops, and the message names the
remedy."""

import asyncpg

from shared.db.unit_of_work import OUTAGES

#: Whatever a database may answer while it is asked on behalf of the bus: waited out, never skipped.
DATABASE_FAULTS: tuple[type[BaseException], ...] = (*OUTAGES, asyncpg.PostgresError)


class LogFault(Exception):
    """The log is not the one this group consumed, or lost records it had not consumed. Consuming on would
    lose or repeat effects."""


class LogReplaced(LogFault):
    """The topic was re-created or truncated, or this is another cluster."""

    def __init__(self, group: str, topic: str, partition: int, found: str) -> None:
        super().__init__(
            f"{topic}[{partition}] no longer holds what group {group} consumed: {found}. The topic was re-created or truncated, or this is "
            f"another cluster. Point the service at the right bus or restore the topic; only if its records are truly gone and accounted for, "
            f"delete the row of bus.positions (grp={group}, topic={topic}, partition={partition}) to start again at the beginning."
        )


class RecordsLost(LogFault):
    """Records were removed before this group consumed them."""

    def __init__(self, group: str, topic: str, partition: int, start: int, end: int) -> None:
        super().__init__(
            f"{topic}[{partition}] lost offsets {start} to {end} (exclusive) before group {group} consumed them: retention is shorter than the "
            f"time the group was behind. Restore them (backup of the bus, or let the producers send again), then move the position row of "
            f"bus.positions past the gap by hand; K1 will show it as a gap until a batch row accounts for it."
        )


class WrongCluster(LogFault):
    """The positions in this database belong to another bus."""

    def __init__(self, known: str, found: str) -> None:
        super().__init__(
            f"This database holds the positions of bus {known}, but the configured bus is {found}. Point U2C_BUS and U2C_KAFKA_BROKERS at the "
            f"right cluster, or use a fresh database; after a deliberate move of all topics, delete the row of bus.cluster."
        )


class WrongPartitionCount(LogFault):
    """A topic has another number of partitions than the topic registry says."""

    def __init__(self, topic: str, registered: int, found: int) -> None:
        super().__init__(
            f"{topic} has {found} partitions, the registry says {registered}. A change of the count is a new topic: keys would change their "
            f"partition. Put the registered count back, or register a topic of another name."
        )
