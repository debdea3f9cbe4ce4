"""On a broker that asks who speaks a service writes only what it produces, and whoever has no login nothing;
proven on the broker of compose."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, get_args

import asyncpg
import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.protocol.admin import CreateAclsRequest, DeleteAclsRequest
from confluent_kafka import Producer

from lab.departures.client import Client
from shared.bus import BusUnavailable, Record
from shared.bus.kafka import KafkaBus
from shared.bus.kafka_access import KafkaAccess, Protocol
from shared.bus.kafka_reader import KafkaReader
from shared.bus.kafka_rights import ALLOW, EVERY_HOST, LITERAL, May, Of, Right, rights
from shared.bus.kafka_users import granted
from shared.postgres.setup import SERVICES
from shared.postgres.urls import kafka_password
from shared.topics import ALL
from tests.cli.backup.test_backup import event, finalized, set_up
from tests.conftest import TestDatabase, TestServer
from tests.needs import NEEDS_KAFKA
from tests.system.security.guarded_kafka import (
    access_of,
    administrator,
    guarded_broker,
    speak_as_administrator,
)
from tests.system.security.writing import tried
from tests.waiting import until
from u2c.deployment.cluster import Cluster, ClusterOptions
from u2c.deployment.kafka_broker import KafkaBroker
from u2c.deployment.kafka_users import admit_users

WAIT_S = 30.0


def test_rights_are_the_topic_registry_and_nothing_else() -> None:
    """Spelled out once more, by user: what it writes, what it reads, and in which groups."""

    def of(user: str, operation: May, kind: Of = Of.TOPIC) -> set[str]:
        return {
            right.name
            for right in rights()
            if (right.principal, right.operation, right.of) == (f"User:u2c_{user}", operation, kind)
        }

    for service in SERVICES:
        assert (
            of(service, May.WRITE)
            == {name for name, topic in ALL.items() if service in topic.producers}
            != set()
        )
        heard = {name for name, topic in ALL.items() if service in topic.consumers}
        checked = {name for name in ALL if name.startswith("usage.")} if service == "billing" else set()
        assert of(service, May.READ) == heard | checked
        assert of(service, May.READ, Of.GROUP) == {
            topic.group_of(service) for topic in ALL.values() if service in topic.consumers
        }
        assert of(service, May.DESCRIBE) == set(ALL)
        assert not of(service, May.WRITE, Of.TRANSACTIONAL_ID)
    assert {
        (right.of, right.name, right.operation)
        for right in rights()
        if right.principal == "User:u2c_products"
    } == {(Of.TOPIC, "usage.raw", May.WRITE), (Of.TRANSACTIONAL_ID, "*", May.WRITE)}
    assert {(right.pattern, right.host, right.permission) for right in rights()} == {
        (LITERAL, EVERY_HOST, ALLOW)
    }


@pytest.mark.parametrize("protocol", get_args(Protocol))
async def test_every_protocol_makes_a_client(protocol: Protocol) -> None:
    """Encrypted ones with a context that checks certificates."""
    access = KafkaAccess("127.0.0.1:1", protocol, "PLAIN", "somebody", "secret")
    await AIOKafkaAdminClient(**access.client()).close()
    context = access.client()["ssl_context"]
    assert context.check_hostname if "SSL" in protocol else context is None
    assert "secret" not in repr(access)


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory, postgres_server: TestServer) -> Iterator[KafkaBroker]:
    """It knows the users of the tests' secret."""
    broker = guarded_broker(tmp_path_factory.mktemp("kafka"))
    broker.start()
    try:
        asyncio.run(admit_users(administrator(broker.brokers), postgres_server.secret))
        yield broker
    finally:
        broker.stop()


@pytest.fixture
def new_broker(tmp_path: Path) -> Iterator[KafkaBroker]:
    """It knows its administrator alone, and has no topics."""
    broker = guarded_broker(tmp_path / "kafka")
    broker.start()
    yield broker
    broker.stop()


@asynccontextmanager
async def speaking(database: TestDatabase, access: KafkaAccess) -> AsyncIterator[KafkaBus]:
    """The bus as one user has it, started."""
    pool = await asyncpg.create_pool(database.admin_url, min_size=1, max_size=2)
    bus = KafkaBus(pool, access)
    try:
        await bus.start()
        yield bus
    finally:
        await bus.stop()
        await pool.close()


