"""Kafka's record batches as they lie in the log, decoded one by one. The client's own fetcher stops at the
first that it cannot decode; here that one stands alone, with its bytes, and what lies before and behind it is
read. Pure.

Format: https://kafka.apache.org/documentation/#recordbatch (magic 2, the only one a broker of today stores).
"""

import gzip
import struct
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import cramjam
from aiokafka.errors import CorruptRecordException, UnsupportedCodecError
from aiokafka.record.control_record import ABORT_MARKER, ControlRecord
from aiokafka.record.util import calc_crc32c, decode_varint

from shared.bus import Polled, Record
from shared.bus.kafka_codecs import CODECS, ROUND_MAX_BYTES

#: What the client, its codecs and this module raise for bytes nobody can decode. A connection's faults are
#: none of them.
UNDECODABLE: tuple[type[Exception], ...] = (
    CorruptRecordException,
    UnsupportedCodecError,
    cramjam.DecompressionError,
    gzip.BadGzipFile,
    zlib.error,
    struct.error,
    EOFError,
    ValueError,
    IndexError,
    OverflowError,
)
MAGIC = 2
_PREFIX = struct.Struct(">qi")  # base offset, length of what follows
_HEADER = struct.Struct(">qiibIhiqqqhii")
#: The CRC covers the batch from here on.
_CRC_OF = struct.calcsize(">qiibI")
_CODEC, _TRANSACTIONAL, _CONTROL = 0x07, 0x10, 0x20


class BatchUnreadable(Exception):
    """Nobody can decode this batch; the text says why."""


@dataclass(frozen=True, slots=True)
class LogBatch:
    """One batch: offsets `start` to `end` (exclusive), of which control records, aborted ones and compaction
    may leave some empty."""

    whole: bytes
    start: int
    end: int
    magic: int
    crc: int
    attributes: int
    producer_id: int
    count: int
    #: Of its records' times, or when the broker appended it, as the topic has it.
    newest_ms: int

    @property
    def is_control(self) -> bool:
        return bool(self.attributes & _CONTROL)

    @property
    def is_transactional(self) -> bool:
        return bool(self.attributes & _TRANSACTIONAL)

    def records(self) -> list[tuple[int, Record]]:
        """(offset, record) of all; raise BatchUnreadable where one of them cannot be read. A header's name
        that is no UTF-8 is read all the same."""
        codec, decompress = CODECS.get(self.attributes & _CODEC, (f"codec {self.attributes & _CODEC}", None))
        if self.magic != MAGIC or decompress is None:
            raise BatchUnreadable(f"its format ({codec}, magic {self.magic}) is unknown")
        if calc_crc32c(self.whole[_CRC_OF:]) != self.crc:
            raise BatchUnreadable("its checksum does not fit: it was damaged in the log")
        try:
            return list(self._decoded(decompress(self.whole[_HEADER.size :])))
        except UNDECODABLE as fault:
            raise BatchUnreadable(f"its {codec} payload cannot be decoded: {fault!r}") from fault

    def _decoded(self, payload: bytes) -> Iterator[tuple[int, Record]]:
        place = 0
        for _ in range(self.count):
            length, place = decode_varint(payload, place)
            end = place + length
            if length < 0 or end > len(payload):
                raise CorruptRecordException("a record ends beyond its batch")
            yield _record(payload[place:end], self.start)
            place = end


def batches_of(fetched: bytes) -> Iterator[LogBatch]:
    """The batches of a fetch that are there whole."""
    place = 0
    while place + _HEADER.size <= len(fetched):
        _, length = _PREFIX.unpack_from(fetched, place)
        whole = fetched[place : place + _PREFIX.size + length]
        if length < _HEADER.size - _PREFIX.size or len(whole) < _PREFIX.size + length:
            return
        start, _, _, magic, crc, attributes, last, _, newest_ms, producer_id, _, _, count = (
            _HEADER.unpack_from(whole)
        )
        yield LogBatch(whole, start, start + last + 1, magic, crc, attributes, producer_id, count, newest_ms)
        place += len(whole)


