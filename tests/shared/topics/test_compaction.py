"""What a broker's compaction leaves of the snapshot topics: everything, because a record's key is the whole
identity of what a newer one replaces.

Consumers are stopped, everything is said twice, the logs are compacted as hard as a broker can, and the
consumers start with what is left.
"""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from services.billing.replica.consumers import SUBSCRIPTIONS as BILLING
from services.signals.replica.consumers import SUBSCRIPTIONS as SIGNALS
from services.signals.settings import read_policy
from services.usage_ingest.replica.consumers import SUBSCRIPTIONS as USAGE_INGEST
from shared.bus import Record
from shared.bus.kafka import KafkaBus
from shared.bus.kafka_access import KafkaAccess
from shared.bus.kafka_topics import settings_of
from shared.db.outbox import Relay
from shared.db.outbox_refused import Refused
from shared.db.unit_of_work import Database
from shared.replica.access_keys import key_consumer
from shared.runtime.clock import machine_now
from shared.runtime.consumer import Consumer, Subscribe
from shared.topics import ALL, Topic, TopicKind
from shared.topics.billing import DOCUMENTS, DocumentMessage
from shared.topics.rating import (
    ACTIVITY,
    CATALOGUE_METERS,
    CONTRACTS,
    CUSTOMERS,
    STATEMENTS,
    ActivityMessage,
    ContractVersion,
    ContractVersionMessage,
    CustomerMessage,
    MeterMessage,
)
from shared.topics.usage_ingest import ACCESS_KEYS, AccessKeyMessage
from tests.conftest import TestDatabase
from tests.needs import NEEDS_KAFKA
from tests.services.billing.statements import pages_of, statement_of
from tests.waiting import until
from u2c.deployment.kafka_broker import KafkaBroker

pytestmark = NEEDS_KAFKA
SNAPSHOTS = [topic for topic in ALL.values() if topic.kind is TopicKind.SNAPSHOT]
COMPACTED_SOON = {
    "segment.ms": "500",
    "min.cleanable.dirty.ratio": "0.01",
    "min.compaction.lag.ms": "0",
    "max.compaction.lag.ms": "1000",
}
CONTRACTS_SAID, MONTHS, PAGES, VERSIONS, DAYS = ("ua-2013", "dl-2013"), (1, 2, 3, 4), 3, 5, 6
DEADLINE_S = 180


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaBroker]:
    """Its own: its cleaner is told to hurry, and its topics are forgotten."""
    broker = KafkaBroker(tmp_path_factory.mktemp("kafka"))
    broker.start()
    yield broker
    broker.stop()


@dataclass
class Deployment:
    """The databases of all services, and a bus of this test's own topics."""

    databases: Mapping[str, Database]
    bus: KafkaBus
    brokers: str

    def context(self, service: str) -> Any:
        return SimpleNamespace(
            db=self.databases[service],
            bus=self.bus,
            settings=SimpleNamespace(consumer_batch_max=5000),
            clock=SimpleNamespace(now=machine_now),
            state=SimpleNamespace(policy=read_policy()),
        )

    async def say(self, said: Sequence[tuple[Topic, Any]]) -> None:
        """Tell it as a service does: through an outbox and a relay."""
        db = self.databases["rating"]
        async with db.transaction() as uow:
            for topic, message in said:
                uow.tell(topic, message)
        relay = asyncio.create_task(Relay(db, self.bus, Refused(db)).run())
        try:
            await until(
                lambda: db.pool.fetchval("select not exists (select from rating.outbox)"),
                "the outbox is empty",
                DEADLINE_S,
            )
        finally:
            relay.cancel()
            await asyncio.gather(relay, return_exceptions=True)

    async def hear(self, service: str, subscriptions: Sequence[Subscribe[Any]]) -> None:
        """Start the consumers of a service, and stop them when they have all there is."""
        context = self.context(service)
        consumers = [Consumer(context, service, subscriptions), key_consumer(context, service)]
        running = [asyncio.create_task(consumer.run()) for consumer in consumers if consumer is not None]
        try:
            for consumer in filter(None, consumers):
                for subscribe in consumer.subscriptions:
                    await until(
                        partial(self._consumed, consumer.group, subscribe.topic.name),
                        f"{service} has all of it",
                        DEADLINE_S,
                    )
        finally:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)

    async def _consumed(self, group: str, topic: str) -> bool:
        heads, done = await self.bus.heads(topic), await self.bus.positions(group, topic)
        return all(done[partition] >= head for partition, head in heads.items())

    async def keys_left(self, topic: Topic) -> list[bytes]:
        """The keys of the records that are there, of all partitions."""
        found: list[bytes] = []
        for partition, head in (await self.bus.heads(topic.name)).items():
            at = 0
            while at < head:
                run = await self.bus.read(topic.name, partition, at, 5000)
                found += [record.key for record in run.records]
                at = run.end if run.records else head
        return found

    async def compacted(self) -> None:
        """Wait until no key of any snapshot topic is there twice. What is newest is said again and again: a
        log is rolled only when it grows."""
        for topic in SNAPSHOTS:
            await self._compact(topic)

    async def _compact(self, topic: Topic) -> None:
        deadline = time.monotonic() + DEADLINE_S
        while rest := [
            key for key, count in Counter(await self.keys_left(topic)).items() if count > 1 and key != b"roll"
        ]:
            assert time.monotonic() < deadline, f"{topic.name} is not compacted: {rest[:3]}"
            await asyncio.sleep(0.6)
            await self._roll(topic)

    async def _roll(self, topic: Topic) -> None:
        """A record for each partition that says nothing, under a key nothing else has: the last segment is
        never compacted, so it must be this."""
        await self.bus.publish(
            topic.name,
            [Record(b"roll", ROLLERS[topic.name], (), partition) for partition in range(topic.partitions)],
        )


