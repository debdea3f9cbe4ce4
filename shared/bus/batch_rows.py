"""What the runner writes beside the effects: the batch row (K1), for some subscriptions also by the source of
each message (K2)."""

from collections.abc import Iterable, Mapping

import asyncpg
import msgspec

from shared.bus import Polled, Record

#: What can become of an offset, in the order of the columns of `bus.batches`: their sum is the length of the
#: batch.
OUTCOMES = ("new", "duplicate", "conflict", "void", "quarantined", "dead", "compacted")
# source → outcome → messages; an outcome without messages is left out
Sources = Mapping[str, Mapping[str, int]]
#: Under which stands what has no source that can be read, or none that can be stored.
NO_SOURCE = ""

BATCH = f"""insert into bus.batches (batch_id, grp, topic, partition, from_offset, to_offset, sources,
    {", ".join(OUTCOMES)})
    values ($1, $2, $3, $4, $5, $6, $7, {", ".join(f"${n}" for n in range(8, 8 + len(OUTCOMES)))})"""


class _Sourced(msgspec.Struct):
    source: str = NO_SOURCE


_decode = msgspec.json.Decoder(_Sourced).decode


async def insert_batch_row(
    connection: asyncpg.Connection,
    batch_id: int,
    group: str,
    run: Polled,
    outcome: tuple[int, ...],
    sources: Sources | None = None,
) -> None:
    """Account for every offset of the run: a count for each of OUTCOMES, in their order, and their parts by
    source where they are kept."""
    await connection.execute(
        BATCH, batch_id, group, run.topic, run.partition, run.start, run.end, sources, *outcome
    )


def source_in(value: bytes) -> str:
    """The source that a record names, NO_SOURCE where that cannot be read."""
    try:
        return storable(_decode(value).source)
    except (msgspec.DecodeError, msgspec.ValidationError, UnicodeDecodeError, RecursionError):
        return NO_SOURCE


def storable(source: str) -> str:
    """The source as a batch row can hold it."""
    return source if "\0" not in source else NO_SOURCE


def with_the_rest(sources: Sources, dead: Iterable[Record], compacted: int) -> Sources:
    """Add the messages that a handler never saw to what it counted by source, so that the sums are those of
    the batch row's columns."""
    whole = {source: dict(counts) for source, counts in sources.items()}
    for record in dead:
        counts = whole.setdefault(source_in(record.value), {})
        counts["dead"] = counts.get("dead", 0) + 1
    if compacted:
        whole.setdefault(NO_SOURCE, {})["compacted"] = compacted
    return whole
