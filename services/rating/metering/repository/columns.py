"""Columns of many rows as a few parameters, and rows in PostgreSQL's binary COPY format.

asyncpg looks at each element of an array one by one in Python, which cost more than all else metering does
there; joined text is split by the server, and bytes are packed here. This is the hot path: see
docs/benchmarks.md.
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from struct import Struct
from typing import Any
from uuid import uuid4

from shared.topics.usage_ingest import UsageMessage

NUMBERS = ","  # delimiter of joined numbers
EVENT_COLUMNS = (
    "batch_id",
    "seq",
    "partition",
    "received_at",
    "time",
    "key",
    "source",
    "id",
    "type",
    "subject",
    "data",
)
COPY_HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
COPY_TRAILER = b"\xff\xff"
#: Number of fields, then length and value of the first six.
_FIXED = Struct(">hiqiiihiqiqi16s").pack
_LENGTH = Struct(">i").pack
_JSONB = Struct(">iB").pack  # length, version
_EPOCH_US = 946_684_800_000_000  # PostgreSQL counts from 2000-01-01 UTC
_NAMES_CACHED_MAX = 50_000


def joined(*columns: Sequence[str]) -> tuple[str, ...]:
    """Return a delimiter that none of the texts contains, and each column joined by it. No text may be
    empty."""
    delimiter = "\x1f"
    while True:
        texts = [delimiter.join(column) for column in columns]
        if all(
            text.count(delimiter) == max(len(column) - 1, 0)
            for text, column in zip(texts, columns, strict=True)
        ):
            return delimiter, *texts
        delimiter = f"\x1f{uuid4().hex}\x1f"


def numbers(values: Iterable[object]) -> str:
    """Return numbers as joined text."""
    return NUMBERS.join(map(str, values))


def event_rows(batch_id: int, partition: int, rows: Iterable[tuple[int, bytes, UsageMessage]]) -> bytes:
    """Return the rows (seq, key, message) of `events`, in the order of EVENT_COLUMNS, as a binary COPY
    payload."""
    parts: list[Any] = [COPY_HEADER]
    for seq, key, message in rows:
        name, data = message.id.encode(), message.data
        parts += (
            _FIXED(
                11,
                8,
                batch_id,
                4,
                seq,
                2,
                partition,
                8,
                message.received_us - _EPOCH_US,
                8,
                message.time_us - _EPOCH_US,
                16,
                key,
            ),
            text_field(message.source),
            _LENGTH(len(name)),
            name,
            text_field(message.type),
            text_field(message.subject),
            _JSONB(len(data) + 1, 1),
            data,
        )
    parts.append(COPY_TRAILER)
    return b"".join(parts)


@lru_cache(_NAMES_CACHED_MAX)
def text_field(text: str) -> bytes:
    """A text that comes again and again, with its length."""
    return field_of(text)


def field_of(text: str) -> bytes:
    """A text with its length."""
    encoded = text.encode()
    return _LENGTH(len(encoded)) + encoded
