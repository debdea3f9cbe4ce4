"""A small company's month, as hostile as real life: duplicates, shuffles, late usage, voids before and after
their event, a contract and an alias that arrive after the usage, an amendment in flight, Kathmandu's boundary
and New York's DST.

All of it is made from a seed, so that a failing run can be repeated.
"""

import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

CLOCK_STARTS = datetime(2025, 2, 27, tzinfo=UTC)
USAGE_STARTS = datetime(2025, 2, 28, 12, tzinfo=UTC)
USAGE_ENDS = datetime(2025, 4, 2, tzinfo=UTC)
AMENDED_AT = datetime(2025, 3, 15, 10, 37, 21, tzinfo=UTC)  # an odd second: no aggregate has that boundary
ALIAS_KNOWN_AT = datetime(2025, 3, 20, tzinfo=UTC)
CLOSED_AT = datetime(2025, 4, 6, tzinfo=UTC)
REGIONS = ("eu", "us", "ap")

METERS = (
    {
        "meter": "calls",
        "event_type": "api.call",
        "aggregation": "count",
        "group_by": ["region"],
        "list_price": {"currency": "USD", "unit": "0.01"},
    },
    {"meter": "bytes", "event_type": "api.call", "aggregation": "sum", "field": "bytes"},
    {
        "meter": "users",
        "event_type": "api.call",
        "aggregation": "unique",
        "field": "user",
        "missing": "ignore",
    },
)
ZONES = {
    "ny": "America/New_York",
    "ktm": "Asia/Kathmandu",
    "amd": "Europe/London",
    "late": "UTC",
    "vol": "America/New_York",
    "unq": "Asia/Kathmandu",
}


