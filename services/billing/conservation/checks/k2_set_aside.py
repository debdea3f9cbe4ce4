"""K2, what is set aside: dead letters that were neither published again nor discarded by a named decision,
whose topic ever.

A letter that was published again came back as a record, and is counted as what became of that.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import asyncpg

from services.billing.conservation.checks.worth import USAGE_TOPICS, Worth, in_words, source_of
from services.billing.conservation.domain.breaks import Break, K, Row
from shared.bus.dead_letters import Name
from shared.values.money import Money

# Only of usage does anybody read the value: other topics' records have no source and no list price.
LETTERS = """
    select grp, topic, partition, offset_, index_, at, discarded_at is not null as discarded,
        case when topic like 'usage.%' then value end as value
    from bus.dead_letters where replayed_at is null order by topic, partition, offset_, index_, grp
"""
#: Letters at a time: each may have a megabyte.
PREFETCH = 20


@dataclass(frozen=True, slots=True)
class Heap:
    """What lies together: letters of one group, topic and source. "" is a source nobody can read."""

    group: str
    topic: str
    source: str


@dataclass(slots=True)
class Open:
    """How many letters of a heap are open, which was the first, and since when."""

    letters: int
    first: Name
    since: datetime


@dataclass(frozen=True, slots=True)
class SetAside:
    """Open letters by heap, what each is worth, and how many of a heap were discarded."""

    open: Mapping[Heap, Open]
    worth: Mapping[Heap, tuple[Money, ...]]
    discarded: Mapping[Heap, int]

    def of(self, group: str, topic: str) -> tuple[dict[str, int], dict[str, int]]:
        """Source → letters set aside, source → letters discarded, of one group and topic."""
        return (
            {
                heap.source: of.letters
                for heap, of in self.open.items()
                if (heap.group, heap.topic) == (group, topic)
            },
            {
                heap.source: letters
                for heap, letters in self.discarded.items()
                if (heap.group, heap.topic) == (group, topic)
            },
        )

    def breaks(self) -> list[Break]:
        """One for each heap that has an open letter."""
        return [_set_aside(heap, of, self.worth[heap]) for heap, of in self.open.items()]


async def set_aside(connection: asyncpg.Connection) -> SetAside:
    """All letters that were not published again, in the transaction of the check."""
    found: dict[Heap, Open] = {}
    discarded: dict[Heap, int] = {}
    worth = Worth[Heap](connection)
    async for row in connection.cursor(LETTERS, prefetch=PREFETCH):
        heap = Heap(row["grp"], row["topic"], source_of(row["value"]) if row["value"] is not None else "")
        if row["discarded"]:
            discarded[heap] = discarded.get(heap, 0) + 1
            continue
        of = found.setdefault(heap, Open(0, _name(row), row["at"]))
        of.letters, of.since = of.letters + 1, min(of.since, row["at"])
        if heap.topic in USAGE_TOPICS:
            await worth.add(heap, row["value"])
    return SetAside(found, {heap: await worth.of(heap) for heap in found}, discarded)


def _name(row: asyncpg.Record) -> Name:
    return Name(row["grp"], row["topic"], row["partition"], row["offset_"], row["index_"])


def _set_aside(heap: Heap, of: Open, worth: tuple[Money, ...]) -> Break:
    what = f"{of.letters:,} record{'' if of.letters == 1 else 's'} of {heap.topic}" + (
        f" from source {heap.source!r}" if heap.source else ""
    )
    return Break(
        K.DOOR,
        "message_set_aside",
        Row("bus.dead_letters", {"grp": heap.group, "topic": heap.topic, "source": heap.source}),
        "none set aside",
        f"{of.letters}, the first {of.first} since {of.since:%Y-%m-%d %H:%M:%S} UTC",
        f"{what} could not be taken by {heap.group}{in_words(worth)}: mend what they name and publish them again "
        f"(./u2c dead-letters replay --group {heap.group} --topic {heap.topic}), or give up what can never be taken "
        f"(./u2c dead-letters discard {of.first} --reason WHY)",
        worth=worth,
    )
