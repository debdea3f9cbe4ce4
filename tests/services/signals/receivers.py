"""Receivers of webhooks as they are out there: they fail, stall, lie, redirect, drip and drop. Each remembers
what it saw."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

Answer = Callable[["Receiver", asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Seen:
    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]


@dataclass
class Receiver:
    """`seen` holds the requests in the order they began; `connections` counts those that only connected,
    too."""

    answer: Answer
    url: str = ""
    seen: list[Seen] = field(default_factory=list)
    connections: int = 0

    @property
    def ids(self) -> list[str]:
        return [one.id for one in self.seen]

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            lines = (line.partition(":") for line in head.decode().split("\r\n")[1:])
            headers = {name.strip().lower(): value.strip() for name, colon, value in lines if colon}
            self.seen.append(Seen(headers, await reader.readexactly(int(headers["content-length"]))))
            await self.answer(self, writer)
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the sender hung up: that is what some of these are for
        finally:
            writer.close()


@asynccontextmanager
async def receiving(answer: Answer, tls: ssl.SSLContext | None = None) -> AsyncIterator[Receiver]:
    """A receiver on a free port of the loopback, by TLS if asked."""
    receiver = Receiver(answer)
    server = await asyncio.start_server(receiver.take, "127.0.0.1", 0, ssl=tls)
    receiver.url = f"http{'s' if tls else ''}://127.0.0.1:{server.sockets[0].getsockname()[1]}/hook"
    try:
        yield receiver
    finally:
        server.close()


def answers(status: int, *headers: str, body: bytes = b"") -> Answer:
    """Answer with this status at once."""

    async def answer(_receiver: Receiver, writer: asyncio.StreamWriter) -> None:
        writer.write(_head(status, len(body), *headers) + body)

    return answer


def first(*steps: Answer) -> Answer:
    """Answer the n-th request with the n-th step; the last one stays."""

    async def answer(receiver: Receiver, writer: asyncio.StreamWriter) -> None:
        await steps[min(len(receiver.seen), len(steps)) - 1](receiver, writer)

    return answer


async def stalls(_receiver: Receiver, _writer: asyncio.StreamWriter) -> None:
    """Say nothing for a minute, then 200: a lie, the sender is long gone."""
    await asyncio.sleep(60)


async def drips(_receiver: Receiver, writer: asyncio.StreamWriter) -> None:
    """One byte of a header every 50 ms, so that no single read ever times out."""
    writer.write(b"HTTP/1.1 200 OK\r\nx: ")
    while True:
        writer.write(b"y")
        await writer.drain()
        await asyncio.sleep(0.05)


async def drops(_receiver: Receiver, writer: asyncio.StreamWriter) -> None:
    """Close in the middle of the answer."""
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf")


async def floods(_receiver: Receiver, writer: asyncio.StreamWriter) -> None:
    """200, and then 10 MB of body."""
    writer.write(_head(200, 10_000_000))
    for _ in range(100):
        writer.write(b"z" * 100_000)
        await writer.drain()


def _head(status: int, length: int, *headers: str) -> bytes:
    return "".join(
        f"{line}\r\n"
        for line in (
            f"HTTP/1.1 {status} Status",
            f"content-length: {length}",
            "connection: close",
            *headers,
            "",
        )
    ).encode()