def contract(customer: str, lines: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    return {
        "contract": f"{customer}-2025",
        "customer": customer,
        "currency": "USD",
        "timezone": ZONES[customer],
        "term": {"start": "2025-03-01", "months": 12},
        "billing": {
            "interval": "month",
            "anchor_day": 1,
            "net_days": 30,
            "grace_hours": 72,
            "rounding": "half_up",
        },
        "lines": lines,
        **more,
    }


def usage(meter: str, price: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"key": meter, "kind": "usage", "meter": meter, "price": price, **more}


CONTRACTS = {
    "ny": contract(
        "ny",
        [
            {"key": "platform", "kind": "recurring", "amount": "99.99", "timing": "arrears"},
            usage(
                "calls",
                {
                    "model": "graduated",
                    "tiers": [{"up_to": "100", "unit": "0.1234567"}, {"unit": "0.05", "flat": "3"}],
                },
                included="20",
            ),
        ],
    ),
    "ktm": contract("ktm", [usage("calls", {"model": "package", "size": "7", "price": "1.10"})]),
    "amd": contract("amd", [usage("calls", {"model": "per_unit", "unit": "0.333335"})]),
    "late": contract(
        "late",
        [
            usage(
                "calls",
                {
                    "model": "matrix",
                    "dimensions": ["region"],
                    "rates": [
                        {"region": "eu", "unit": "0.5"},
                        {"region": "us", "unit": "0.25"},
                        {"unit": "1"},
                    ],
                },
            ),
        ],
    ),
    "vol": contract(
        "vol",
        [
            usage(
                "bytes",
                {
                    "model": "volume",
                    "tiers": [
                        {"up_to": "1000", "unit": "0.02"},
                        {"up_to": "20000", "unit": "0.015"},
                        {"unit": "0.001"},
                    ],
                },
            ),
        ],
        phases=[{"from": "2025-03-01", "minimum_spend": "150.00"}],
    ),
    "unq": contract("unq", [usage("users", {"model": "per_unit", "unit": "2.345"})]),
}
AMENDMENT = {
    **contract("amd", [usage("calls", {"model": "per_unit", "unit": "0.4"})]),
    "effective": AMENDED_AT.strftime("%Y-%m-%dT%H:%M:%SZ"),
}


@dataclass(frozen=True)
class Event:
    id: str
    subject: str
    time: datetime
    region: str
    bytes: str
    user: str

    def cloud_event(self) -> dict[str, Any]:
        return {
            "specversion": "1.0",
            "source": "spine",
            "id": self.id,
            "type": "api.call",
            "subject": self.subject,
            "time": self.time.isoformat().replace("+00:00", "Z"),
            "data": {
                "region": self.region,
                "bytes": self.bytes,
                **({"user": self.user} if self.user else {}),
            },
        }

    @property
    def customer(self) -> str:
        return "late" if self.subject == "late-alias" else self.subject


@dataclass(frozen=True)
class Delivery:
    """An event or a void, and when the product sends it (business time)."""

    at: datetime
    event: Event
    void: bool = False


@dataclass
class World:
    """`deliveries` in order of arrival; `counted` is what a statement of March must rest on."""

    deliveries: list[Delivery] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    voided: set[str] = field(default_factory=set)
    held_late: set[str] = field(default_factory=set)

    def counted(self, customer: str) -> list[Event]:
        zone = ZoneInfo(ZONES[customer])
        start, end = datetime(2025, 3, 1, tzinfo=zone), datetime(2025, 4, 1, tzinfo=zone)
        return [
            e
            for e in self.events
            if e.customer == customer
            and start <= e.time < end
            and e.id not in self.voided
            and e.id not in self.held_late
        ]

    def days(self) -> list[tuple[datetime, list[Delivery]]]:
        """(clock, what arrives up to it), day by day."""
        found: dict[datetime, list[Delivery]] = {}
        for delivery in self.deliveries:
            found.setdefault(_day_end(delivery.at), []).append(delivery)
        return sorted(found.items())


def make_world(seed: int, events: int, late: int = 40) -> World:
    """`events` events of March, give or take the edges; `late` more that arrive after the period closed."""
    rng, world = random.Random(seed), World()
    for number in range(events):
        event = _event(rng, f"e{number}", _time(rng))
        world.events.append(event)
        world.deliveries.append(Delivery(event.time + _delay(rng, event.time), event))
        _duplicate(rng, world, event)
        _void(rng, world, event)
    for number in range(late):
        event = _event(rng, f"late{number}", datetime(2025, 3, 5, tzinfo=UTC) + timedelta(hours=number * 13))
        world.events.append(event)
        world.held_late.add(event.id)
        world.deliveries.append(Delivery(CLOSED_AT + timedelta(hours=1 + number % 20), event))
    rng.shuffle(world.deliveries)
    world.deliveries.sort(key=lambda d: _day_end(d.at))  # shuffled within a day
    return world


def _event(rng: random.Random, name: str, time: datetime) -> Event:
    subject = rng.choice(("ny", "ktm", "amd", "late", "late-alias", "vol", "unq", "nobody"))
    user = f"u{rng.randrange(60)}" if rng.random() > 0.1 else ""
    return Event(
        name, subject, time, rng.choice(REGIONS), f"{rng.randrange(1, 40)}.{rng.randrange(1000):03}", user
    )


def _time(rng: random.Random) -> datetime:
    """Anywhere, but a third of it within an hour of a boundary that matters."""
    edges = (
        datetime(2025, 3, 1, tzinfo=ZoneInfo("Asia/Kathmandu")),
        datetime(2025, 4, 1, tzinfo=ZoneInfo("Asia/Kathmandu")),
        datetime(2025, 3, 1, tzinfo=ZoneInfo("America/New_York")),
        datetime(2025, 4, 1, tzinfo=ZoneInfo("America/New_York")),
        datetime(2025, 3, 9, 3, tzinfo=ZoneInfo("America/New_York")),
        datetime(2025, 4, 1, tzinfo=ZoneInfo("Europe/London")),
        AMENDED_AT,
    )
    if rng.random() < 1 / 3:
        return rng.choice(edges).astimezone(UTC) + timedelta(
            microseconds=rng.randrange(-3_600_000_000, 3_600_000_000)
        )
    return USAGE_STARTS + timedelta(
        microseconds=rng.randrange((USAGE_ENDS - USAGE_STARTS) // timedelta(microseconds=1))
    )


def _delay(rng: random.Random, time: datetime) -> timedelta:
    """Most arrive at once, some up to two days late, none of March after the grace."""
    return timedelta(hours=rng.randrange(48)) if rng.random() < 0.1 else timedelta()


def _duplicate(rng: random.Random, world: World, event: Event) -> None:
    while rng.random() < 0.1:
        world.deliveries.append(Delivery(event.time + timedelta(hours=rng.randrange(40)), event))


def _void(rng: random.Random, world: World, event: Event) -> None:
    """A void may come before its event (its own delivery has no time to respect) or after it."""
    if rng.random() < 0.05:
        world.voided.add(event.id)
        world.deliveries.append(
            Delivery(event.time + timedelta(hours=rng.randrange(-30, 40)), event, void=True)
        )


def _day_end(instant: datetime) -> datetime:
    return instant.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
