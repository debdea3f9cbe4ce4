"""Takes a request's body, unpacked within its size; its time is the edge's to keep."""

import zlib

from fastapi import Request
from starlette.requests import ClientDisconnect

from services.usage_ingest.domain.limits import BODY_MAX_BYTES
from services.usage_ingest.door.requests.aside import aside
from shared.errors import AppError, Kind
from shared.http.faults import BodyIncomplete, BodyTooLarge
from shared.http.limits import OFF_LOOP_BYTES

GZIP = 16 + zlib.MAX_WBITS
#: JSON of events packs about so well.
PACKED_RATIO = 10
#: Enough for a log shipper's many flushes; each costs as much as a small body.
MEMBERS_MAX = 1_000
# given to zlib at once: it copies what follows a member, which must not be the whole body
STEP_BYTES = 64 * 1024


class EncodingUnsupported(AppError):
    """This API takes bodies plain or with `Content-Encoding: gzip`."""

    kind = Kind.UNSUPPORTED


class GzipBroken(AppError):
    """The body is not the gzip it says it is; nothing of it was accepted."""

    kind = Kind.MALFORMED


def announced_bytes(request: Request) -> int:
    """The room a body may take once unpacked: what the producer announced, or the most it may send."""
    length, packed = request.headers.get("content-length", ""), "content-encoding" in request.headers
    if not (length.isascii() and length.isdigit() and len(length) < 10):
        return BODY_MAX_BYTES
    return min(int(length) * (PACKED_RATIO if packed else 1), BODY_MAX_BYTES)


async def read_body(request: Request) -> bytes:
    """Return the whole body, unpacked. Raises BodyTooLarge, BodyIncomplete, EncodingUnsupported or
    GzipBroken."""
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in ("identity", "gzip", "x-gzip"):
        raise EncodingUnsupported(f"{encoding[:40]!a} is not understood; send plain or gzip")
    try:
        body = b"".join([part async for part in request.stream()])
    except ClientDisconnect:
        raise BodyIncomplete("the connection was closed before the body's end") from None
    return body if encoding == "identity" else await unpacked(body)


async def unpacked(body: bytes) -> bytes:
    """Unpack gzip here where that is little, else in the thread for large bodies, from the start."""
    if len(body) <= OFF_LOOP_BYTES:
        try:
            return gunzip(body, OFF_LOOP_BYTES)
        except BodyTooLarge:
            # How much there is, a gzip says truly only at its end.
            pass
    return await aside(gunzip, body)


def gunzip(body: bytes, room: int = BODY_MAX_BYTES) -> bytes:
    """Unpack gzip, all its members, into at most `room` bytes, in time that grows with the body; a bomb is
    refused after that much work."""
    parts: list[bytes] = []
    packed, bytes_max = memoryview(body), room
    for _member_number in range(MEMBERS_MAX):
        part, packed = _first_member(packed, room, bytes_max)
        parts.append(part)
        room -= len(part)
        if not packed:
            return b"".join(parts)
    raise GzipBroken(f"the gzip has more than {MEMBERS_MAX} members; compress the body as a whole")


def _first_member(packed: memoryview, room: int, bytes_max: int) -> tuple[bytes, memoryview]:
    """Unpack one member into at most `room` bytes; return it and what follows it."""
    member, parts, left = zlib.decompressobj(GZIP), [], room + 1
    while not member.eof:
        if not packed:
            raise GzipBroken("the gzip ends too early; compress the body again, or send it plain")
        step = packed[:STEP_BYTES]
        try:
            parts.append(member.decompress(step, left))
        except zlib.error as error:
            raise GzipBroken(f"{error}; compress the body again, or send it plain") from None
        packed = packed[len(step) - len(member.unused_data) :]
        left -= len(parts[-1])
        if left <= 0:
            raise BodyTooLarge(f"the body unpacks to more than {bytes_max} bytes; split the batch")
    return b"".join(parts), packed
