"""A product under fire: sends until it has a 2xx, and writes down every acknowledgement it got."""

import asyncio
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx2
import msgspec

GIVE_UP_S = 180.0
PAUSE_S = 0.2
TIMEOUT_S = 15.0
OUTAGE = (429, 503)


class GaveUp(Exception):
    """The door took nothing for minutes: it did not recover."""


@dataclass
class Producer:
    """`in_flight` is how many messages were sent and are not acknowledged yet."""

    url: str
    key: str
    acknowledged: set[str] = field(default_factory=set)  # ids of events
    statuses: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)  # answers a producer should never get
    in_flight: int = 0

    async def send(self, events: Sequence[bytes], names: Sequence[str]) -> dict[str, Any]:
        """Send one batch until it is acknowledged; `names` are the ids in it. Returns the answer."""
        answer = await self._insist("/v1/events", "application/cloudevents-batch+json", events)
        self.acknowledged.update(names)
        return answer

    async def void(self, names: Sequence[str]) -> None:
        """Void these events of the source `spine` until it is acknowledged."""
        if names:
            await self._insist(
                "/v1/events/void",
                "application/json",
                [msgspec.json.encode({"source": "spine", "id": name}) for name in names],
            )

    async def _insist(self, path: str, media_type: str, parts: Sequence[bytes]) -> dict[str, Any]:
        body, deadline = b"[" + b",".join(parts) + b"]", time.monotonic() + GIVE_UP_S
        self.in_flight += len(parts)
        try:
            async with httpx2.AsyncClient(base_url=self.url, trust_env=False, timeout=TIMEOUT_S) as http:
                while time.monotonic() < deadline:
                    answer = await self._try(http, path, media_type, body)
                    if answer is not None:
                        return answer
                    await asyncio.sleep(PAUSE_S)
        finally:
            self.in_flight -= len(parts)
        raise GaveUp(
            f"POST {path} was not acknowledged within {GIVE_UP_S:.0f} s; answers so far: {dict(self.statuses)}"
        )

    async def _try(
        self, http: httpx2.AsyncClient, path: str, media_type: str, body: bytes
    ) -> dict[str, Any] | None:
        headers = {"Authorization": f"Bearer {self.key}", "Content-Type": media_type}
        try:
            answer = await http.post(path, content=body, headers=headers)
        except httpx2.TransportError as fault:
            self.statuses[type(fault).__name__] += 1
            return None
        self.statuses[str(answer.status_code)] += 1
        if answer.is_success:
            told: dict[str, Any] = msgspec.json.decode(answer.content)
            return told
        if answer.status_code not in OUTAGE:
            self.faults.append(f"POST {path} answered {answer.status_code}: {answer.text[:300]}")
        elif "retry-after" not in answer.headers:
            self.faults.append(f"POST {path} answered {answer.status_code} without Retry-After")
        return None
