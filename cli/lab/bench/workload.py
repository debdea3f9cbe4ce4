"""What is sent and priced: fixed by the benchmark's definition, so that figures can be compared over time."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

ZIPF_EXPONENT = 1.1
REQUEST_EVENTS = 500
DUPLICATE_SHARE, LATE_SHARE, VOID_SHARE = 0.01, 0.005, 0.001
LATE_BY_S = 3600
VOID_EVERY_REQUESTS = 20  # voids travel together, as a product would send them
REGIONS = ("eu-west", "eu-north", "us-east", "us-west", "ap-south")
TIERS = ("free", "basic", "team", "business", "enterprise")
DIMENSIONS = ["region", "tier"]
TYPES = ("api.request", "compute.run", "storage.write", "user.active")
METERS: tuple[dict[str, Any], ...] = (
    {"meter": "requests", "event_type": "api.request", "aggregation": "count", "group_by": DIMENSIONS},
    {
        "meter": "compute",
        "event_type": "compute.run",
        "aggregation": "sum",
        "field": "value",
        "group_by": DIMENSIONS,
    },
    {
        "meter": "storage",
        "event_type": "storage.write",
        "aggregation": "sum",
        "field": "value",
        "group_by": DIMENSIONS,
    },
    {
        "meter": "users",
        "event_type": "user.active",
        "aggregation": "unique",
        "field": "user",
        "group_by": DIMENSIONS,
    },
)
USERS_PER_CUSTOMER = 200


class Request(msgspec.Struct, frozen=True, array_like=True):
    """One request of the load: where its body lies in the file, what it holds, and one of its events to
    watch."""

    offset: int
    length: int
    messages: int  # events, duplicates included, or voids
    unique: int  # events sent for the first time
    void: bool = False
    sample_id: str = ""  # an event of its own time, never void: its way to the invoice is watched
    sample_subject: str = ""


class BodiesPlan(msgspec.Struct, frozen=True):
    """What the process that writes the bodies is told. Times are UTC seconds since the epoch."""

    file: str
    index: str
    events: int
    customers: int
    seed: int
    from_s: float  # the events' own times are spread from here …
    to_s: float  # … to here
    first: int = 0  # the number of the first of the customers


@dataclass(frozen=True)
class Bodies:
    """Requests ready to send, and the file their bodies lie in."""

    file: Path
    requests: tuple[Request, ...]


def yesterday(folder: Path, events: int, customers: int, seed: int) -> BodiesPlan:
    """The same bytes for the same seed every time, but for the day: yesterday, which the door takes whenever this
    runs."""
    since = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=1)
    return BodiesPlan(
        str(folder / "stage.bodies"),
        str(folder / "stage.index"),
        events,
        customers,
        seed,
        since.timestamp(),
        (since + timedelta(hours=23)).timestamp(),
    )


def subject(number: int) -> str:
    return f"customer-{number:05d}"


def contract_name(customer: str) -> str:
    return f"{customer}-bench"


def customer_document(number: int) -> dict[str, Any]:
    return {"external_id": subject(number), "name": f"Customer {number}", "timezone": "UTC"}


def contract_document(number: int, start: date) -> dict[str, Any]:
    """A contract of a year from `start` on, billed by months that begin on its day."""
    return {
        "contract": contract_name(subject(number)),
        "customer": subject(number),
        "currency": "USD",
        "timezone": "UTC",
        "term": {"start": start.isoformat(), "months": 12},
        "billing": {
            "interval": "month",
            "anchor_day": start.day,
            "net_days": 30,
            "grace_hours": 72,
            "rounding": "half_up",
        },
        "lines": _lines(),
    }


def committed_document(number: int, start: date) -> dict[str, Any]:
    """The same contract with a commitment a month, which most customers do not use up."""
    monthly = {"key": "monthly", "amount": "500.00", "period": {"months": 1}}
    return {
        **contract_document(number, start),
        "commitments": [{**monthly, "payment": "prepaid", "invoiced": "none"}],
    }


def block_document(number: int, start: date) -> dict[str, Any]:
    """A block that pays what the contract's commitment leaves, from its first day on."""
    return {
        "contract": contract_name(subject(number)),
        "kind": "promotional",
        "amount": "50.00",
        "currency": "USD",
        "effective": start.isoformat(),
        "reason": "benchmark",
    }


def _lines() -> list[dict[str, Any]]:
    """A fee, and one price model a meter."""
    return [
        {"key": "platform", "kind": "recurring", "amount": "99.00", "timing": "arrears"},
        _usage(
            "requests",
            {"model": "graduated", "tiers": [{"up_to": "10000", "unit": "0.001"}, {"unit": "0.0005"}]},
            included="1000",
        ),
        _usage(
            "compute",
            {
                "model": "matrix",
                "dimensions": ["region"],
                "rates": [
                    {"region": "eu-west", "unit": "0.02"},
                    {"region": "us-east", "unit": "0.015"},
                    {"unit": "0.03"},
                ],
            },
        ),
        _usage(
            "storage",
            {"model": "volume", "tiers": [{"up_to": "100000", "unit": "0.0002"}, {"unit": "0.0001"}]},
        ),
        _usage("users", {"model": "per_unit", "unit": "4.50"}),
    ]


def _usage(meter: str, price: dict[str, Any], **more: object) -> dict[str, Any]:
    return {"key": meter, "kind": "usage", "meter": meter, "price": price, **more}
