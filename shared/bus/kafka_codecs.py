"""Unpacks record batches within bounds: forty kilobytes of zstd hold 400 MB, and the client's own decoders
unpack whatever comes, on the loop, at every assignment again. One such record took the door's memory and
every partition of usage.raw with it."""

import gzip
import io
import struct
from collections.abc import Callable, Iterator

import cramjam
from aiokafka.record import _crecords, default_records, legacy_records

from shared.topics.registry import MESSAGE_MAX_BYTES

#: Of a batch: twice what a record may have that is not compressed.
UNPACKED_MAX_BYTES = 2 * MESSAGE_MAX_BYTES
#: Of all batches of one look at the log.
ROUND_MAX_BYTES = 4 * UNPACKED_MAX_BYTES
GUESSED_RATIO, GUESSED_MIN_BYTES = 16, 64 * 1024
_XERIAL, _XERIAL_HEADER_BYTES = b"\x82SNAPPY\0", 16
_LENGTH = struct.Struct(">i")
Unpack = Callable[[bytes], bytes]


class UnpacksTooLarge(ValueError):
    """A batch, or a round of them, unpacks to more than is taken."""


def gunzipped(payload: bytes) -> bytes:
    return _within(gzip.GzipFile(fileobj=io.BytesIO(payload)).read(UNPACKED_MAX_BYTES + 1))


def unsnapped(payload: bytes) -> bytes:
    """Snappy says first how long it is; in xerial's framing each block does."""
    parts, room = [], UNPACKED_MAX_BYTES
    for block in _blocks(bytes(payload)):
        room -= cramjam.snappy.decompress_raw_len(block)
        if room < 0:
            raise _too_large()
        parts.append(bytes(cramjam.snappy.decompress_raw(block)))
    return b"".join(parts)


def unlz4ed(payload: bytes) -> bytes:
    return _into(cramjam.lz4.decompress_into, payload)


def unzstded(payload: bytes) -> bytes:
    return _into(cramjam.zstd.decompress_into, payload)


CODECS: dict[int, tuple[str, Unpack]] = {
    0: ("none", bytes),
    1: ("gzip", gunzipped),
    2: ("snappy", unsnapped),
    3: ("lz4", unlz4ed),
    4: ("zstd", unzstded),
}


class Round:
    """How much the client may still unpack before its next look at the log: it takes thousands of batches in
    one."""

    def __init__(self) -> None:
        self._left_bytes = ROUND_MAX_BYTES

    def begin(self) -> None:
        self._left_bytes = ROUND_MAX_BYTES

    def counting(self, unpack: Unpack) -> Unpack:
        def counted(payload: bytes) -> bytes:
            unpacked = unpack(payload)
            self._left_bytes -= len(unpacked)
            if self._left_bytes < 0:
                raise UnpacksTooLarge(
                    f"the batches at hand unpack to more than {ROUND_MAX_BYTES} bytes; they are read one by one"
                )
            return unpacked

        return counted


def bound_the_client() -> Round:
    """Put these codecs in the place of the client's own, in its compiled form and in that without a
    compiler."""
    of_client = Round()
    for module in (default_records, legacy_records, _crecords.default_records, _crecords.legacy_records):
        for name, (_, unpack) in zip(
            ("gzip_decode", "snappy_decode", "lz4_decode", "zstd_decode"),
            list(CODECS.values())[1:],
            strict=True,
        ):
            if hasattr(module, name):
                setattr(module, name, of_client.counting(unpack))
    return of_client


def _within(unpacked: bytes) -> bytes:
    if len(unpacked) > UNPACKED_MAX_BYTES:
        raise _too_large()
    return unpacked


def _into(decompress_into: Callable[[bytes, bytearray], int], payload: bytes) -> bytes:
    """Unpack into as much room as is likely enough, else into as much as is taken."""
    guessed = max(GUESSED_MIN_BYTES, GUESSED_RATIO * len(payload))
    for size in sorted({min(guessed, UNPACKED_MAX_BYTES), UNPACKED_MAX_BYTES}):
        room = bytearray(size)
        try:
            return bytes(memoryview(room)[: decompress_into(payload, room)])
        except cramjam.DecompressionError as fault:
            if "write whole buffer" not in str(fault):
                raise
    raise _too_large()


def _blocks(payload: bytes) -> Iterator[bytes]:
    if not payload.startswith(_XERIAL) or len(payload) <= _XERIAL_HEADER_BYTES:
        yield payload
        return
    place = _XERIAL_HEADER_BYTES
    while place < len(payload):
        [length] = _LENGTH.unpack_from(payload, place)
        start = place + _LENGTH.size
        place = start + length
        if length <= 0 or place > len(payload):
            raise struct.error("a snappy block ends beyond its batch")
        yield payload[start:place]


def _too_large() -> UnpacksTooLarge:
    return UnpacksTooLarge(f"it unpacks to more than {UNPACKED_MAX_BYTES} bytes; send smaller batches")