def run_of_batches(
    topic: str,
    partition: int,
    start: int,
    fetched: bytes,
    aborted: Sequence[tuple[int, int]],
    records_max: int,
) -> Polled:
    """Committed records from `start` on, up to the first batch nobody can decode; that one alone where it
    comes first.

    It ends before a batch with which it would hold more than ROUND_MAX_BYTES.

    `aborted`: (producer, first offset) of transactions that were taken back. The run's end lies behind what
    it passes over.
    """
    taken: list[tuple[int, Record]] = []
    transactions, end, room_bytes = _Aborted(aborted), start, ROUND_MAX_BYTES
    run = partial(_run, topic, partition, start)
    for batch in batches_of(fetched):
        if batch.end <= start:
            continue
        try:
            passed_over = transactions.pass_over(batch)
            found = [] if passed_over else [one for one in batch.records() if one[0] >= start]
        except BatchUnreadable as fault:
            return run(end, taken) if taken else _alone(topic, partition, start, batch, fault)
        room_bytes -= sum(len(record.value) for _, record in found)
        if taken and room_bytes < 0:
            return run(end, taken)
        room = records_max - len(taken)
        if len(found) > room:
            return run(found[room][0], taken + found[:room])
        taken += found
        end = batch.end
    return run(end, taken)


class _Aborted:
    """Which producers' records are being taken back at this place of the log."""

    def __init__(self, aborted: Sequence[tuple[int, int]]) -> None:
        self._ahead = sorted(aborted, key=lambda one: one[1], reverse=True)
        self._producers: set[int] = set()

    def pass_over(self, batch: LogBatch) -> bool:
        """Whether the batch is a marker of a transaction, or records of one that was aborted."""
        while self._ahead and self._ahead[-1][1] <= batch.start:
            self._producers.add(self._ahead.pop()[0])
        if batch.is_control:
            if any(ControlRecord.parse(record.key) == ABORT_MARKER for _, record in batch.records()):
                self._producers.discard(batch.producer_id)
            return True
        return batch.is_transactional and batch.producer_id in self._producers


def _record(encoded: bytes, base: int) -> tuple[int, Record]:
    """One record: attributes, time, offset, key, value, headers."""
    # Behind the attributes: its time, which nobody here reads.
    _, place = decode_varint(encoded, 1)
    offset, place = decode_varint(encoded, place)
    key, place = _bytes(encoded, place)
    value, place = _bytes(encoded, place)
    count, place = decode_varint(encoded, place)
    headers: list[tuple[str, bytes]] = []
    for _ in range(count):
        name, place = _bytes(encoded, place)
        text, place = _bytes(encoded, place)
        headers.append((name.decode(errors="replace"), text))
    if place != len(encoded):
        raise CorruptRecordException("a record is longer than what it holds")
    return base + offset, Record(key, value, tuple(headers))


def _bytes(encoded: bytes, place: int) -> tuple[bytes, int]:
    """Bytes with their length before them; null as empty, as everywhere on this bus."""
    length, place = decode_varint(encoded, place)
    end = place + max(length, 0)
    if end > len(encoded):
        raise CorruptRecordException("a field ends beyond its record")
    return encoded[place:end], end


def _run(topic: str, partition: int, start: int, end: int, taken: list[tuple[int, Record]]) -> Polled:
    return Polled(
        topic, partition, start, end, [record for _, record in taken], [offset for offset, _ in taken]
    )


def _alone(topic: str, partition: int, start: int, batch: LogBatch, fault: BatchUnreadable) -> Polled:
    """The batch as one record at its first offset; the others it takes hold nothing."""
    first = max(start, batch.start)
    why = f"a batch of {batch.count} records at offsets {first} to {batch.end - 1} of {topic}[{partition}] is set aside whole: {fault}"
    return Polled(
        topic, partition, start, batch.end, [Record(b"", batch.whole)], [first], complete=True, unreadable=why
    )
