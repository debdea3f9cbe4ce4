"""One attempt: sign, send, read a little of the answer, and say what became of it. Never raises for what a
receiver does."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import httpcore2
from standardwebhooks.webhooks import Webhook

from services.signals.domain.payload import Event, slack_body, standard_body
from services.signals.domain.urls import masked, scrubbed
from services.signals.webhooks.clients.guard import Guard
from services.signals.webhooks.domain.target import UrlRefused, target_of

RESPONSE_MAX_BYTES = 64 * 1024
USER_AGENT = "usage-to-cash-webhooks/1"
FAULTS: tuple[type[BaseException], ...] = (
    OSError,
    TimeoutError,
    UnicodeError,
    UrlRefused,
    httpcore2.NetworkError,
    httpcore2.ProtocolError,
    httpcore2.TimeoutException,
    httpcore2.UnsupportedProtocol,
    httpcore2.ConnectionNotAvailable,
)


@dataclass(frozen=True, slots=True)
class Attempted:
    """`status` is None where no answer came; then `error` says why. `request` is what was sent, without the
    signature and the URL's path.

    What a receiver repeats of the path is taken out: whoever reads the log need not be allowed to post.
    """

    at: datetime  # machine clock
    status: int | None
    error: str | None
    took_ms: int
    request: Mapping[str, Any]
    response: str  # at most RESPONSE_MAX_BYTES
    retry_after: str | None = None


@dataclass(frozen=True, slots=True)
class Sender:
    """Sends to any endpoint through the guard. `timeout_s` bounds the whole attempt, name look-up
    included."""

    pool: httpcore2.AsyncConnectionPool
    timeout_s: float
    allow_local: bool

    async def send(self, url: str, format: str, secrets: list[str], event: Event, at: datetime) -> Attempted:
        body = slack_body(event) if format == "slack" else standard_body(event)
        headers = {
            "content-type": "application/json",
            "user-agent": USER_AGENT,
            "webhook-id": event.signal_id,
            "webhook-timestamp": str(int(at.timestamp())),
        }
        request = {"url": masked(url), "headers": headers, "body": body.decode()}
        signature = " ".join(Webhook(secret).sign(event.signal_id, at, body.decode()) for secret in secrets)
        began = time.monotonic()
        try:
            async with asyncio.timeout(self.timeout_s):
                status, response, retry_after = await self._post(
                    url, {**headers, "webhook-signature": signature}, body
                )
            return Attempted(at, status, None, _took(began), request, scrubbed(response, url), retry_after)
        except TimeoutError:
            return Attempted(at, None, f"no answer within {self.timeout_s:g} s", _took(began), request, "")
        except FAULTS as fault:
            return Attempted(
                at, None, scrubbed(f"{type(fault).__name__}: {fault}"[:1000], url), _took(began), request, ""
            )

    async def _post(self, url: str, headers: Mapping[str, str], body: bytes) -> tuple[int, str, str | None]:
        target = target_of(url, self.allow_local)
        address = httpcore2.URL(scheme=target.scheme, host=target.host, port=target.port, target=target.path)
        sent = [
            (b"host", target.origin.encode()),
            (b"content-length", str(len(body)).encode()),
            (b"connection", b"close"),
            *((name.encode(), value.encode()) for name, value in headers.items()),
        ]
        async with self.pool.stream("POST", address, headers=sent, content=body) as answer:
            told = dict(answer.headers)
            retry_after = told.get(b"retry-after", b"").decode("ascii", "replace") or None
            return answer.status, await _read(answer), retry_after


def sender(allow_local: bool, timeout_s: float, guard: Guard | None = None) -> Sender:
    """A sender with a pool of its own: no proxy, no redirects, nothing from the environment, one connection
    an attempt."""
    pool = httpcore2.AsyncConnectionPool(
        max_connections=None,
        max_keepalive_connections=0,
        network_backend=guard or Guard(allow_local),
        http2=False,
        retries=0,
    )
    return Sender(pool, timeout_s, allow_local)


async def _read(answer: httpcore2.Response) -> str:
    """The start of the answer; the rest is never read."""
    read = bytearray()
    async for piece in answer.aiter_stream():
        read += piece
        if len(read) >= RESPONSE_MAX_BYTES:
            break
    return bytes(read[:RESPONSE_MAX_BYTES]).decode("utf-8", "replace").replace("\0", "\ufffd")


def _took(began: float) -> int:
    return int((time.monotonic() - began) * 1000)
