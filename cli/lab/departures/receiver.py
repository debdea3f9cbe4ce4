"""A receiver of webhooks on this machine: it believes nothing but what the `standardwebhooks` library
verifies."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from standardwebhooks.webhooks import Webhook, WebhookVerificationError

BODY_MAX_BYTES = 64 * 1024
HEADER_MAX_BYTES = 16 * 1024


@dataclass
class Receiver:
    """`events` by webhook id, each once however often it came; `refused` counts what could not be
    verified."""

    url: str = ""
    secret: str = ""
    events: dict[str, dict[str, Any]] = field(default_factory=dict)
    requests: int = 0
    refused: int = 0

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            headers = _headers(await reader.readuntil(b"\r\n\r\n"))
            body = await reader.readexactly(min(int(headers.get("content-length", "0")), BODY_MAX_BYTES))
            status = self._judge(headers, body)
            writer.write(f"HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".encode())
            await writer.drain()
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ConnectionError, ValueError):
            self.refused += 1
        finally:
            writer.close()

    def _judge(self, headers: dict[str, str], body: bytes) -> str:
        self.requests += 1
        try:
            event: dict[str, Any] = Webhook(self.secret).verify(body, headers)
        # the library raises ValueError for a signature it cannot take apart
        except (
            WebhookVerificationError,
            ValueError,
        ):
            self.refused += 1
            return "400 Bad Request"
        self.events[headers["webhook-id"]] = event
        return "204 No Content"


class Down(Receiver):
    """A receiver behind a gateway that answers 502 to everything."""

    def _judge(self, headers: dict[str, str], body: bytes) -> str:
        self.requests += 1
        return "502 Bad Gateway"


@asynccontextmanager
async def listening(receiver: Receiver) -> AsyncIterator[Receiver]:
    """Let the receiver listen on a free port of the loopback until the block ends."""
    server = await asyncio.start_server(receiver.take, "127.0.0.1", 0, limit=HEADER_MAX_BYTES)
    receiver.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/hooks"
    async with server:
        yield receiver


def _headers(head: bytes) -> dict[str, str]:
    lines = head.decode("latin-1").split("\r\n")[1:]
    return {
        name.strip().lower(): value.strip()
        for name, colon, value in (line.partition(":") for line in lines)
        if colon
    }
