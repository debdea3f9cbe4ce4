"""The year as customer success sees it: a registered endpoint, the signals told, and where every airline
stands at the end."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from lab.departures.client import Client
from lab.departures.receiver import Receiver, listening
from lab.departures.signals_expected import mismatches

#: The receiver is on this machine, which no webhook may call unless this is set.
ENVIRONMENT = {"signals": {"U2C_WEBHOOK_ALLOW_LOCAL": "true"}}
POLL_S, WAIT_S = 0.2, 300.0


@dataclass
class YearOfSignals:
    """What was told and received. `mismatches` says what differs from what the year is known to hold."""

    standings: list[dict[str, Any]] = field(default_factory=list)
    told: list[dict[str, Any]] = field(default_factory=list)
    received: int = 0
    requests: int = 0
    refused: int = 0
    mismatches: list[str] = field(default_factory=list)

    def summary(self) -> dict[str, Any]:
        """What `u2c demo --json` says of signals."""
        by_customer: dict[str, list[dict[str, Any]]] = {}
        for fact in sorted(self.told, key=lambda fact: (fact["occurred_at"], fact["sequence"])):
            if fact["type"] != "invoice.finalized":
                by_customer.setdefault(fact["customer"], []).append(
                    {"type": fact["type"], "day": fact["day"]}
                )
        return {
            "signals": [
                {
                    "customer": one["customer"],
                    "last_seen_on": one["last_seen_on"],
                    "silent_since": one["silent_since"],
                    "silent_meters": one["silent_meters"],
                    "trend_month_six": one["trend_month_six"],
                    "trend": one["trend"],
                    "trend_change": one["trend_change"],
                    "trend_within_chance": one["trend_within_chance"],
                    "risk_score": one["risk_score"],
                    "at_risk": one["at_risk"],
                    "reasons": one["reasons"],
                    "score_p": one["score_p"],
                    "at_stake": one["at_stake"],
                    "contracts": one["contracts"],
                    "told": by_customer.get(one["customer"], []),
                }
                for one in self.standings
            ],
            "signals_mismatches": self.mismatches,
            "webhooks": {
                "told": len(self.told),
                "received": self.received,
                "requests": self.requests,
                "refused": self.refused,
            },
        }


@asynccontextmanager
async def watched(client: Client) -> AsyncIterator[YearOfSignals]:
    """Register an endpoint before the year begins; when the block ends, wait until all is evaluated and
    delivered, and gather it."""
    year = YearOfSignals()
    async with listening(Receiver()) as receiver:
        endpoint = await client.post(
            "signals",
            "/v1/webhook-endpoints",
            {"url": receiver.url, "events": ["*"], "description": "the demo's own"},
        )
        receiver.secret = endpoint["secret"]
        yield year
        await _wait(client)
        await _gather(client, year, receiver)


async def _wait(client: Client) -> None:
    deadline = time.monotonic() + WAIT_S
    while True:
        progress = await client.get("signals", "/v1/signals/progress")
        if not progress["due"] and not progress["deliveries_due"]:
            return
        if time.monotonic() > deadline:
            raise TimeoutError(f"signals are not up to date after {WAIT_S:.0f} s: {progress}")
        await asyncio.sleep(POLL_S)


async def _wait_for_retries(year: YearOfSignals, receiver: Receiver) -> None:
    """What a busy machine did not answer in time is sent again a while later, and is not due until then."""
    deadline = time.monotonic() + WAIT_S
    while any(fact["id"] not in receiver.events for fact in year.told) and time.monotonic() < deadline:
        await asyncio.sleep(POLL_S)


async def _gather(client: Client, year: YearOfSignals, receiver: Receiver) -> None:
    year.standings = [row async for row in client.pages("signals", "/v1/customers")]
    year.told = [row async for row in client.pages("signals", "/v1/signals")]
    await _wait_for_retries(year, receiver)
    year.received, year.requests, year.refused = len(receiver.events), receiver.requests, receiver.refused
    year.mismatches = mismatches(year.standings, year.told, receiver.events)
