"""Keys over a real broker: heard by a group of their own, confirmed by its heads, unconfirmed once it is
away, and confirmed again by itself."""

import asyncio
import time

from shared.bus import Record
from shared.topics.usage_ingest import ACCESS_KEYS
from tests.needs import NEEDS_KAFKA
from tests.system.security.conftest import Serve, Served
from tests.system.security.test_unconfirmed_keys import CUSTOMER, OTHER, key
from tests.waiting import until
from u2c.deployment.kafka_broker import KafkaBroker

pytestmark = NEEDS_KAFKA


async def test_over_kafka_too(serve: Serve, broker: KafkaBroker) -> None:
    async with serve("rating", bus="kafka", kafka_brokers=broker.brokers) as rating:
        publish = rating.context.bus.publish
        await publish(ACCESS_KEYS.name, [Record(b"key_other", ACCESS_KEYS.encode(key(1)))])
        await until(lambda: _status(rating, OTHER, 200))
        await publish(ACCESS_KEYS.name, [Record(b"key_other", ACCESS_KEYS.encode(key(2, revoked=True)))])
        await until(lambda: _status(rating, OTHER, 401))
        await asyncio.to_thread(broker.stop)
        rating.context.keys.now = lambda: time.monotonic() + 31
        await until(lambda: _refused(rating))
        assert (await rating.get("/v1/customers")).headers["u2c-keys-as-of"]
        await asyncio.to_thread(broker.start)
        await until(lambda: _changes(rating))


async def _status(served: Served, secret: str, wanted: int) -> bool:
    return bool((await served.get("/v1/customers", secret)).status_code == wanted)


async def _refused(served: Served) -> bool:
    answer = await served.client.post("/v1/customers", json=CUSTOMER)
    return answer.status_code == 503 and answer.json()["code"] == "keys_unconfirmed"


async def _changes(served: Served) -> bool:
    return bool((await served.client.post("/v1/customers", json=CUSTOMER)).status_code in (200, 201, 409))