@pytest.fixture
async def deployment(database: TestDatabase, broker: KafkaBroker) -> AsyncIterator[Deployment]:
    async with AsyncExitStack() as stack:
        databases = {
            name: Database(database.url(name), name, 4)
            for name in ("rating", "billing", "signals", "usage_ingest")
        }
        for db in databases.values():
            await db.open()
            stack.push_async_callback(db.close)
        admin = AIOKafkaAdminClient(bootstrap_servers=broker.brokers)
        await admin.start()
        stack.push_async_callback(admin.close)
        await _forget_topics(admin)
        bus = KafkaBus(databases["rating"].pool, KafkaAccess(broker.brokers), session_timeout_s=6.0)
        await bus.start()
        stack.push_async_callback(bus.stop)
        await admin.alter_configs(
            [
                *(
                    ConfigResource(
                        ConfigResourceType.TOPIC,
                        topic.name,
                        configs={**settings_of(topic, 1), **COMPACTED_SOON},
                    )
                    for topic in SNAPSHOTS
                ),
                ConfigResource(ConfigResourceType.BROKER, "1", configs={"log.cleaner.backoff.ms": "100"}),
            ]
        )
        yield Deployment(databases, bus, broker.brokers)


async def _forget_topics(admin: AIOKafkaAdminClient) -> None:
    await admin.delete_topics([name for name in await admin.list_topics() if name in ALL], timeout_ms=10_000)
    while set(await admin.list_topics()) & set(ALL):
        await asyncio.sleep(0.1)


# What is said


def all_snapshots(revision: int) -> list[tuple[Topic, Any]]:
    """Everything, as it stands at a revision: 1 is a draft of what 2 makes final."""
    return [
        *((STATEMENTS, page) for statement in statements(revision) for page in pages_of(statement, 1)),
        *((CONTRACTS, message) for message in versions(revision)),
        *(
            (DOCUMENTS, document(contract, month, revision))
            for contract in CONTRACTS_SAID
            for month in MONTHS
        ),
        *(
            (ACTIVITY, active(subject, meter, day, revision))
            for subject in ("UA", "stray")
            for meter in ("calls", "users")
            for day in range(1, DAYS + 1)
        ),
        *(
            (
                CATALOGUE_METERS,
                MeterMessage(name, revision, "call", "count", None, "ignore", (), {}, None, None),
            )
            for name in ("calls", "users")
        ),
        *(
            (CUSTOMERS, CustomerMessage(f"cus_{name}", revision, name, f"{name} Inc", (), "us", "UTC"))
            for name in ("UA", "DL", "AA")
        ),
        *(
            (ACCESS_KEYS, AccessKeyMessage(f"key_{n}", revision, f"{n:064}", f"key {n}", ("usage:write",)))
            for n in range(3)
        ),
    ]


def statements(revision: int) -> list[Any]:
    return [
        statement_of(
            contract,
            contract[:2].upper(),
            month=month,
            revision=revision,
            final=revision == 2,
            amounts=range(100, 100 + PAGES),
        )
        for contract in CONTRACTS_SAID
        for month in MONTHS
    ]


def versions(revision: int) -> list[ContractVersionMessage]:
    return [
        ContractVersionMessage(
            contract,
            revision,
            f"cus_{contract[:2].upper()}",
            contract[:2].upper(),
            chain=VERSIONS,
            version=ContractVersion(number, number, number, f"hash-{number}", {"lines": []}),
        )
        for contract in CONTRACTS_SAID
        for number in range(1, VERSIONS + 1)
    ]


