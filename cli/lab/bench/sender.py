"""Sends prepared requests over a few kept connections. Written on bare streams: a client library would cost a
tenth of a core here."""

import asyncio
import mmap
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import msgspec

from lab.bench.workload import Bodies, Request

CONNECTIONS = 8
ATTEMPTS_MAX = 50
EVENTS, VOIDS = "/v1/events", "/v1/events/void"
BATCH, JSON = "application/cloudevents-batch+json", "application/json"


class Refused(Exception):
    """A service answered something that sending again will not mend."""


class Accepted(msgspec.Struct, frozen=True):
    """What the door says of a request."""

    published: int = 0
    quarantined: int = 0


@dataclass
class Connection:
    """One kept HTTP/1.1 connection to a service."""

    url: str
    key: str

    async def post(self, path: str, media_type: str, body: bytes | memoryview) -> bytes:
        """The body of the answer. 429 and 503 are waited out; Refused for any other answer that is no
        success."""
        for _ in range(ATTEMPTS_MAX):
            status, wait_s, answer = await self._exchange("POST", path, media_type, body)
            if status not in (429, 503):
                if status >= 300:
                    raise Refused(f"POST {path} answered {status}: {answer[:500]!r}")
                return answer
            await asyncio.sleep(wait_s)
        raise Refused(f"POST {path} was not taken in {ATTEMPTS_MAX} attempts: {answer[:500]!r}")

    async def get(self, path: str) -> bytes:
        """The body of the answer; Refused for any that is no success. A connection that the service closed
        meanwhile is opened again."""
        try:
            status, _, answer = await self._exchange("GET", path, JSON, b"")
        except (ConnectionError, asyncio.IncompleteReadError):
            await self.open()
            status, _, answer = await self._exchange("GET", path, JSON, b"")
        if status >= 300:
            raise Refused(f"GET {path} answered {status}: {answer[:500]!r}")
        return answer

    async def open(self) -> None:
        parts = urlsplit(self.url)
        self._reader, self._writer = await asyncio.open_connection(parts.hostname, parts.port)
        self._head = f"Host: {parts.netloc}\r\nAuthorization: Bearer {self.key}\r\n"

    async def close(self) -> None:
        self._writer.close()
        await self._writer.wait_closed()

    async def _exchange(
        self, method: str, path: str, media_type: str, body: bytes | memoryview
    ) -> tuple[int, float, bytes]:
        head = f"{method} {path} HTTP/1.1\r\n{self._head}Content-Type: {media_type}\r\nContent-Length: {len(body)}\r\n\r\n"
        self._writer.write(head.encode())
        self._writer.write(body)
        await self._writer.drain()
        lines = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower().split("\r\n")
        headers = dict(line.split(": ", 1) for line in lines[1:] if ": " in line)
        answer = await self._reader.readexactly(int(headers["content-length"]))
        return int(lines[0].split(" ")[1]), float(headers.get("retry-after", "0.1")), answer


@dataclass
class Sent:
    """What became of a load. Times are of `time.monotonic()`."""

    first_at: float = 0.0
    last_at: float = 0.0  # the last answer
    requests: int = 0
    messages: int = 0
    unique: int = 0
    published: int = 0
    quarantined: int = 0
    bytes: int = 0
    late_s: float = 0.0  # how far behind its schedule the load ever was (only with a rate)
    refused: list[str] = field(default_factory=list)

    @property
    def send_s(self) -> float:
        return self.last_at - self.first_at


Heard = Callable[[Request, float], None]  # a request was accepted, and when


def unheard(_request: Request, _at: float) -> None:
    """Nobody follows this load."""


@dataclass
class Load:
    """Sends `bodies` in order: at `rate` events a second, or (0) as fast as the door takes them over eight
    connections."""

    url: str
    key: str
    bodies: Bodies
    rate: float = 0.0
    seconds_max: float = float("inf")
    heard: Heard = unheard
    sent: Sent = field(default_factory=Sent)

    async def run(self) -> Sent:
        with (
            open(self.bodies.file, "rb") as file,
            mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as held,
            memoryview(held) as view,
        ):
            self._view, self._next, self._events_before = view, iter(self.bodies.requests), 0
            connections = [Connection(self.url, self.key) for _ in range(CONNECTIONS)]
            await asyncio.gather(*(connection.open() for connection in connections))
            self.sent.first_at = time.monotonic()
            try:
                await asyncio.gather(*(self._work(connection) for connection in connections))
            finally:
                await asyncio.gather(
                    *(connection.close() for connection in connections), return_exceptions=True
                )
        return self.sent

    async def _work(self, connection: Connection) -> None:
        for request in self._next:
            if self.rate:
                await self._wait_turn(request)
            if time.monotonic() - self.sent.first_at > self.seconds_max:
                return
            body = self._view[request.offset : request.offset + request.length]
            try:
                answer = await connection.post(
                    VOIDS if request.void else EVENTS, JSON if request.void else BATCH, body
                )
            finally:
                body.release()
            self._count(request, msgspec.json.decode(answer, type=Accepted))

    async def _wait_turn(self, request: Request) -> None:
        due = self.sent.first_at + self._events_before / self.rate
        self._events_before += 0 if request.void else request.messages
        wait_s = due - time.monotonic()
        if wait_s > 0:
            await asyncio.sleep(wait_s)
        else:
            self.sent.late_s = max(self.sent.late_s, -wait_s)

    def _count(self, request: Request, accepted: Accepted) -> None:
        sent, now = self.sent, time.monotonic()
        sent.last_at = now
        sent.requests += 1
        sent.messages += request.messages
        sent.unique += request.unique
        sent.bytes += request.length
        sent.published += accepted.published
        sent.quarantined += accepted.quarantined
        self.heard(request, now)


async def post_all(url: str, key: str, path: str, documents: Sequence[Any]) -> None:
    """POST each document, sixteen at a time."""
    waiting = iter(documents)

    async def work(connection: Connection) -> None:
        await connection.open()
        for document in waiting:
            await connection.post(path, JSON, msgspec.json.encode(document))
        await connection.close()

    await asyncio.gather(*(work(Connection(url, key)) for _ in range(16)))
