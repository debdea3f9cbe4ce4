"""The product's, finance's and the operator's calls, through the public HTTP APIs and nothing else."""

import asyncio
import gzip
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import httpx2
import msgspec

REQUEST_EVENTS_MAX = 500
IN_FLIGHT_MAX = 3
ATTEMPTS_MAX = 20
PATIENCE_S = 240.0
TRANSPORT_RETRY_S = 0.3


class Refused(Exception):
    """A service answered with an error that trying again will not mend."""


@dataclass
class Client:
    """Calls four services with one key. `urls` maps a service's name to where it answers."""

    urls: dict[str, str]
    key: str

    def __post_init__(self) -> None:
        self._http = httpx2.AsyncClient(
            timeout=600, trust_env=False, headers={"authorization": f"Bearer {self.key}"}
        )
        self.quarantined = 0
        self.patient = False  # whether a service that dies or restarts is waited for, at any call

    async def close(self) -> None:
        await self._http.aclose()

    async def get(self, service: str, path: str, **query: object) -> Any:
        return self._body(await self._call("GET", self.urls[service] + path, params=query))

    async def pages(self, service: str, path: str, **query: object) -> AsyncIterator[Any]:
        """All rows of a paged list."""
        cursor: str | None = None
        while True:
            page = await self.get(service, path, limit=200, **query, **({"cursor": cursor} if cursor else {}))
            for row in page["data"]:
                yield row
            cursor = page["next_cursor"]
            if not page["has_more"]:
                return

    async def post(self, service: str, path: str, document: object) -> Any:
        return self._body(await self._call("POST", self.urls[service] + path, json=document))

    async def put(self, service: str, path: str, document: object) -> Any:
        return self._body(await self._call("PUT", self.urls[service] + path, json=document))

    async def move_clock(self, to: datetime) -> None:
        await self.post("rating", "/v1/clock/advance", {"to": to.isoformat()})

    async def send_events(self, events: Sequence[bytes]) -> None:
        """Send events in batches, a few requests at a time; what answers 429 or 503 is sent again."""
        gate = asyncio.Semaphore(IN_FLIGHT_MAX)
        chunks = [events[i : i + REQUEST_EVENTS_MAX] for i in range(0, len(events), REQUEST_EVENTS_MAX)]
        await asyncio.gather(
            *(self._send(gate, "/v1/events", "application/cloudevents-batch+json", chunk) for chunk in chunks)
        )

    async def send_voids(self, voids: Sequence[bytes]) -> None:
        if voids:
            await self._send(asyncio.Semaphore(1), "/v1/events/void", "application/json", voids)

    async def _send(
        self, gate: asyncio.Semaphore, path: str, content_type: str, bodies: Sequence[bytes]
    ) -> None:
        content = gzip.compress(b"[" + b",".join(bodies) + b"]", 1)
        async with gate:
            told = self._body(
                await self._call(
                    "POST",
                    self.urls["usage_ingest"] + path,
                    content=content,
                    headers={"content-type": content_type, "content-encoding": "gzip"},
                )
            )
        self.quarantined += sum(result["status"] == "quarantined" for result in told.get("results", []))

    async def _call(self, method: str, url: str, **more: Any) -> httpx2.Response:
        """Call; what answers 429 or 503 is called again after Retry-After. Every call here may safely be made
        twice."""
        deadline = time.monotonic() + (PATIENCE_S if self.patient else 0)
        attempts = 0
        while True:
            attempts += 1
            try:
                answer = await self._http.request(method, url, **more)
            except httpx2.TransportError:
                if time.monotonic() > deadline:
                    raise
                await asyncio.sleep(TRANSPORT_RETRY_S)
                continue
            if answer.status_code not in (429, 503) or (
                attempts > ATTEMPTS_MAX and time.monotonic() > deadline
            ):
                return answer
            await asyncio.sleep(float(answer.headers.get("retry-after", "1")))

    @staticmethod
    def _body(answer: httpx2.Response) -> Any:
        if answer.is_error:
            raise Refused(
                f"{answer.request.method} {answer.request.url} answered {answer.status_code}: {answer.text[:1000]}"
            )
        return msgspec.json.decode(answer.content)
