"""Plays the spine's month against a deployment that is being shot at: every call is made until it is
taken."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeVar

import httpx2
import msgspec

from lab.chaos.mischief import Mischief
from lab.chaos.producer import Producer
from lab.chaos.upheavals import Act
from lab.departures.client import Client, Refused
from tests.system.spine.world import (
    ALIAS_KNOWN_AT,
    AMENDED_AT,
    AMENDMENT,
    CLOSED_AT,
    CONTRACTS,
    Delivery,
    World,
)

CHUNK = 120  # deliveries of one batch
GIVE_UP_S = 420.0
LOOK_EVERY_S = 0.1
SERVER_ERRORS = ("answered 500", "answered 501", "answered 502", "answered 504")
Answered = TypeVar("Answered")
Gate = Callable[[], Awaitable[None]]


async def _open() -> None:
    """No gate: nobody is shooting."""


@dataclass
class Month:
    """A world being played. `gate` is waited for before each batch, so that there is load whenever somebody
    needs it."""

    client: Client
    producer: Producer
    world: World
    seed: int
    gate: Gate = _open
    faults: list[str] = field(default_factory=list)  # answers the calls should never get
    _closed: bool = False

    def __post_init__(self) -> None:
        self.mischief = Mischief(random.Random(self.seed))
        self._days: Iterator[tuple[datetime, list[Delivery]]] = iter(self.world.days())
        self._pending: list[Act] = [
            (AMENDED_AT.replace(day=17), lambda: self.client.post("rating", "/v1/contracts", AMENDMENT)),
            (
                ALIAS_KNOWN_AT,
                lambda: self.client.post("rating", "/v1/customers/late/aliases", {"alias": "late-alias"}),
            ),
            (ALIAS_KNOWN_AT, lambda: self.client.post("rating", "/v1/contracts", CONTRACTS["late"])),
        ]

    def also(self, acts: Iterable[Act]) -> None:
        """Do these too, each at the end of its day and until it is done."""
        self._pending += acts

    async def play(self, until: datetime | None = None) -> None:
        """Play on to the end, or through the first day that ends at or after `until`."""
        for day_end, deliveries in self._days:
            if day_end > CLOSED_AT and not self._closed:
                await self.move_clock(CLOSED_AT)
                self._closed = True
            await self.move_clock(day_end)
            await asyncio.gather(self._deliver(deliveries), self._act(day_end))
            if until is not None and day_end >= until:
                return

    async def be_looked_at(self) -> None:
        """Read the drafts again and again: each look prices what is new, so that statements flow and billing
        has lag."""
        while True:
            await self.insist(lambda: self.client.get("billing", "/v1/invoices", status="draft", limit=200))
            await asyncio.sleep(LOOK_EVERY_S)

    async def settle(self) -> None:
        """Let everything due be done, the close too, with nobody missing: the clock waits until all is
        quiet."""
        await self.move_clock(max(self._now, CLOSED_AT) + timedelta(hours=1))

    async def move_clock(self, to: datetime) -> None:
        self._now = to
        await self.insist(lambda: self.client.move_clock(to))

    async def insist(self, call: Callable[[], Awaitable[Answered]]) -> Answered:
        """Make a call that may safely be made twice until it succeeds."""
        deadline = time.monotonic() + GIVE_UP_S
        while True:
            try:
                return await call()
            except (Refused, httpx2.TransportError) as fault:
                if any(status in str(fault) for status in SERVER_ERRORS):
                    self.faults.append(str(fault)[:400])
                elif (
                    isinstance(fault, Refused)
                    and "answered 503" not in str(fault)
                    and "answered 429" not in str(fault)
                ):
                    raise
                if time.monotonic() > deadline:
                    raise
                await asyncio.sleep(0.5)

    async def _act(self, day_end: datetime) -> None:
        due = [act for at, act in self._pending if at <= day_end]
        self._pending = [(at, act) for at, act in self._pending if at > day_end]
        await asyncio.gather(*(self.insist(act) for act in due))

    async def _deliver(self, deliveries: list[Delivery]) -> None:
        for start in range(0, len(deliveries), CHUNK):
            await self.gate()
            await self._batch(deliveries[start : start + CHUNK])

    async def _batch(self, deliveries: list[Delivery]) -> None:
        """Voids and events race; what conflicts comes after its first was acknowledged."""
        events = [delivery.event for delivery in deliveries if not delivery.void]
        voids = self.producer.void([delivery.event.id for delivery in deliveries if delivery.void])
        if not events:
            await voids
            return
        chosen = self.mischief.rng.choice(events)
        bodies = [msgspec.json.encode(event.cloud_event()) for event in events]
        bodies += self.mischief.bad_events(chosen) + self.mischief.repeated(chosen)
        self.mischief.rng.shuffle(bodies)
        answer, _ = await asyncio.gather(self.producer.send(bodies, [event.id for event in events]), voids)
        repeats = sum(
            result["status"] == "duplicate" and result["id"] == chosen.id for result in answer["results"]
        )
        if repeats < 9:
            self.faults.append(
                f"{chosen.id} stood ten times in one request and the answer called {repeats} of them duplicates"
            )
        await self.producer.send([self.mischief.conflict(self.mischief.rng.choice(events))], [])
