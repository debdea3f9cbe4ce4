"""K1: batch rows tile each partition's log from 0 to the group's position, without gap or overlap.

Left: bus.batches. Right: bus.positions, the heads of the bus, bus.dead_letters. One pass over the unique
index (grp, topic, partition, from_offset) with a window function: about a microsecond a batch row, so a
million batches (some billions of events) take a second; with `since` only the rows after what was verified
before are read.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

import asyncpg

from services.billing.conservation.checks.listing import LISTED_MAX, listed
from services.billing.conservation.domain.breaks import Break, Checked, K, Row
from shared.topics import ALL

Place = tuple[str, str, int]  # group, topic, partition
Heads = Callable[[str], Awaitable[Mapping[int, int]]]  # `bus.heads`

TILES = """
    with since as (select * from unnest($1::text[], $2::text[], $3::smallint[], $4::bigint[]) as s
        (grp, topic, partition, verified)),
    batch as (
        select b.*, lag(b.to_offset, 1, coalesce(s.verified, 0)) over
            (partition by b.grp, b.topic, b.partition order by b.from_offset) as expected
        from (select distinct grp, topic, partition from bus.positions) p
        left join since s using (grp, topic, partition)
        cross join lateral (
            select grp, topic, partition, batch_id, from_offset, to_offset,
                new + duplicate + conflict + void + quarantined + dead + compacted
                as counted
            from bus.batches
            where grp = p.grp and topic = p.topic and partition = p.partition
                and from_offset >= coalesce(s.verified, 0)
        ) b
    )
    select grp, topic, partition, batch_id, from_offset, to_offset, counted, expected
    from batch where from_offset <> expected or to_offset - from_offset <> counted
    order by grp, topic, partition, from_offset
"""

ENDS = """
    select p.grp, p.topic, p.partition, p.position, coalesce(last.to_offset, 0) as tiled
    from bus.positions p
    left join lateral (
        select to_offset from bus.batches b where b.grp = p.grp and b.topic = p.topic
            and b.partition = p.partition
        order by from_offset desc limit 1
    ) last on true
    order by p.grp, p.topic, p.partition
"""

WITHOUT_POSITION = """
    select grp, topic, partition, count(*) as batches from bus.batches b
    where not exists (select from bus.positions p where p.grp = b.grp and p.topic = b.topic
        and p.partition = b.partition)
    group by grp, topic, partition
"""

DEAD = """
    with counted as (select grp, topic, partition, batch_id, dead from bus.batches where dead > 0),
    kept as (
        select grp, topic, partition, batch_id, count(distinct offset_) as letters from bus.dead_letters
            group by grp, topic, partition, batch_id
    )
    select grp, topic, partition, batch_id, coalesce(dead, 0) as dead, coalesce(letters, 0) as letters
    from counted full join kept using (grp, topic, partition, batch_id)
    where coalesce(dead, 0) <> coalesce(letters, 0)
    order by batch_id
