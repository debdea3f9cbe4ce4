"""What producers of usage.raw really do. Whatever it is, it has a fate, and the log is read on."""

import asyncio
import json
from collections.abc import Iterator
from uuid import uuid4

import pytest
from cloudevents.http import CloudEvent
from cloudevents.kafka import KafkaMessage, to_binary, to_structured

from services.usage_ingest.domain.limits import EVENT_KEPT_MAX_BYTES
from shared.topics.rating import CATALOGUE_METERS, CUSTOMERS
from tests.conftest import TestServer, in_thread
from tests.needs import NEEDS_KAFKA
from tests.services.usage_ingest.circumstances import customer, event
from tests.services.usage_ingest.conftest import METERS, opened
from tests.services.usage_ingest.kafka_products import Products, Sent, create_topics, looking, say, send
from tests.shared.bus.damage import batches_on_disk, damage
from tests.waiting import until
from u2c.deployment.kafka_broker import KafkaBroker

pytestmark = [NEEDS_KAFKA, pytest.mark.timeout(400)]  # the first test waits for a broker that starts twice
MIB = 1 << 20
DAMAGED = 5  # the partition whose log was damaged before the door first read it
AS_SENT = (
    ("none", "", 2),
    ("zstd", "payload", 5),
    ("gzip", "", 2),
    ("none", "codec", 3),
    ("snappy", "", 1),
    ("lz4", "bits", 4),
    ("none", "header", 1),
)


def usage(source: str, name: str, **changes: object) -> bytes:
    return json.dumps(event(source=source, id=name, **changes)).encode()


def bytes_of(message: KafkaMessage) -> bytes:
    """What the SDK would put on the wire."""
    assert isinstance(message.value, bytes)
    return message.value


def damaged_log(broker: KafkaBroker) -> dict[str, bytes]:
    """Write batches, stop the broker, damage some of them where they lie, and start it again; return those by
    what was done to them."""
    for number, (codec, _, count) in enumerate(AS_SENT):
        records = [
            (None, usage("damaged", f"{number}-{n}"), [("name-of-a-header", b"x")]) for n in range(count)
        ]
        send(broker.brokers, DAMAGED, records, compression_type=codec)
    broker.stop()
    [segment] = (broker.folder / "data" / f"usage.raw-{DAMAGED}").glob("*.log")
    batches = batches_on_disk(segment)
    assert len(batches) == len(AS_SENT)
    for batch, (_, how, _) in zip(batches, AS_SENT, strict=True):
        if how:
            damage(batch, how)
    segment.write_bytes(b"".join(batches))
    broker.start()
    return {how: bytes(batch) for batch, (_, how, _) in zip(batches, AS_SENT, strict=True) if how}


@pytest.fixture(scope="module")
def products(postgres_server: TestServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Products]:
    """A door on Kafka with three meters and a customer."""
    broker = KafkaBroker(tmp_path_factory.mktemp("kafka"))
    broker.start()
    in_thread(create_topics(broker.brokers))
    damaged = damaged_log(broker)
    say(broker.brokers, CATALOGUE_METERS, *METERS)
    say(broker.brokers, CUSTOMERS, customer("UA", "united"))
    with opened(
        postgres_server, tmp_path_factory.mktemp("door"), U2C_BUS="kafka", U2C_KAFKA_BROKERS=broker.brokers
    ) as door:
        in_thread(until(door.knows_customers))
        with looking(broker.brokers) as watcher:
            yield Products(broker, door, damaged, watcher)
    broker.stop()


async def test_a_batch_nobody_can_decode_is_set_aside_alone(products: Products) -> None:
    """Seen: one snappy record stopped usage.raw for good, and no period closed."""
    await until(products.taken)
    whole = [(number, count) for number, (_, how, count) in enumerate(AS_SENT) if how in ("", "header")]
    assert sorted(message.id for message in products.usage("damaged")) == [
        f"{number}-{n}" for number, count in whole for n in range(count)
    ]
    assert await products.quarantined(DAMAGED) == [
        (2, "record_unreadable", products.damaged["payload"]),
        (9, "record_unreadable", products.damaged["codec"]),
        (13, "record_unreadable", products.damaged["bits"]),
    ]
    rows = await products.door.fetch(
        "select detail from usage_ingest.quarantine where code = 'record_unreadable' order by quarantine_id"
    )
    assert [
        words in row["detail"]
        for words, row in zip(("5 records at offsets 2 to 6", "codec 7", "checksum"), rows, strict=True)
    ] == [True] * 3
    assert await products.gaps() == 0
    receipts = await products.door.fetch(
        "select sum(received) r, sum(published) p, sum(quarantined) q from usage_ingest.receipts where source = ''"
    )
    assert tuple(receipts[0]) == (3, 0, 3)


async def test_the_four_codecs_mixed_in_one_partition(products: Products) -> None:
    mine = str(uuid4())
    names = [
        f"{codec}-{round_}" for round_ in range(2) for codec in ("gzip", "snappy", "none", "lz4", "zstd")
    ]
    for name in names:
        records: list[Sent] = [(None, usage(mine, f"{name}-{n}"), []) for n in range(50)]
        products.send(0, *records, compression_type=name.partition("-")[0])
    await until(products.taken)
    assert sorted(message.id for message in products.usage(mine)) == sorted(
        f"{name}-{n}" for name in names for n in range(50)
    )
    assert await products.quarantined(0) == []


