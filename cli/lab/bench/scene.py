"""A deployment that is up, who is in it, and what was sent to it: what the benchmark and its stages measure."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import date

import asyncpg
import httpx2

from lab.bench.backends import BENCH
from lab.bench.checkout import Checkout, DrivenDeployment, driven
from lab.bench.deployment import Deployment
from lab.bench.drafts import Billing, Pages, Reading, billing, knows_stale, pages_of, read_all
from lab.bench.progress import until_drafted, until_folded, until_told
from lab.bench.sender import BATCH, EVENTS, Heard, Load, Sent, post_all, unheard
from lab.bench.workload import (
    METERS,
    Bodies,
    block_document,
    committed_document,
    contract_document,
    customer_document,
)

HEARD_TIMEOUT_S, HEARD_POLL_S = 60.0, 0.1
DOOR = "usage_ingest"


@dataclass
class Scene:
    """`unique` and `messages` count what all loads so far brought: events acknowledged, and messages on
    usage.events."""

    deployed: Deployment | DrivenDeployment
    admin: asyncpg.Connection
    auditor: asyncpg.Connection
    billing: Billing
    unique: int = 0
    messages: int = 0
    _pages: Pages | None = None  # of the drafts that populating made
    _current_when_read: bool = False  # whether a reading makes drafts current

    async def populate(
        self, customers: int, starts: Callable[[int], date] | None, *, balances: bool = False
    ) -> None:
        """Create the meters and so many customers, each with a contract of a year from the day that `starts` says
        for its number (None: without one), and with a commitment and a block where there are `balances`; return when
        each contract has its draft."""
        begins = {number: starts(number) for number in range(customers)} if starts else {}
        contract = committed_document if balances else contract_document
        documents = {
            "/v1/meters": list(METERS),
            "/v1/customers": [customer_document(number) for number in range(customers)],
            "/v1/contracts": [contract(number, start) for number, start in begins.items()],
            "/v1/blocks": [block_document(number, start) for number, start in begins.items()]
            if balances
            else [],
        }
        cluster = self.deployed.cluster
        for path, each in documents.items():
            await post_all(cluster.urls["rating"], cluster.admin_key, path, each)
        if starts:
            await until_drafted(self.auditor, customers)
            self._current_when_read = await knows_stale(self.billing)
            self._pages = await pages_of(self.billing)

    async def until_door_knows(self, bodies: Bodies) -> None:
        """Wait until the door knows every meter and customer of the first body: an event nobody waits for takes
        another way."""
        cluster, first = self.deployed.cluster, bodies.requests[0]
        body = bodies.file.read_bytes()[first.offset : first.offset + first.length]
        headers = {"Authorization": f"Bearer {cluster.admin_key}", "Content-Type": BATCH}
        async with (
            asyncio.timeout(HEARD_TIMEOUT_S),
            httpx2.AsyncClient(
                base_url=cluster.urls[DOOR], trust_env=False, timeout=30, headers=headers
            ) as http,
        ):
            while True:
                answer = await http.post(EVENTS, params={"dry_run": "true"}, content=body)
                results = answer.raise_for_status().json()["results"]
                if not any(result["code"] == "unmatched" for result in results):
                    return
                await asyncio.sleep(HEARD_POLL_S)

    async def send(
        self,
        bodies: Bodies,
        rate: float = 0.0,
        seconds_max: float = float("inf"),
        heard: Heard = unheard,
    ) -> Sent:
        """Send; all of it must be published."""
        cluster = self.deployed.cluster
        sent = await Load(cluster.urls[DOOR], cluster.admin_key, bodies, rate, seconds_max, heard).run()
        assert sent.published == sent.messages, (
            f"{sent.messages - sent.published} messages were not published, {sent.quarantined} quarantined"
        )
        self.unique += sent.unique
        self.messages += sent.published
        return sent

    async def until_folded(self) -> None:
        """Wait until everything sent is in the aggregates."""
        await until_folded(self.auditor, self.messages)

    async def read_drafts(self) -> Reading:
        """Read every draft, current as of now."""
        if not self._current_when_read:
            await until_told(self.auditor)
        assert self._pages is not None, "populate() makes the drafts first"
        return await read_all(self.billing, self._pages)


@asynccontextmanager
async def scene(
    deploying: AbstractAsyncContextManager[Deployment | DrivenDeployment],
) -> AsyncIterator[Scene]:
    """What this deployment is, with the benchmark's own connections to it."""
    async with AsyncExitStack() as left:
        deployed = await left.enter_async_context(deploying)
        cluster = deployed.cluster
        yield Scene(
            deployed,
            await connected(cluster.database_url, left),
            await connected(cluster.role_url("u2c_auditor"), left),
            await left.enter_async_context(billing(cluster.urls["billing"], cluster.admin_key)),
        )


def driven_scene(checkout: Checkout, bus: str, name: str, *flags: str) -> AbstractAsyncContextManager[Scene]:
    """The same of what a checkout starts by itself, with these flags of `u2c up`."""
    return scene(driven(checkout, bus, name, *flags))


async def connected(url: str, left: AsyncExitStack) -> asyncpg.Connection:
    """A connection of the benchmark's own, known by its name, until the block is left."""
    connection = await asyncpg.connect(
        url, command_timeout=600, server_settings={"application_name": BENCH, "timezone": "UTC"}
    )
    left.push_async_callback(connection.close)
    return connection


@asynccontextmanager
async def beside(*works: Coroutine[None, None, None]) -> AsyncIterator[None]:
    """Run these beside the block, and cancel them at its end; what fails in one of them ends the block."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(work) for work in works]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