def document(contract: str, month: int, revision: int) -> DocumentMessage:
    return DocumentMessage(
        f"inv_{contract}_{month}",
        revision,
        "invoice",
        "draft" if revision == 1 else "finalized",
        f"N-{contract}-{month}",
        contract,
        f"cus_{contract[:2].upper()}",
        contract[:2].upper(),
        "us",
        "USD",
        f"2013-{month:02}-01",
        f"2013-{month:02}-28",
        f"2013-{month:02}-28",
        f"2013-{month:02}-28",
        (),
        100,
        100,
    )


def active(subject: str, meter: str, day: int, revision: int) -> ActivityMessage:
    customer = subject if subject != "stray" else None
    return ActivityMessage(
        subject,
        meter,
        f"2013-01-{day:02}",
        revision,
        {"3": (revision, str(revision))},
        customer and f"cus_{customer}",
        customer,
    )


def _rollers() -> dict[str, bytes]:
    """Topic → a message about a thing of its own, which nobody looks at."""
    one = ContractVersion(1, 0, 0, "h", {})
    said: list[tuple[Topic, Any]] = [
        (STATEMENTS, statement_of("roll", month=12)),
        (CONTRACTS, ContractVersionMessage("roll", 1, "cus_roll", "roll", chain=1, version=one)),
        (DOCUMENTS, document("roll", 12, 1)),
        (ACTIVITY, active("stray", "roll", 1, 1)),
        (CATALOGUE_METERS, MeterMessage("roll", 1, "roll", "count", None, "ignore", (), {}, None, None)),
        (CUSTOMERS, CustomerMessage("cus_roll", 1, "roll", "roll", (), "us", "UTC")),
        (ACCESS_KEYS, AccessKeyMessage("key_roll", 1, "f" * 64, "roll", ("x",))),
    ]
    return {topic.name: topic.encode(message) for topic, message in said}


ROLLERS = _rollers()


# What is known

WHAT = {
    "rating.statements in billing": (
        "billing",
        "select contract, period_start, jsonb_array_length(document->'lines') from billing.statements "
        "where final and revision = 2",
        len(CONTRACTS_SAID) * len(MONTHS),
    ),
    "rating.statements in signals": (
        "signals",
        "select contract, period_start, 0 from signals.statements where final and revision = 2",
        len(CONTRACTS_SAID) * len(MONTHS),
    ),
    "contracts.versions in billing": (
        "billing",
        "select contract, version, 0 from billing.contract_versions where revision = 2",
        len(CONTRACTS_SAID) * VERSIONS,
    ),
    "contracts.versions in signals": (
        "signals",
        "select contract, version, 0 from signals.contract_versions where revision = 2",
        len(CONTRACTS_SAID) * VERSIONS,
    ),
    "billing.documents": (
        "signals",
        "select data->>'invoice', 0, 0 from signals.facts where type = 'invoice.finalized'",
        len(CONTRACTS_SAID) * len(MONTHS),
    ),
    "rating.activity": (
        "signals",
        "select subject, meter, day from signals.activity where revision = 2",
        2 * 2 * DAYS,
    ),
    "catalogue.meters": ("usage_ingest", "select meter, 0, 0 from usage_ingest.meters where revision = 2", 2),
    "customers.customers": (
        "billing",
        "select customer_id, 0, 0 from billing.customers where revision = 2",
        3,
    ),
    "access.keys": ("signals", "select key_id, 0, 0 from signals.access_keys where revision = 2", 3),
}


async def missing(deployment: Deployment) -> dict[str, tuple[int, int]]:
    """What is not all there → (known, said)."""
    found = {}
    for what, (service, sql, said) in WHAT.items():
        rows = await deployment.databases[service].pool.fetch(sql)
        whole = [row for row in rows if what != "rating.statements in billing" or row[2] == PAGES]
        if len(whole) != said:
            found[what] = (len(whole), said)
    return found


async def heard_after_compaction(deployment: Deployment) -> dict[str, tuple[int, int]]:
    await deployment.say(all_snapshots(1))
    await deployment.say(all_snapshots(2))
    await deployment.compacted()
    for service, subscriptions in (
        ("billing", BILLING),
        ("signals", SIGNALS),
        ("usage_ingest", USAGE_INGEST),
    ):
        snapshots = [subscribe for subscribe in subscriptions if subscribe.topic.kind is TopicKind.SNAPSHOT]
        await deployment.hear(service, snapshots)
    return await missing(deployment)


async def test_who_starts_after_compaction_knows_all(deployment: Deployment) -> None:
    assert await heard_after_compaction(deployment) == {}


@pytest.mark.long
async def test_by_the_keys_of_before_compaction_eats_history(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same, keyed by what partitions it: the test above sees what it is for."""
    monkeypatch.setattr(Topic, "record_key", Topic.partition_key)
    lost = await heard_after_compaction(deployment)
    assert set(lost) == {what for what in WHAT if what.startswith(("rating.", "contracts.", "billing."))}, (
        lost
    )
