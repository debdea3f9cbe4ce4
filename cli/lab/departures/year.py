"""The year as the product would send it: every flight an event at its arrival, every cancellation a void two
hours later."""

import csv
import gzip
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec

EXAMPLES = Path(__file__).parents[3] / "examples" / "departures"
NEW_YORK = ZoneInfo("America/New_York")
SOURCE = "nyc-departures"
EVENT_TYPE = "flight.departure"
VOID_AFTER = timedelta(hours=2)
SLICE = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Flight:
    """One row of the source. `delay` is None for a cancelled flight."""

    scheduled: datetime
    carrier: str
    number: str
    tail: str
    origin: str
    destination: str
    distance_miles: int
    delay: timedelta | None

    @property
    def event_id(self) -> str:
        return f"{self.carrier}-{self.number}-{self.origin}-{self.scheduled:%Y-%m-%dT%H:%M:%SZ}"

    @property
    def arrival(self) -> datetime:
        """When the event reaches the system: a late flight late, never before its own time."""
        return self.scheduled + max(self.delay or timedelta(), timedelta())

    @property
    def month(self) -> str:
        return f"{self.scheduled.astimezone(NEW_YORK):%Y-%m}"


@dataclass(frozen=True, slots=True)
class Delivery:
    """Something to send at `at`: an event, or the void of one, as JSON bytes."""

    at: datetime
    void: bool
    body: bytes


@dataclass(frozen=True, slots=True)
class Slice:
    """What arrives up to `until`, in order of arrival: the clock is moved there first."""

    until: datetime
    events: list[bytes]
    voids: list[bytes]


def read_flights(folder: Path = EXAMPLES) -> list[Flight]:
    """Return all 336,776 flights, in the order of the source."""
    with gzip.open(folder / "nyc_departures_2013.csv.gz", "rt", newline="") as file:
        return [_flight(row) for row in csv.DictReader(file)]


def corrupted(flights: list[Flight]) -> list[Flight]:
    """Turn the first flown UA departure of March into a cancelled one: a fault the comparison must find."""
    at = next(
        i for i, f in enumerate(flights) if f.carrier == "UA" and f.month == "2013-03" and f.delay is not None
    )
    return [*flights[:at], replace(flights[at], delay=None), *flights[at + 1 :]]


def slices(flights: list[Flight]) -> Iterator[Slice]:
    """Cut the deliveries, sorted by arrival, at the turn of each UTC day."""
    deliveries = sorted((d for flight in flights for d in _deliveries(flight)), key=lambda d: d.at)
    until = _next_cut(deliveries[0].at)
    current = Slice(until, [], [])
    for delivery in deliveries:
        while delivery.at > current.until:
            yield current
            current = Slice(current.until + SLICE, [], [])
        (current.voids if delivery.void else current.events).append(delivery.body)
    yield current


def _next_cut(instant: datetime) -> datetime:
    return instant.replace(hour=0, minute=0, second=0, microsecond=0) + SLICE


def _flight(row: dict[str, str]) -> Flight:
    delay = row["departure_delay_minutes"]
    return Flight(
        datetime.fromisoformat(row["scheduled_departure_utc"]),
        row["carrier"],
        row["flight"],
        row["tail"],
        row["origin"],
        row["dest"],
        int(row["distance_miles"]),
        timedelta(minutes=int(delay)) if delay else None,
    )


def _deliveries(flight: Flight) -> Iterator[Delivery]:
    yield Delivery(flight.arrival, False, event_body(flight))
    if flight.delay is None:
        yield Delivery(flight.scheduled + VOID_AFTER, True, void_body(flight))


def void_body(flight: Flight) -> bytes:
    """The void of a flight's event, as JSON."""
    return _encoder.encode({"source": SOURCE, "id": flight.event_id})


def event_body(flight: Flight) -> bytes:
    """The event of a flight, as JSON."""
    event = {
        "specversion": "1.0",
        "source": SOURCE,
        "id": flight.event_id,
        "type": EVENT_TYPE,
        "subject": flight.carrier,
        "time": flight.scheduled.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "data": {
            "origin": flight.origin,
            "dest": flight.destination,
            "distance_miles": flight.distance_miles,
            "tail": flight.tail,
        },
    }
    return _encoder.encode(event)


_encoder = msgspec.json.Encoder()
