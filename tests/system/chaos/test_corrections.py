"""Corrections under `kill -9`, over each bus: rating dies again and again between pricing them and telling their notes, billing between
a note's number and its commit; afterwards there is one note, the books hold and nothing finalized has changed."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime

import asyncpg
import pytest

from lab.departures.client import Client
from tests.needs import NEEDS_KAFKA
from tests.system.corrections.conftest import STARTS
from tests.system.corrections.history import digests, unchanged
from tests.system.corrections.test_notes import event, holds, invoiced, notes
from tests.system.spine.test_names import on_bus
from tests.waiting import until
from u2c.deployment.cluster import Cluster, ClusterOptions

DEATHS = 3
FEBRUARY_CLOSED = datetime(2024, 3, 4, tzinfo=UTC)
#: What must not be there while nobody lives past the point.
CORRECTIONS = "select count(*) from rating.corrections"
STATEMENTS_OF_NOTES = "select count(*) from billing.statements where occasion like 'note:%'"
NUMBERED_NOTES = """select (select count(*) from billing.documents where kind = 'debit_note' and number is not null)
    + (select count(*) from billing.number_series where series like '%-DN-%')"""


@pytest.fixture
def ended() -> list[str]:
    """What the cluster says of processes that ended without being asked to."""
    return []


@pytest.fixture(params=["postgres", pytest.param("kafka", marks=NEEDS_KAFKA)])
async def cluster(
    request: pytest.FixtureRequest,
    cluster_options: Callable[..., ClusterOptions],
    tmp_path_factory: pytest.TempPathFactory,
    ended: list[str],
) -> AsyncIterator[Cluster]:
    with on_bus(request.param, tmp_path_factory) as options:
        async with Cluster(cluster_options(clock_at=STARTS, report=ended.append, **options)) as running:
            yield running


@pytest.fixture
async def client(cluster: Cluster) -> AsyncIterator[Client]:
    client = Client(cluster.urls, cluster.admin_key)
    client.patient = True
    yield client
    await client.close()


@pytest.mark.long
@pytest.mark.timeout(300)
async def test_rating_dies_between_pricing_a_correction_and_telling_it(
    cluster: Cluster, client: Client, ended: list[str]
) -> None:
    await invoiced(client)
    before = await digests(cluster.database_url)
    await client.send_events([event("late-1"), event("late-2")])
    await cluster.restart("rating", {"U2C_FAILPOINT": "correct.before_telling:1"})
    async with asyncio.TaskGroup() as group:
        closing = group.create_task(client.move_clock(FEBRUARY_CLOSED))
        await died("rating", ended)
        assert not closing.done()
        assert await count(cluster, CORRECTIONS) == await count(cluster, STATEMENTS_OF_NOTES) == 0
        await cluster.restart("rating", {"U2C_FAILPOINT": ""})
    await one_note_of_four_dollars(cluster, client, before)


@pytest.mark.long
@pytest.mark.timeout(300)
async def test_billing_dies_between_the_number_of_a_note_and_its_commit(
    cluster: Cluster, client: Client, ended: list[str]
) -> None:
    await invoiced(client)
    before = await digests(cluster.database_url)
    await client.send_events([event("late-1"), event("late-2")])
    await cluster.restart("billing", {"U2C_FAILPOINT": "billing.after_number:1"})
    run = await client.post("rating", "/v1/contracts/acme-1/corrections", {})
    assert [one["occasion"] for one in run["corrections"]] == ["note:1"], "nothing else is to be numbered"
    await died("billing", ended)
    assert await count(cluster, NUMBERED_NOTES) == 0
    await cluster.restart("billing", {"U2C_FAILPOINT": ""})
    await client.move_clock(FEBRUARY_CLOSED)
    await one_note_of_four_dollars(cluster, client, before)


async def died(name: str, ended: list[str]) -> None:
    """An armed service has been killed so often, and nothing else ended; it was started again each time."""

    async def often_enough() -> bool:
        assert all(said.startswith(f"{name} ended with -9;") for said in ended), ended
        return len(ended) >= DEATHS

    await until(often_enough, f"{name} dies {DEATHS} times", timeout_s=120)


async def count(cluster: Cluster, sql: str) -> int:
    connection = await asyncpg.connect(cluster.database_url)
    try:
        found: int = await connection.fetchval(sql)
    finally:
        await connection.close()
    return found


async def one_note_of_four_dollars(cluster: Cluster, client: Client, before: dict[str, str]) -> None:
    [note] = await notes(client)
    assert (note["kind"], note["number"], note["occasion"], note["total"]) == (
        "debit_note",
        "DEFAULT-DN-2024-000001",
        "note:1",
        "4.00",
    )
    assert await count(cluster, CORRECTIONS) == await count(cluster, STATEMENTS_OF_NOTES) == 1
    await holds(client)
    assert unchanged(before, await digests(cluster.database_url))
