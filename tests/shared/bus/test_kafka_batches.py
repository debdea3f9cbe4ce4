"""Batches of Kafka's log, decoded one by one: what is good is read, what nobody can decode stands alone, what
was aborted is no record."""

from typing import Any

import pytest
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.memory_records import MemoryRecords

from shared.bus import Polled
from shared.bus.kafka_batches import batches_of, run_of_batches
from shared.bus.kafka_codecs import CODECS, ROUND_MAX_BYTES, UNPACKED_MAX_BYTES, UnpacksTooLarge
from shared.bus.kafka_subscription import unpacking
from tests.shared.bus.damage import damage

ATTRIBUTES = 21


def batch(
    base: int, *values: bytes | None, codec: int = 0, producer: int = -1, transactional: bool = False
) -> bytearray:
    """A batch as a broker stores it: offsets from `base` on."""
    builder = DefaultRecordBatchBuilder(2, codec, transactional, producer, 0, 0, 1 << 20)
    for offset, value in enumerate(values):
        builder.append(offset, timestamp=1, key=b"k", value=value, headers=[("h", None), ("h", b"\xff")])
    built = bytearray(builder.build())
    built[:8] = base.to_bytes(8, "big")
    return built


def marker(base: int, producer: int, *, commit: bool) -> bytearray:
    builder = DefaultRecordBatchBuilder(2, 0, True, producer, 0, 0, 1 << 20)
    builder.append(0, timestamp=1, key=b"\0\0\0" + bytes([commit]), value=b"\0" * 6, headers=[])
    built = bytearray(builder.build())
    built[:8] = base.to_bytes(8, "big")
    built[ATTRIBUTES + 1] |= 0x20
    damage(built, "nothing but the checksum")
    return built


def read(start: int, *batches: bytearray, aborted: Any = (), records_max: int = 100) -> Polled:
    return run_of_batches("t", 0, start, b"".join(batches), aborted, records_max)


def seen(run: Polled) -> tuple[int, list[int], list[bytes]]:
    return run.end, list(run.offsets), [record.value for record in run.records]


@pytest.mark.parametrize("codec", CODECS)
def test_every_codec_is_read_with_nulls_as_empty(codec: int) -> None:
    run = read(5, batch(5, b"a" * 500, None, b"", codec=codec))
    assert seen(run) == (8, [5, 6, 7], [b"a" * 500, b"", b""])
    assert run.records[0].headers == (("h", b""), ("h", b"\xff")) and run.records[0].key == b"k"


def test_a_run_begins_and_ends_in_the_middle_of_a_batch() -> None:
    log = (batch(0, b"0", b"1", b"2"), batch(3, b"3", b"4"))
    assert seen(read(1, *log, records_max=3)) == (4, [1, 2, 3], [b"1", b"2", b"3"])
    assert seen(read(4, *log)) == (5, [4], [b"4"])
    assert seen(read(5, *log)) == (5, [], [])


def test_a_batch_that_is_not_there_whole_is_not_there() -> None:
    log = batch(0, b"0") + batch(1, b"1")
    for end in range(len(log)):
        assert len(list(batches_of(bytes(log[:end])))) == (0 if end < len(log) // 2 else 1)


@pytest.mark.parametrize(
    ("how", "codec", "why"),
    [
        ("payload", 0, "none payload"),
        ("payload", 1, "gzip payload"),
        ("payload", 2, "snappy payload"),
        ("payload", 3, "lz4 payload"),
        ("payload", 4, "zstd payload"),
        ("codec", 0, "codec 7"),
        ("bits", 0, "checksum"),
    ],
)
def test_what_nobody_can_decode_stands_alone(how: str, codec: int, why: str) -> None:
    bad = batch(2, b"x" * 50, b"y" * 50, codec=codec)
    damage(bad, how)
    log = (batch(0, b"0", b"1"), bad, batch(4, b"4"))
    assert seen(read(0, *log)) == (2, [0, 1], [b"0", b"1"]), "first what stands before it"
    alone = read(2, *log)
    assert seen(alone) == (4, [2], [bytes(bad)])
    assert alone.complete and why in alone.unreadable and "2 records at offsets 2 to 3" in alone.unreadable
    assert seen(read(3, *log))[:2] == (4, [3]), "also for who comes to its middle"
    assert seen(read(4, *log)) == (5, [4], [b"4"])


@pytest.mark.parametrize("codec", [codec for codec in CODECS if codec])
def test_a_batch_that_unpacks_to_too_much_stands_alone_and_the_client_refuses_it_too(codec: int) -> None:
    bomb = batch(1, b"0" * (UNPACKED_MAX_BYTES + 1), codec=codec)
    log = (batch(0, b"0"), bomb, batch(2, b"2"))
    assert seen(read(0, *log)) == (1, [0], [b"0"])
    alone = read(1, *log)
    assert (
        seen(alone) == (2, [1], [bytes(bomb)])
        and f"unpacks to more than {UNPACKED_MAX_BYTES} bytes" in alone.unreadable
    )
    assert seen(read(2, *log)) == (3, [2], [b"2"])
    with pytest.raises(UnpacksTooLarge):
        by_client(bomb)


def test_a_round_of_batches_is_bounded_for_the_client_and_for_who_reads_one_by_one() -> None:
    large = UNPACKED_MAX_BYTES // 2
    log = [
        batch(offset, b"0" * large, codec=4)
        for offset in range(2 * ROUND_MAX_BYTES // UNPACKED_MAX_BYTES + 1)
    ]
    with pytest.raises(UnpacksTooLarge, match="one by one"):
        by_client(*log)
    assert by_client(log[0]) == [b"0" * large]
    run = read(0, *log)
    assert run.end == len(log) - 1 == len(run.records) and read(run.end, *log).end == len(log)


def by_client(*batches: bytearray) -> list[bytes | None]:
    """The values as the client's own fetcher reads them in one look at the log."""
    unpacking.begin()
    records, found = MemoryRecords(b"".join(batches)), []
    while records.has_next():
        found += [record.value for record in records.next_batch()]
    return found


def test_a_header_that_is_no_utf8_does_not_cost_its_record() -> None:
    one = batch(0, b"0")
    one[one.index(b"h")] = 0xFF
    damage(one, "nothing but the checksum")
    assert read(0, one).records[0].headers[0] == ("\ufffd", b"")


def test_aborted_records_and_markers_are_passed_over() -> None:
    log = (
        batch(0, b"0", producer=7, transactional=True),
        batch(1, b"1", producer=8, transactional=True),
        marker(2, 7, commit=False),
        batch(3, b"3", producer=7, transactional=True),
        batch(4, b"4"),
        marker(5, 8, commit=True),
        marker(6, 7, commit=True),
    )
    run = read(0, *log, aborted=[(7, 0)])
    assert seen(run) == (7, [1, 3, 4], [b"1", b"3", b"4"])
    assert seen(read(5, *log)) == (7, [], []), "a run may hold nothing and still go on"