@NEEDS_KAFKA
@pytest.mark.parametrize("service", SERVICES)
async def test_a_service_puts_records_on_its_own_topics_and_on_no_other(
    database: TestDatabase, broker: KafkaBroker, service: str
) -> None:
    async with speaking(database, access_of(service, broker.brokers, database.secret)) as bus:
        before = {topic: sum((await bus.heads(topic)).values()) for topic in ALL}
        written, refusals = await tried(bus)
        assert all("TopicAuthorizationFailed" in refusal for refusal in refusals)
        assert written == {name for name, topic in ALL.items() if service in topic.producers} != set()
        after = {topic: sum((await bus.heads(topic)).values()) for topic in ALL}
        assert {topic for topic in ALL if after[topic] > before[topic]} == written, (
            "what was refused left nothing"
        )


@NEEDS_KAFKA
async def test_a_service_reads_what_it_consumes_in_its_own_group_alone(
    database: TestDatabase, broker: KafkaBroker
) -> None:
    async with speaking(database, access_of("usage_ingest", broker.brokers, database.secret)) as bus:
        await bus.publish("usage.receipts", [Record(b"k", b"{}")])
        heard = await bus.subscribe("usage_ingest", ["usage.receipts"])
        while not await heard.poll(10, 1.0):
            pass
        await heard.close()
        for group, topic, why in (
            ("billing", "usage.receipts", "GroupAuthorizationFailed"),
            ("usage_ingest", "billing.documents", "TopicAuthorizationFailed"),
        ):
            stolen = await bus.subscribe(group, [topic])
            with pytest.raises(BusUnavailable, match=why):
                while True:
                    await stolen.poll(10, 1.0)
            await stolen.close()
        with pytest.raises(BusUnavailable, match="TopicAuthorizationFailed"):
            async with speaking(database, access_of("rating", broker.brokers, database.secret)) as rating:
                await rating.publish("rating.statements", [Record(b"k", b"{}", partition=0)])
                await bus.read("rating.statements", 0, 0, 1)


@NEEDS_KAFKA
@pytest.mark.parametrize(
    "wrong", [{"username": "u2c_intruder"}, {"password": "guessed"}, {"protocol": "PLAINTEXT"}]
)
async def test_whoever_is_not_known_is_told_nothing(
    database: TestDatabase, broker: KafkaBroker, wrong: dict[str, Any]
) -> None:
    access = replace(access_of("billing", broker.brokers, database.secret), **wrong)
    with pytest.raises(BusUnavailable, match="u2c migrate" if access.asks else "does not answer"):
        async with speaking(database, access):
            pass


@NEEDS_KAFKA
async def test_a_service_makes_no_topic_and_no_right(database: TestDatabase, broker: KafkaBroker) -> None:
    admin = AIOKafkaAdminClient(**access_of("billing", broker.brokers, database.secret).client())
    await admin.start()
    try:
        [(_, code, *_)] = (await admin.create_topics([NewTopic("mine", 1, 1)])).topic_errors
        assert code == 29  # TOPIC_AUTHORIZATION_FAILED
        [(code, _)] = (await admin._send_to_controller(CreateAclsRequest(*_stray()))).creation_responses
        assert code == 31  # CLUSTER_AUTHORIZATION_FAILED
    finally:
        await admin.close()


@NEEDS_KAFKA
async def test_a_product_writes_usage_raw_in_transactions_too_and_nothing_else(
    database: TestDatabase, broker: KafkaBroker
) -> None:
    reader = KafkaReader(administrator(broker.brokers))
    try:
        before = sum((await reader.heads("usage.raw", ALL["usage.raw"].partitions)).values())
        assert await asyncio.to_thread(_produced, broker.brokers, database.secret, "usage.raw") == []
        assert (
            await asyncio.to_thread(_produced, broker.brokers, database.secret, "usage.raw", "a-product")
            == []
        )
        assert sum((await reader.heads("usage.raw", ALL["usage.raw"].partitions)).values()) >= before + 2
        for topic in set(ALL) - {"usage.raw"}:
            assert await asyncio.to_thread(_produced, broker.brokers, database.secret, topic) == [
                "TOPIC_AUTHORIZATION_FAILED"
            ]
    finally:
        await reader.close()
    with pytest.raises(BusUnavailable, match="TopicAuthorizationFailed"):
        stolen = KafkaReader(access_of("products", broker.brokers, database.secret))
        try:
            await stolen.read("usage.raw", 0, 0, 1)
        finally:
            await stolen.close()


