"""Laws: order, splits, duplicates and partitions never change the aggregates."""

import random
from typing import Any
from zlib import crc32

import asyncpg
import pytest

from shared.db.unit_of_work import Database
from tests.services.rating.metering import book
from tests.services.rating.metering.batches import Metering
from tests.services.rating.metering.book import FORGET, Aggregates, aggregates, meter
from tests.services.rating.metering.test_readings import METERS, traffic


async def metered(db: Database, admin: Any, batches: list[tuple[int, list[Any]]]) -> Aggregates:
    """Meter these batches from nothing."""
    await admin.execute(FORGET)
    metering = Metering(db)
    for partition, messages in batches:
        await metering.take(*messages, partition=partition)
    return await aggregates(db)


@pytest.mark.parametrize("seed", range(3))
async def test_shuffles_splits_and_repeats_give_equal_aggregates(
    db: Database, database: Any, seed: int
) -> None:
    admin = await asyncpg.connect(database.admin_url)
    rng = random.Random(seed)
    for name, terms in METERS.items():
        await meter(db, name, **terms)
    sent = traffic(rng, 300)
    expected = await metered(db, admin, [(0, sent)])
    for _ in range(4):
        order = [*sent, *rng.sample(sent, 60)]
        rng.shuffle(order)
        by_partition: dict[int, list[Any]] = {0: [], 1: [], 2: []}
        for message in order:
            by_partition[crc32(message.id.encode()) % 3].append(message)
        batches = []
        while any(by_partition.values()):
            partition = rng.choice([number for number, left in by_partition.items() if left])
            size = rng.randrange(1, 120)
            batches.append((partition, by_partition[partition][:size]))
            del by_partition[partition][:size]
        assert await metered(db, admin, batches) == expected
    await admin.close()
    assert expected != book.Aggregates()
