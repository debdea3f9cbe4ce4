"""Which bus the positions of this database belong to: remembered at the first start, compared at every
other."""

import asyncpg

from shared.bus.faults import WrongCluster


async def remember_cluster(pool: asyncpg.Pool, kind: str, cluster_id: str) -> None:
    """Raise WrongCluster when the database knows another bus."""
    await pool.execute(
        "insert into bus.cluster (kind, cluster_id) values ($1, $2) on conflict do nothing", kind, cluster_id
    )
    row = await pool.fetchrow("select kind, cluster_id from bus.cluster")
    assert row is not None
    if (row["kind"], row["cluster_id"]) != (kind, cluster_id):
        raise WrongCluster(f"{row['kind']}:{row['cluster_id']}", f"{kind}:{cluster_id}")
