"""How a run of records lies in one segment row: three columns (keys, values, headers) in MessagePack, encoded
and decoded in C."""

from collections.abc import Sequence
from hashlib import sha256

import msgspec

from shared.bus import Record

Headers = tuple[tuple[str, bytes], ...]
HASH_BYTES = 16


class _Run(msgspec.Struct, array_like=True, gc=False):
    keys: list[bytes]
    values: list[bytes]
    headers: list[Headers]  # [] when no record of the run has any


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(_Run)


def encode_run(records: Sequence[Record]) -> bytes:
    """The payload of one segment."""
    headers = [r.headers for r in records] if any(r.headers for r in records) else []
    return _encoder.encode(_Run([r.key for r in records], [r.value for r in records], headers))


def decode_run(payload: bytes) -> list[Record]:
    """The records of one segment, in order. A payload that is not one raises msgspec.DecodeError."""
    run = _decoder.decode(payload)
    if run.headers:
        return list(map(Record, run.keys, run.values, run.headers))
    return list(map(Record, run.keys, run.values))


def record_hash(record: Record) -> bytes:
    """What a position row keeps of the last record consumed: 16 bytes of SHA-256 over key length, key and
    value."""
    return sha256(b"%d:%b%b" % (len(record.key), record.key, record.value)).digest()[:HASH_BYTES]
