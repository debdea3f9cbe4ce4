"""K2, receipts ≤ taken: what the door called published is at most what became of it, by source.

Left: usage_ingest.receipts. Right: the batch rows of usage.events by source, what is set aside or discarded,
what is in flight. Less is a break; more is published without a receipt (a kill or a 503 after the publish)
and is none. Before the cut `batch_sources` rows have no sources, and are compared with receipts as one sum
over all sources; that sum is compared over all time.
"""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta

import asyncpg

from services.billing.conservation.checks.k2_in_flight import GROUP, TOPIC, InFlight
from services.billing.conservation.checks.k2_set_aside import SetAside
from services.billing.conservation.domain.breaks import Break, K, Row
from shared.bus.batch_rows import OUTCOMES

NO_SOURCE = ""
#: What metering does with a record; `dead` ones are looked for where they lie, `compacted` ones were none.
TAKEN = ("new", "duplicate", "conflict", "void", "quarantined")
_SUM = " + ".join(TAKEN)
#: The migration lays the cut so far ahead of a book in use.
CLOCKS_DIFFER_MAX = timedelta(minutes=1)

CUT = "select at from bus.cuts where name = 'batch_sources'"
PUBLISHED = """
    select source, sum(published)::bigint as published,
        coalesce(sum(published) filter (where received_at >= $1), 0)::bigint as since
    from usage_ingest.receipts_said group by source
"""
BY_SOURCE = f"""
    select s.key as source, sum({" + ".join(f"coalesce((s.value ->> '{outcome}')::bigint, 0)" for outcome in TAKEN)})::bigint as taken
    from bus.batches b cross join lateral jsonb_each(b.sources) s where b.grp = $1 and b.topic = $2 group by 1
"""
WITHOUT_SOURCES = f"""
    select coalesce(sum({_SUM}), 0)::bigint as taken,
        coalesce(sum({_SUM}) filter (where at >= $3), 0)::bigint as since
    from bus.batches where grp = $1 and topic = $2 and sources is null
"""
_SUMMED = ", ".join(
    f"coalesce(sum((of.value ->> '{outcome}')::bigint), 0) as {outcome}" for outcome in OUTCOMES
)
UNEVEN = f"""
    select b.batch_id, b.grp, b.topic, b.partition, b.from_offset, b.sources::text as sources,
        {", ".join(f"b.{outcome}" for outcome in OUTCOMES)}
    from bus.batches b cross join lateral (select {_SUMMED} from jsonb_each(b.sources) of) s
    where b.sources is not null and ({", ".join(f"b.{outcome}" for outcome in OUTCOMES)}) <>
        ({", ".join(f"s.{outcome}" for outcome in OUTCOMES)})
    order by b.batch_id
"""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Figures of K2, and the breaks. `unsure`: records that may be anybody's, for whom they were taken nobody
    can read."""

    figures: dict[str, int]
    breaks: list[Break]


async def compared(connection: asyncpg.Connection, aside: SetAside, flight: InFlight) -> Comparison:
    """Compare by source since the cut, and in one sum over all time."""
    cut = await connection.fetchval(CUT)
    published = {row["source"]: row for row in await connection.fetch(PUBLISHED, cut)}
    taken = Counter({row["source"]: row["taken"] for row in await connection.fetch(BY_SOURCE, GROUP, TOPIC)})
    [loose] = await connection.fetch(WITHOUT_SOURCES, GROUP, TOPIC, cut - CLOCKS_DIFFER_MAX)
    waits, gone = aside.of(GROUP, TOPIC)
    total = taken.total() + loose["taken"] + sum(waits.values()) + sum(gone.values()) + flight.waiting
    promised = sum(row["published"] for row in published.values())
    figures = {
        "taken": taken.total() + loose["taken"],
        "set_aside": sum(waits.values()),
        "discarded": sum(gone.values()),
        "in_flight": flight.waiting,
        "in_flight_unread": flight.unread,
        "without_a_receipt": max(0, total - promised),
    }
    taken.update(Counter(waits) + Counter(gone) + flight.by_source)
    breaks = [receipts_exceed_bus("published", promised, TOPIC, total)] if promised > total else []
    short = {
        source: (row["since"], taken[source])
        for source, row in published.items()
        if row["since"] > taken[source]
    }
    anybodys = taken[NO_SOURCE] + loose["since"] + flight.unread
    if sum(said - there for said, there in short.values()) > anybodys:
        breaks += [
            _short(source, said, there, anybodys, cut) for source, (said, there) in sorted(short.items())
        ]
    return Comparison(figures, breaks)


def uneven(row: asyncpg.Record) -> Break:
    """A batch row whose sources do not sum to its columns."""
    where = Row(
        "bus.batches", {name: row[name] for name in ("grp", "topic", "partition", "from_offset", "batch_id")}
    )
    counted = ", ".join(f"{outcome} {row[outcome]}" for outcome in OUTCOMES if row[outcome])
    return Break(
        K.DOOR,
        "sources_uneven",
        where,
        counted,
        row["sources"],
        f"what batch {row['batch_id']} says of its sources is not what it says in all; read its offsets of {row['topic']} again and compare",
    )


def receipts_exceed_bus(column: str, promised: int, topic: str, there: int) -> Break:
    """The door promised more of a column of its receipts than their topic ever had of it."""
    return Break(
        K.DOOR,
        "receipts_exceed_bus",
        Row("usage_ingest.receipts", {"column": column, "topic": topic}),
        f"at most {there}",
        str(promised),
        f"receipts promise {promised} {column} events, {topic} ever had {there} of the door: acknowledged events are not on the bus; "
        "find the receipts since the bus was last whole and have their producers send again",
    )


def _short(source: str, said: int, there: int, anybodys: int, cut: datetime) -> Break:
    also = f", and {anybodys} whose source nobody can read cannot be all that is missing" if anybodys else ""
    return Break(
        K.DOOR,
        "receipts_exceed_taken",
        Row("usage_ingest.receipts", {"source": source}),
        f"at most {there}",
        str(said),
        f"since {cut:%Y-%m-%d %H:%M} UTC receipts promise {said} events of source {source!r}, and {there} were taken, are set aside or in "
        f"flight{also}: acknowledged events are gone; have the source's producers send again what they sent since",
    )