async def test_each_record_has_its_fate(products: Products) -> None:
    """Taken, or in the quarantine with its bytes, in the place where it lay. Seen: a header `trace` with a
    NUL went into rows, and stopped them."""
    mine = str(uuid4())
    good = usage(mine, "plain")
    long = usage(mine, "long", data={"text": "x" * MIB})
    several = json.dumps([event(source=mine), event(source=mine)]).encode()
    records: list[tuple[bytes | None, bytes | None, list[tuple[str, bytes | None]], str]] = [
        (
            b"",
            usage(mine, "headers"),
            [("a", None), ("a", b"\x00\xff"), ("trace", b"\x00not a trace\xff"), ("ü", b"x" * 10_000)],
            "",
        ),
        (None, good, [], ""),
        (b"\xff\xfe\x00", usage(mine, "key"), [], ""),
        (b"tombstone", None, [], "json_malformed"),
        (None, b"", [("content-type", b"application/json")], "json_malformed"),
        (None, several, [], "not_an_object"),
        (None, several, [("content-type", b"application/cloudevents-batch+json")], "not_an_object"),
        (None, good + b"\n" + good, [], "json_malformed"),
        (None, long, [], "event_too_large"),
        (None, b"\x00\x01avro", [("content-type", b"application/avro")], "json_malformed"),
        (None, usage(mine, "last"), [], ""),
    ]
    products.send(1, *[record[:3] for record in records])
    await until(products.taken)
    assert sorted(message.id for message in products.usage(mine)) == ["headers", "key", "last", "plain"]
    assert await products.quarantined(1) == [
        (n, code, value or b"") for n, (_, value, _, code) in enumerate(records) if code
    ]
    assert len(long) > MIB > EVENT_KEPT_MAX_BYTES
    assert await products.gaps() == 0


async def test_only_committed_records_count_and_markers_hold_nothing_up(products: Products) -> None:
    """Seen: a position that stood before a transaction's marker stood there for ever, and the next record
    stopped the consumer."""
    mine = str(uuid4())
    producer = products.transactional(mine)
    for number, end in enumerate(
        (
            producer.commit_transaction,
            producer.abort_transaction,
            producer.commit_transaction,
            producer.abort_transaction,
        )
    ):
        producer.begin_transaction()
        for n in range(3):
            producer.produce("usage.raw", usage(mine, f"{number}-{n}"), partition=2)
        assert producer.flush(30) == 0
        end(30)
        if number in (1, 3):
            await until(products.taken)  # the log ends with a marker
    assert sorted(message.id for message in products.usage(mine)) == [
        f"{number}-{n}" for number in (0, 2) for n in range(3)
    ]
    products.send(2, (None, usage(mine, "after"), []))
    await until(products.taken)
    assert len(products.usage(mine)) == 7
    assert await products.gaps() == 0


async def test_what_lies_behind_an_open_transaction_waits_for_its_end(products: Products) -> None:
    mine = str(uuid4())
    before = (await products.positions())[3]
    producer = products.transactional(mine)
    producer.begin_transaction()
    producer.produce("usage.raw", usage(mine, "open"), partition=3)
    assert producer.flush(30) == 0
    products.send(3, (None, usage(mine, "behind"), []))
    products.send(4, (None, usage(mine, "elsewhere"), []))

    async def elsewhere() -> bool:
        return [message.id for message in await asyncio.to_thread(products.usage, mine)] == ["elsewhere"]

    await until(elsewhere)
    assert (await products.positions())[3] == before < products.heads()[3], (
        "a close waits: both were sent before it"
    )
    producer.commit_transaction(30)
    await until(products.taken)
    assert sorted(message.id for message in products.usage(mine)) == ["behind", "elsewhere", "open"]


async def test_cloudevents_in_headers(products: Products) -> None:
    """The Python SDK in both modes, and records that are in both at once."""
    mine = str(uuid4())
    attributes = {
        "source": mine,
        "type": "departure",
        "subject": "UA",
        "time": "2013-07-15T11:00:00Z",
        "datacontenttype": "application/json",
    }
    data = {"distance": 1400, "tail": "N1"}
    binary = to_binary(CloudEvent({**attributes, "id": "binary", "partitionkey": "UA"}, data))
    structured = to_structured(CloudEvent({**attributes, "id": "structured"}, data))
    before = products.heads()[4]
    for message in (binary, structured):
        products.send(4, (None, bytes_of(message), list(message.headers.items())))
    names = [(name, text) for name, text in binary.headers.items() if name != "content-type"]
    products.send(
        4,
        (
            None,
            bytes_of(structured),
            [*binary.headers.items(), ("content-type", b"application/cloudevents+json")],
        ),
        (
            None,
            bytes_of(structured),
            [*names, ("content-type", b"application/cloudevents+json; charset=UTF-8")],
        ),
        (None, None, [(name, text if name != "ce_id" else b"without data") for name, text in names]),
    )
    await until(products.taken)
    found = {message.id: message for message in products.usage(mine)}
    assert sorted(found) == ["binary", "structured"]
    assert found["binary"].body_hash == found["structured"].body_hash
    kept = [one for one in await products.quarantined(4) if one[0] >= before]
    assert [(at - before, code) for at, code, _ in kept] == [
        (2, "content_mode_ambiguous"),
        (3, "content_mode_ambiguous"),
        (4, "value_missing"),
    ]
