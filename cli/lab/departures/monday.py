"""The Monday after the year, so that whoever looks at the demo finds work: usage nobody is billed for, events that could
not be taken, a void and usage that came after their months were invoiced, a receiver of webhooks that is down.

No figure of the year changes by it: it is sent after the year was compared, and what is final stays as it is.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import cycle, islice

import msgspec

from lab.departures.client import Client
from lab.departures.year import NEW_YORK, Flight, event_body, void_body

MONDAY = datetime(2014, 1, 6, 9, tzinfo=NEW_YORK)
#: ExpressJet's cargo flights go by a name that no customer has; as an alias of EV they join its January.
CARGO, CARGO_EVENTS = "EV-CARGO", 412
CARGO_FROM = datetime(2014, 1, 2, 6, tzinfo=NEW_YORK)
FAULTY_VALUES, FAULTY_TIMES = 9, 5
#: June's usage was accepted until 90 days after its end.
LATE_CARRIER, LATE_MONTH, LATE_EVENTS = "DL", "2013-06", 3
#: Its last flown flight of December is taken back once December is invoiced.
VOID_CARRIER, VOID_MONTH = "UA", "2013-12"
POLL_S, WAIT_S = 0.2, 120.0


@dataclass(frozen=True, slots=True)
class Waits:
    """What is left for people to do. Counts, by where they are seen."""

    suspense: int  # events of EV-CARGO
    quarantined: int
    held_late: int  # events that wait for a decision
    failed_deliveries: int  # of the receiver that is down

    @property
    def complete(self) -> bool:
        return (self.suspense, self.quarantined, self.held_late) == (
            CARGO_EVENTS,
            FAULTY_VALUES + FAULTY_TIMES,
            LATE_EVENTS,
        ) and self.failed_deliveries > 0


async def send(client: Client, flights: Sequence[Flight], receiver: str) -> Waits:
    """Send it all, with webhooks to the URL `receiver` too, and return what waits once all is counted.

    Raises TimeoutError where it was not seen in time.
    """
    endpoint = await client.post(
        "signals",
        "/v1/webhook-endpoints",
        {"url": receiver, "events": ["*"], "description": "a CRM that answers 502"},
    )
    await client.move_clock(MONDAY)
    await client.send_events(bodies(flights))
    await client.send_voids([void_of(flights)])
    await client.post(
        "signals",
        f"/v1/webhook-endpoints/{endpoint['id']}/replay",
        {"from": (MONDAY - timedelta(days=3)).isoformat(), "to": MONDAY.isoformat()},
    )
    return await _seen(lambda: _waits(client, endpoint["id"]))


def bodies(flights: Sequence[Flight]) -> list[bytes]:
    """Return the Monday's events as JSON: of a subject nobody knows, faulty ones, and such as come too late."""
    return [*_cargo(flights), *_faulty(flights), *_too_late(flights)]


def void_of(flights: Sequence[Flight]) -> bytes:
    """Return the void of a flight whose month is invoiced, as JSON."""
    return void_body(_after_the_cut(flights))


def _cargo(flights: Sequence[Flight]) -> list[bytes]:
    """Flights of the year's first days as they might go on, a quarter of an hour apart."""
    flown = islice(
        cycle(one for one in flights if one.carrier == "EV" and one.delay is not None), CARGO_EVENTS
    )
    return [
        event_body(replace(one, carrier=CARGO, number=str(9000 + number), scheduled=_quarter(number)))
        for number, one in enumerate(flown)
    ]


def _quarter(number: int) -> datetime:
    return CARGO_FROM + number * timedelta(minutes=13)


def _faulty(flights: Sequence[Flight]) -> list[bytes]:
    """A distance in words, and no time: what a deployment of the product's newest version might send. They flew in January,
    which is open: mended they are billed with it."""
    some = [
        msgspec.json.decode(event_body(replace(one, number=f"9{one.number}", scheduled=_quarter(number))))
        for number, one in enumerate(flights[-FAULTY_VALUES - FAULTY_TIMES :])
    ]
    for event in some[:FAULTY_VALUES]:
        event["data"]["distance_miles"] = "two hundred"
    for event in some[FAULTY_VALUES:]:
        del event["time"]
    return [msgspec.json.encode(event) for event in some]


def _too_late(flights: Sequence[Flight]) -> list[bytes]:
    found = (one for one in flights if (one.carrier, one.month) == (LATE_CARRIER, LATE_MONTH))
    return [event_body(replace(one, number=f"9{one.number}")) for one in islice(found, LATE_EVENTS)]


def _after_the_cut(flights: Sequence[Flight]) -> Flight:
    return [
        one
        for one in flights
        if (one.carrier, one.month) == (VOID_CARRIER, VOID_MONTH) and one.delay is not None
    ][-1]


async def _waits(client: Client, endpoint: str) -> Waits:
    suspense = [row async for row in client.pages("rating", "/v1/suspense", subject=CARGO)]
    quarantined = [row async for row in client.pages("usage_ingest", "/v1/quarantine", status="open")]
    late = [row async for row in client.pages("rating", "/v1/late-usage")]
    deliveries = client.pages("signals", f"/v1/webhook-endpoints/{endpoint}/deliveries")
    return Waits(
        sum(row["events"] for row in suspense),
        len(quarantined),
        sum(row["events"] for row in late),
        len([row async for row in deliveries if row["attempts"]]),
    )


async def _seen(look: Callable[[], Awaitable[Waits]]) -> Waits:
    deadline = time.monotonic() + WAIT_S
    while not (waits := await look()).complete:
        if time.monotonic() > deadline:
            raise TimeoutError(f"the Monday is not counted after {WAIT_S:.0f} s: {waits}")
        await asyncio.sleep(POLL_S)
    return waits