"""


@dataclass(frozen=True, slots=True)
class Transport:
    """K1 as checked, and how far each partition is verified: the next check may begin there."""

    checked: Checked
    verified: dict[Place, int]


async def transport(
    connection: asyncpg.Connection,
    heads: Heads | None = None,
    since: Mapping[Place, int] | None = None,
    *,
    listed_max: int | None = LISTED_MAX,
) -> Transport:
    """K1 over all groups. `heads` asks the bus (Kafka) after the positions were read; None reads the Postgres
    log's own in the snapshot.

    With `since` (a former `verified`) only newer batch rows are read, and the full-table look for strays is
    left out. Where the list of breaks is cut, nothing counts as verified: what was not listed may lie
    anywhere.
    """
    since = since or {}
    ends = await connection.fetch(ENDS)
    tops = await _heads(connection, heads, sorted({row["topic"] for row in ends}))
    places = list(since)
    tiles = await listed(
        connection,
        TILES,
        [p[0] for p in places],
        [p[1] for p in places],
        [p[2] for p in places],
        [since[p] for p in places],
        rows_max=listed_max,
    )
    breaks, more = [_untiled(row) for row in tiles.rows], tiles.more
    breaks += [found for row in ends for found in _ends(row, tops)]
    if not since:
        breaks += [_without_position(row) for row in await connection.fetch(WITHOUT_POSITION)]
        dead = await listed(connection, DEAD, rows_max=listed_max)
        breaks, more = breaks + [_dead(row) for row in dead.rows], more + dead.more
    in_flight = sum(
        max(0, tops.get((row["topic"], row["partition"]), row["position"]) - row["position"])
        for row in ends
        if _hears(row)
    )
    figures = {
        "partitions": len(ends),
        "messages": sum(row["position"] for row in ends),
        "in_flight": in_flight,
    }
    broken = {tuple(found.where.key[name] for name in ("grp", "topic", "partition")) for found in breaks}
    verified = {
        place: row["tiled"]
        for row in ends
        if not more and (place := (row["grp"], row["topic"], row["partition"])) not in broken
    }
    return Transport(Checked(K.TRANSPORT, figures, tuple(breaks), more=more), verified)


async def _heads(
    connection: asyncpg.Connection, heads: Heads | None, topics: list[str]
) -> dict[tuple[str, int], int]:
    if heads is None:
        rows = await connection.fetch("select topic, partition, head from bus.heads")
        return {(row["topic"], row["partition"]): row["head"] for row in rows}
    return {(topic, partition): head for topic in topics for partition, head in (await heads(topic)).items()}


def _hears(row: asyncpg.Record) -> bool:
    """Whether this group still takes this topic. One that did before the topic got a consumer of its own
    stands where it stood: all it took is tiled, and nothing is on its way to it.
    """
    return row["topic"] not in ALL or row["grp"] not in ALL[row["topic"]].former_groups


def _untiled(row: asyncpg.Record) -> Break:
    where = Row(
        "bus.batches",
        {
            "grp": row["grp"],
            "topic": row["topic"],
            "partition": row["partition"],
            "from_offset": min(row["from_offset"], row["expected"]),
            "batch_id": row["batch_id"],
        },
    )
    if row["to_offset"] - row["from_offset"] != row["counted"]:
        return Break(
            K.TRANSPORT,
            "batch_miscounted",
            where,
            str(row["to_offset"] - row["from_offset"]),
            str(row["counted"]),
            f"batch {row['batch_id']} covers {row['to_offset'] - row['from_offset']} messages and accounts for {row['counted']}; "
            "stop the group and compare the batch with its records",
        )
    if row["from_offset"] > row["expected"]:
        where = Row(
            "bus.batches",
            {
                "grp": row["grp"],
                "topic": row["topic"],
                "partition": row["partition"],
                "from_offset": row["expected"],
                "to_offset": row["from_offset"],
            },
        )
        return Break(
            K.TRANSPORT,
            "batch_row_missing",
            where,
            f"a batch from {row['expected']}",
            f"the next one begins at {row['from_offset']}",
            f"messages {row['expected']} to {row['from_offset'] - 1} of {row['topic']}/{row['partition']} are in no batch of {row['grp']}: "
            "the row was removed, or the position skipped them; restore it, or replay from there",
        )
    return Break(
        K.TRANSPORT,
        "batch_overlaps",
        where,
        f"a batch from {row['expected']}",
        f"one from {row['from_offset']}",
        f"batch {row['batch_id']} takes messages again that the batch before had taken: two consumers both committed; "
        "the position's compare-and-set is broken",
    )


def _ends(row: asyncpg.Record, tops: Mapping[tuple[str, int], int]) -> list[Break]:
    place = {"grp": row["grp"], "topic": row["topic"], "partition": row["partition"]}
    found = []
    if row["tiled"] != row["position"]:
        where = (
            Row("bus.batches", {**place, "from_offset": row["tiled"], "to_offset": row["position"]})
            if row["tiled"] < row["position"]
            else Row("bus.positions", place)
        )
        found.append(
            Break(
                K.TRANSPORT,
                "batch_row_missing" if row["tiled"] < row["position"] else "position_behind_batches",
                where,
                f"batches up to {row['position']}",
                f"up to {row['tiled']}",
                f"{row['grp']} stands at {row['position']} of {row['topic']}/{row['partition']}, its batch rows end at {row['tiled']}: "
                "a position moves only with its batch row; restore the missing one, or replay",
            )
        )
    head = tops.get((row["topic"], row["partition"]))
    if row["position"] > (head or 0):
        found.append(
            Break(
                K.TRANSPORT,
                "position_past_head",
                Row("bus.positions", place),
                f"at most {head}",
                str(row["position"]),
                f"{row['grp']} has consumed more of {row['topic']}/{row['partition']} than was ever written: the log was re-created or "
                "truncated, or this is another cluster; connect the bus the positions belong to",
            )
        )
    return found


def _without_position(row: asyncpg.Record) -> Break:
    where = Row("bus.positions", {"grp": row["grp"], "topic": row["topic"], "partition": row["partition"]})
    return Break(
        K.TRANSPORT,
        "position_missing",
        where,
        "a position",
        f"{row['batches']} batch rows without one",
        "the position row is gone, so the group would begin again at 0; restore it to the end of its last batch",
    )


def _dead(row: asyncpg.Record) -> Break:
    where = Row(
        "bus.dead_letters",
        {
            "grp": row["grp"],
            "topic": row["topic"],
            "partition": row["partition"],
            "batch_id": row["batch_id"],
        },
    )
    return Break(
        K.TRANSPORT,
        "dead_letter_missing",
        where,
        str(row["dead"]),
        str(row["letters"]),
        f"batch {row['batch_id']} counts {row['dead']} dead letters and {row['letters']} are kept; a dead letter is never deleted",
    )