@NEEDS_KAFKA
async def test_migrating_again_gives_and_takes_back_until_rights_are_the_registry(
    empty_database: TestDatabase,
    broker: KafkaBroker,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    """And each service's folder holds its own login, which works; the products' is printed."""
    admin = AIOKafkaAdminClient(**administrator(broker.brokers).client())
    await admin.start()
    try:
        assert await granted(admin) == rights()
        lost = min(rights())
        await admin._send_to_controller(CreateAclsRequest(*_stray()))
        await admin._send_to_controller(DeleteAclsRequest(*lost))
        speak_as_administrator(monkeypatch, broker.brokers)
        printed = await asyncio.to_thread(_migrate, empty_database, tmp_path)
        assert await granted(admin) == rights()
    finally:
        await admin.close()
    assert printed["kafka"] == {
        "U2C_KAFKA_USERNAME": "u2c_products",
        "U2C_KAFKA_PASSWORD": kafka_password(empty_database.secret, "u2c_products"),
    }
    for service in SERVICES:
        user, password = (
            (tmp_path / service / f"U2C_KAFKA_{name}").read_text() for name in ("USERNAME", "PASSWORD")
        )
        async with speaking(
            empty_database, KafkaAccess(broker.brokers, "SASL_PLAINTEXT", username=user, password=password)
        ):
            pass


@NEEDS_KAFKA
@pytest.mark.long
@pytest.mark.timeout(600)
async def test_the_services_run_a_month_each_by_its_own_login(
    cluster_options: Callable[..., ClusterOptions],
    new_broker: KafkaBroker,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Usage by HTTP and by a product's login; the invoice is right, K1–K5 hold, and signals hears of it."""
    broker = new_broker
    speak_as_administrator(monkeypatch, broker.brokers)
    options = cluster_options(
        restart=False, bus="kafka", kafka_brokers=broker.brokers, clock_at=datetime(2024, 1, 1, tzinfo=UTC)
    )
    async with Cluster(options) as cluster:
        client = Client(cluster.urls, cluster.admin_key)
        try:
            await set_up(client)
            await client.send_events([event(n) for n in range(400)])
            sent = [event(n) for n in range(400, 500)]
            assert (
                await asyncio.to_thread(
                    _produced, broker.brokers, options.state.secret(), "usage.raw", "", sent
                )
                == []
            )
            await client.post("rating", "/v1/clock/advance", {"to": "2024-02-05T00:00:00Z"})
            invoice = await until(lambda: finalized(client))
            assert (invoice["total"], invoice["lines"][0]["quantity"]) == ("1000.00", "500")
            checked = await client.get("billing", "/v1/reconciliation", check=True)
            assert checked["conservation"]["holds"], checked["conservation"]
            await until(lambda: _activity(client))
            verified = await asyncio.to_thread(
                _u2c,
                "verify",
                "--admin-url",
                str(options.admin_url),
                "--database",
                options.database,
                U2C_SECRET=options.state.secret(),
            )
            assert verified["holds"], verified
        finally:
            await client.close()


async def _activity(client: Client) -> Any:
    return (await client.get("signals", "/v1/customers/acme/activity", since="2024-01-01"))["days"]


def _stray() -> Right:
    return Right(Of.TOPIC, "usage.events", LITERAL, "User:u2c_billing", EVERY_HOST, May.WRITE, ALLOW)


def _produced(
    brokers: str, secret: str, topic: str, transaction: str = "", values: list[bytes] | None = None
) -> list[str]:
    """Write these as products, by librdkafka; the names of the faults."""
    access, faults = access_of("products", brokers, secret), []
    producer = Producer(
        {
            "bootstrap.servers": brokers,
            "security.protocol": access.protocol,
            "sasl.mechanism": access.mechanism,
            "sasl.username": access.username,
            "sasl.password": access.password,
            **({"transactional.id": transaction} if transaction else {}),
        }
    )
    if transaction:
        producer.init_transactions(WAIT_S)
        producer.begin_transaction()
    for value in values or [b"{}"]:
        producer.produce(
            topic,
            value,
            partition=0,
            on_delivery=lambda fault, _message: faults.extend([fault.name()] if fault else []),
        )
    assert producer.flush(WAIT_S) == 0
    if transaction:
        producer.commit_transaction(WAIT_S)
    return faults


def _migrate(database: TestDatabase, secrets: Path) -> dict[str, Any]:
    return _u2c(
        "migrate",
        "--keys",
        "--secrets",
        str(secrets),
        U2C_ADMIN_URL=database.server_url,
        U2C_DATABASE=database.name,
        U2C_SECRET=database.secret,
    )


def _u2c(*command: str, **environment: str) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "u2c", *command, "--json"],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found
