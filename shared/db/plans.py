"""Plans that are kept: a statement that finds a few rows by their keys is planned once a connection, not each time it is
run."""

import asyncpg

#: Statements about at most so many things are answered by plans that are kept.
FEW = 20
_KEEP = "set local plan_cache_mode = force_generic_plan; set local enable_seqscan = off"


async def keep_plans(connection: asyncpg.Connection) -> None:
    """Until the transaction ends, run each statement by the plan that was made for it first.

    Planning takes longer than such a statement itself, ten times as long where it joins four tables. A plan that is kept
    expects about ten elements of an array and knows no value, so this is for a few rows by key, whatever the tables hold:
    never for whole batches, nor where what is asked for decides which index is the right one. No table is read whole, so
    that a plan from when tables were empty is a good one later.
    """
    await connection.execute(_KEEP)
