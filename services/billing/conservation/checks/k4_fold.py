"""K4, what its cut rests on: each batch of usage is either behind the fold's watermark, and then in the
aggregates, or its delta still waits to be added.

Left: the batch rows of usage.events. Right: the deltas, and the watermark. Whether the aggregates hold what
lies behind it is asked by `k4_aggregates`.
"""

import asyncpg

from services.billing.conservation.checks.facts import DELTAS, FOLD, FOLDED
from services.billing.conservation.checks.listing import listed
from services.billing.conservation.domain.breaks import Break, Checked, K, Row
from shared.values.instants import written

STANDS_AFTER_MIN = 15
_USAGE = "b.grp = 'rating' and b.topic = 'usage.events'"
#: Events and voids that are stored and in no aggregate yet. A partition that was never folded has no entry.
NOT_FOLDED = f"""
    with {FOLDED}
    select coalesce(sum(b.new + b.void), 0)::bigint from bus.batches b
    left join folded w on w.partition = b.partition
    where {_USAGE} and b.batch_id > coalesce(w.batch_id, 0)
"""
SKIPPED = f"""
    with {FOLDED}
    select d.partition, d.batch_id, w.batch_id as folded
    from {DELTAS} d join folded w on w.partition = d.partition and d.batch_id <= w.batch_id
    order by 1, 2
"""
LOST = f"""
    with {FOLDED}
    select b.partition, b.batch_id, b.new, b.void, coalesce(w.batch_id, 0) as folded from bus.batches b
    left join folded w on w.partition = b.partition
    where {_USAGE} and b.batch_id > coalesce(w.batch_id, 0) and b.new + b.void > 0 and not exists (
        select from {DELTAS} d where d.partition = b.partition and d.batch_id = b.batch_id)
    order by 1, 2
"""
# By the machine clock: batches are stamped by it.
STANDS = f"""
    with {FOLDED}
    select b.partition, count(*) as batches, sum(b.new + b.void)::bigint as stored, min(b.at) as since
    from bus.batches b left join folded w on w.partition = b.partition
    where {_USAGE} and b.batch_id > coalesce(w.batch_id, 0)
    group by b.partition having min(b.at) < clock_timestamp() - interval '{STANDS_AFTER_MIN} minutes'
    order by 1
"""


async def fold(connection: asyncpg.Connection, listed_max: int | None) -> Checked:
    """K4 of the fold: `not_folded` counts the events and voids that wait for it, which is no break until they have
    waited for a quarter of an hour."""
    figures = {"not_folded": await connection.fetchval(NOT_FOLDED)}
    skipped = await listed(connection, SKIPPED, rows_max=listed_max)
    lost = await listed(connection, LOST, rows_max=listed_max)
    stands = await listed(connection, STANDS, rows_max=listed_max)
    breaks = (*map(_skipped, skipped.rows), *map(_lost, lost.rows), *map(_stands, stands.rows))
    return Checked(K.QUANTITY, figures, breaks, more=skipped.more + lost.more + stands.more)


def _where(row: asyncpg.Record) -> Row:
    return Row(DELTAS, {"partition": row["partition"], "batch_id": row["batch_id"]})


def _skipped(row: asyncpg.Record) -> Break:
    return Break(
        K.QUANTITY,
        "fold_skipped",
        _where(row),
        f"a watermark before batch {row['batch_id']}",
        f"{row['folded']} in {FOLD}",
        f"the fold passed batch {row['batch_id']} of partition {row['partition']} and its delta was not added: "
        "statements take its usage for counted; move the watermark back before it, and the fold adds it",
    )


def _lost(row: asyncpg.Record) -> Break:
    return Break(
        K.QUANTITY,
        "delta_missing",
        _where(row),
        "its delta",
        "none",
        f"batch {row['batch_id']} of partition {row['partition']} stored {row['new']} events and {row['void']} voids, "
        f"the fold stands before it ({row['folded']}), and its delta is gone: nothing will add it; "
        "restore the delta from a backup, or recompute its hours from their events",
    )


def _stands(row: asyncpg.Record) -> Break:
    return Break(
        K.QUANTITY,
        "fold_stands",
        Row(FOLD, {"partition": row["partition"]}),
        f"folded within {STANDS_AFTER_MIN} minutes",
        f"{row['stored']} events and voids wait since {written(row['since'])}",
        f"{row['batches']} batches of partition {row['partition']} are stored and no statement knows them: "
        "start rating, or see in its log what keeps the fold",
    )
