"""Revocation stands on its own feet: it is heard whatever stops the service's business, and where it cannot
be heard, keys stop in time."""

import time

import asyncpg
import pytest

from services.billing.conservation.checks.k1_transport import Transport, transport
from shared.bus import Record
from shared.bus.postgres_log import PostgresLog
from shared.runtime.consumer.transaction import DEAD_IN_A_ROW_MAX
from shared.topics.usage_ingest import ACCESS_KEYS, USAGE_EVENTS, AccessKeyMessage
from tests.conftest import TestDatabase
from tests.services.usage_ingest.circumstances import event
from tests.serving import hash_of
from tests.system.security.conftest import Serve, Served
from tests.waiting import until

POISON = [Record(b"same", b"no message of ours")] * (DEAD_IN_A_ROW_MAX + 1)
CUSTOMER = {"external_id": "acme", "name": "Acme", "timezone": "UTC"}
OTHER = "u2c_another_key"


def key(revision: int, *, revoked: bool = False) -> AccessKeyMessage:
    return AccessKeyMessage("key_other", revision, hash_of(OTHER), "other", ("admin",), revoked=revoked)


async def test_a_stopped_business_consumer_does_not_stop_a_revocation(serve: Serve) -> None:
    async with serve("rating") as rating:
        await rating.say_key(key(1))
        await until(lambda: _status(rating, OTHER, 200))
        await rating.say(USAGE_EVENTS.name, POISON)
        await until(lambda: _stopped(rating))
        await rating.say_key(key(2, revoked=True))
        await until(lambda: _status(rating, OTHER, 401), timeout_s=20)


async def test_keys_that_cannot_be_heard_of_stop_changing_after_30_s_and_reading_after_15_minutes(
    serve: Serve,
) -> None:
    async with serve("rating") as rating:
        await rating.say(ACCESS_KEYS.name, POISON)  # nobody can say what these would have revoked
        await until(lambda: _keys_stopped(rating))
        told = (await rating.get("/readyz")).json()["checks"]
        assert "access.keys" in told["keys"] and told["bus"] == "ok", told

        confirmed_at = rating.context.keys._confirmed
        rating.context.keys.now = lambda: time.monotonic() + 31
        refused = await rating.client.post("/v1/customers", json=CUSTOMER)
        assert (refused.status_code, refused.json()["code"]) == (503, "keys_unconfirmed") and int(
            refused.headers["retry-after"]
        ) > 0
        assert "readyz" in refused.json()["detail"]
        read = await rating.get("/v1/customers")
        assert read.status_code == 200 and confirmed_at is not None
        assert read.headers["u2c-keys-as-of"] == confirmed_at[1].isoformat(timespec="seconds").replace(
            "+00:00", "Z"
        )
        assert (await rating.get("/v1/customers", "u2c_unheard_of")).status_code == 503, (
            "a key made meanwhile is not called unknown"
        )

        rating.context.keys.now = lambda: time.monotonic() + 901
        assert (await rating.get("/v1/customers")).status_code == 503
        assert (await rating.client.get("/healthz")).status_code == 200


async def test_confirmed_keys_say_nothing_and_change_as_ever(serve: Serve) -> None:
    async with serve("rating") as rating:
        assert (await rating.client.post("/v1/customers", json=CUSTOMER)).status_code == 201
        assert "u2c-keys-as-of" not in (await rating.get("/v1/customers")).headers
        assert (await rating.get("/readyz")).json()["checks"]["keys"] == "ok"


async def test_the_door_refuses_when_its_own_table_cannot_be_read_and_goes_on_by_itself(
    serve: Serve, database: TestDatabase
) -> None:
    """usage_ingest issues the keys: what it must be able to read is its own table, which replicas share."""
    async with serve("usage_ingest") as door:
        assert (await door.client.post("/v1/events?dry_run=true", json=event())).status_code == 202
        await _as_admin(database, "alter table usage_ingest.access_keys rename to hidden")
        door.context.keys.now = lambda: time.monotonic() + 31
        refused = await door.client.post("/v1/events", json=event())
        assert (refused.status_code, refused.json()["code"]) == (503, "keys_unconfirmed")
        assert (await door.get("/v1/quarantine")).headers["u2c-keys-as-of"]
        await _as_admin(database, "alter table usage_ingest.hidden rename to access_keys")
        await until(lambda: _takes_events(door))


async def test_a_group_that_heard_the_keys_before_is_in_flight_no_more_and_holds_no_retention_back(
    serve: Serve, database: TestDatabase
) -> None:
    """A book of before: group `rating` consumed access.keys beside its business. Its position stays where it
    stood; K1 stays exact."""
    async with serve("rating") as rating:
        for number in range(3):
            await rating.say_key(key(number))
        await _as_admin(
            database,
            """
            insert into bus.positions (grp, topic, partition, position) values
                ('rating', 'access.keys', 0, 1);
            insert into bus.batches (batch_id, grp, topic, partition, from_offset, to_offset, new, duplicate,
                conflict, void, dead, compacted)
                values (nextval('bus.batch_id'), 'rating', 'access.keys', 0, 0, 1, 1, 0, 0, 0, 0, 0)""",
        )
        for group in ("billing.keys", "signals.keys"):
            await _as_admin(
                database,
                f"insert into bus.positions (grp, topic, partition, position) values ('{group}', 'access.keys', 0, 3)",
            )
        await until(lambda: _heard(rating, 3))
        found = await _transport(database)
        assert found.checked.figures["in_flight"] == 0
        assert {broken.where.key["grp"] for broken in found.checked.breaks} <= {
            "billing.keys",
            "signals.keys",
        }, "they never ran: no batch rows"
        assert await _trimmed(database) == 2, "all but the last segment"


@pytest.mark.parametrize("service", ["usage_ingest", "billing", "signals"])
async def test_every_service_confirms_its_keys(serve: Serve, service: str) -> None:
    async with serve(service) as served:
        assert (await served.get("/readyz")).json()["checks"]["keys"] == "ok"
        assert (
            await served.get("/v1/exceptions" if service == "billing" else "/openapi.json")
        ).status_code == 200


async def _status(served: Served, secret: str, wanted: int) -> bool:
    return bool((await served.get("/v1/customers", secret)).status_code == wanted)


async def _stopped(served: Served) -> bool:
    consumer = served.context.consumer
    return (
        consumer is not None and consumer.stopped_reason is not None and "poison" in consumer.stopped_reason
    )


async def _keys_stopped(served: Served) -> bool:
    consumer = served.context.key_consumer
    return (
        consumer is not None and consumer.stopped_reason is not None and "poison" in consumer.stopped_reason
    )


async def _takes_events(door: Served) -> bool:
    return bool((await door.client.post("/v1/events?dry_run=true", json=event())).status_code == 202)


async def _heard(served: Served, position: int) -> bool:
    return (await served.context.bus.positions("rating.keys", ACCESS_KEYS.name))[0] >= position


async def _as_admin(database: TestDatabase, script: str) -> None:
    connection = await asyncpg.connect(database.admin_url)
    try:
        await connection.execute(script)
    finally:
        await connection.close()


async def _trimmed(database: TestDatabase) -> int:
    """As usage_ingest does, whose topic it is."""
    pool = await asyncpg.create_pool(database.url("usage_ingest"), min_size=1, max_size=2)
    try:
        return await PostgresLog(pool).trim(ACCESS_KEYS.name, 0)
    finally:
        await pool.close()


async def _transport(database: TestDatabase) -> Transport:
    connection = await asyncpg.connect(database.admin_url)
    try:
        return await transport(connection)
    finally:
        await connection.close()
