"""A deployment whose clock stands at the beginning of a year, and a client of it."""

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime

import pytest

from lab.departures.client import Client
from u2c.deployment.cluster import Cluster, ClusterOptions

STARTS = datetime(2024, 1, 1, tzinfo=UTC)


@pytest.fixture
async def cluster(cluster_options: Callable[..., ClusterOptions]) -> AsyncIterator[Cluster]:
    async with Cluster(cluster_options(restart=False, clock_at=STARTS)) as running:
        yield running


@pytest.fixture
async def client(cluster: Cluster) -> AsyncIterator[Client]:
    client = Client(cluster.urls, cluster.admin_key)
    yield client
    await client.close()
