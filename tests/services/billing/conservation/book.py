"""A small real book: four services, one month with everything that can happen to an event, closed, and then
what comes too late."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import httpx2
import msgspec

from lab.departures.client import Client
from tests.waiting import until
from u2c.deployment.cluster import Cluster

STARTS = datetime(2025, 1, 1, tzinfo=UTC)
CLOSED = datetime(2025, 2, 5, tzinfo=UTC)
METERS: tuple[dict[str, Any], ...] = (
    {
        "meter": "calls",
        "event_type": "call",
        "aggregation": "count",
        "group_by": ["region"],
        "list_price": {"currency": "USD", "unit": "0.50"},
    },
    {"meter": "bytes", "event_type": "call", "aggregation": "sum", "field": "bytes", "missing": "ignore"},
    {"meter": "users", "event_type": "call", "aggregation": "unique", "field": "user", "missing": "ignore"},
    {"meter": "eu_calls", "event_type": "call", "aggregation": "count", "filters": {"region": ["eu"]}},
)
CUSTOMERS = ("acme", "bolt", "lite", "bare")
DAYS = 20  # of January with usage; every customer makes a call a day


def terms(customer: str, lines: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    return {
        "contract": f"{customer}-2025",
        "customer": customer,
        "currency": "USD",
        "timezone": "America/New_York",
        "term": {"start": "2025-01-01", "months": 12},
        "billing": {"interval": "month", "net_days": 30, "grace_hours": 72},
        "lines": lines,
        **more,
    }


def usage(meter: str, price: dict[str, Any]) -> dict[str, Any]:
    return {"key": meter, "kind": "usage", "meter": meter, "price": price}


PER_REGION = {
    "model": "matrix",
    "dimensions": ["region"],
    "rates": [{"region": "eu", "unit": "2"}, {"unit": "3"}],
}
CONTRACTS = (
    terms(
        "acme",
        [
            {"key": "platform", "kind": "recurring", "amount": "10.00"},
            usage("calls", PER_REGION),
            usage("users", {"model": "per_unit", "unit": "7"}),
        ],
    ),
    terms(
        "bolt",
        [
            usage("bytes", {"model": "package", "size": "100", "price": "1.25"}),
            usage("eu_calls", {"model": "per_unit", "unit": "0.01"}),
        ],
    ),
    terms(
        "lite",
        [{"key": "platform", "kind": "recurring", "amount": "5.00"}],
        credits=[{"key": "gift", "amount": "3.00"}],
    ),
)
AMENDMENT = terms(
    "bolt",
    [
        usage("bytes", {"model": "package", "size": "50", "price": "1.00"}),
        usage("eu_calls", {"model": "per_unit", "unit": "0.01"}),
    ],
    effective="2025-01-11T10:37:21Z",  # an odd second: no aggregate has that boundary
)


def event(id: str, subject: str, at: datetime, type: str = "call", **data: Any) -> bytes:
    time = at.isoformat().replace("+00:00", "Z")
    return msgspec.json.encode(
        {
            "specversion": "1.0",
            "source": "book",
            "id": id,
            "type": type,
            "subject": subject,
            "time": time,
            "data": data,
        }
    )


def void(id: str) -> bytes:
    return msgspec.json.encode({"source": "book", "id": id})


def january() -> list[bytes]:
    """A call a day of each customer, of an alias nobody knows yet, of nobody, and of a type no meter
    takes."""
    found = []
    for day in range(DAYS):
        at = STARTS + timedelta(days=day, hours=7, minutes=3 * day)
        for number, subject in enumerate((*CUSTOMERS, "acme-labs", "nobody")):
            region = "eu" if (day + number) % 2 else "us"
            found.append(
                event(f"{subject}-{day}", subject, at, region=region, bytes=str(10 + day), user=f"u{day % 3}")
            )
        found.append(event(f"odd-{day}", "acme", at, type="unheard.of"))
    return found


#: More events and more money than wait: what was seen may shrink.
ACCEPTED = {
    "customer": "nobody",
    "type": "call",
    "reason": "no_customer",
    "events": DAYS + 1,
    "value": {"USD": "1000.00"},
    "because": "a test account",
}
ASKED: dict[str, tuple[str, dict[str, Any]]] = {
    "all": ("/v1/reconciliation", {}),
    "bolt": (
        "/v1/reconciliation",
        {"customer": "bolt", "meter": "bytes", "from": "2025-01-01T00:00:00Z", "to": "2025-02-01T00:00:00Z"},
    ),
    "acceptances": ("/v1/reconciliation/acceptances", {}),
    "suspended": ("/v1/reconciliation/suspense", {"until": "2025-01"}),
    "suspended_before": ("/v1/reconciliation/suspense", {"until": "2024-12"}),
    "totals": ("/v1/reconciliation/totals", {}),
    "rows": ("/v1/reconciliation/rows", {"limit": 200}),
    "first_row": ("/v1/reconciliation/rows", {"limit": 1}),
    "suspense": (
        "/v1/reconciliation/events",
        {"bucket": "suspense", "customer": "nobody", "month": "2025-01", "limit": 7},
    ),
    "held_late": ("/v1/held-late", {"contract": "bolt-2025"}),
    "door": ("/v1/reconciliation/door", {"from": "2020-01-01T00:00:00Z", "to": "2100-01-01T00:00:00Z"}),
}
REFUSED = (
    ("/v1/reconciliation", {"from": "0001-01-01T00:00:00+14:00"}),
    ("/v1/reconciliation", {"customer": "a\0b"}),
    ("/v1/reconciliation/rows", {"currency": "usd"}),
    ("/v1/reconciliation/rows", {"cursor": "WzEsMl0="}),
    ("/v1/reconciliation/events", {"month": "0000-01"}),
    ("/v1/reconciliation/events", {"bucket": "lost"}),
    ("/v1/reconciliation/events", {"cursor": "WzEsMl0="}),
    ("/v1/held-late", {"cursor": "WzkyMjMzNzIwMzY4NTQ3NzU4MDcsMSwxXQ=="}),
    ("/v1/held-late", {"cursor": "Wy03MjA1NzU5NDAzNzkyNzkzNiwgMSwgMV0="}),  # an instant before year 1
)


@dataclass(frozen=True)
class Sent:
    """What the book holds, so that tests can say what they expect; `answers` of ASKED and the statuses of
    REFUSED, as billing gave them."""

    events: int
    voided: int
    late_events: int
    late_alias_events: int
    late_voids: int
    answers: dict[str, Any]
    refused: tuple[int, ...]


async def fill(cluster: Cluster) -> Sent:
    """Walk the month through the public APIs, close it, and send what comes too late. Returns when all of it
    is stored and billed."""
    client = Client(cluster.urls, cluster.admin_key)
    try:
        for meter in METERS:
            await client.post("rating", "/v1/meters", meter)
        for customer in CUSTOMERS:
            await client.post(
                "rating", "/v1/customers", {"external_id": customer, "name": customer, "timezone": "UTC"}
            )
        for contract in (*CONTRACTS, AMENDMENT):
            await client.post("rating", "/v1/contracts", contract)
        await client.move_clock(STARTS + timedelta(days=DAYS))
        events = january()
        await client.send_events([*events, *events[:5]])  # a few twice
        await client.send_voids([void("acme-3"), void("bolt-4")])
        await client.move_clock(CLOSED)
        at = STARTS + timedelta(days=9, hours=1)
        late = [
            event("late-1", "acme", at, region="eu", bytes="1", user="new"),
            event("late-2", "bolt", at, region="us", bytes="500"),
        ]
        await client.send_events([*late, event("late-3", "acme", at, region="eu")])
        await client.send_voids([void("acme-5"), void("late-3")])  # of a billed event, and of a late one
        await client.post("rating", "/v1/customers/acme/aliases", {"alias": "acme-labs"})
        await client.move_clock(CLOSED + timedelta(days=1))
        await settled(client)
        await client.post("billing", "/v1/reconciliation/acceptances", ACCEPTED)
        answers = {name: await client.get("billing", path, **query) for name, (path, query) in ASKED.items()}
        refused = tuple([await status(cluster, path, query) for path, query in REFUSED])
    finally:
        await client.close()
    return Sent(len(events) + 3, 2 + 1, 2, DAYS, 1, answers, refused)


async def status(cluster: Cluster, path: str, query: dict[str, Any]) -> int:
    async with httpx2.AsyncClient(
        trust_env=False, timeout=60, headers={"authorization": f"Bearer {cluster.admin_key}"}
    ) as http:
        return (await http.get(cluster.urls["billing"] + path, params=query)).status_code


async def settled(client: Client) -> None:
    """Return when nothing is under way any more."""

    async def quiet() -> bool:
        conservation = (await client.get("billing", "/v1/reconciliation"))["conservation"]
        figures = {statement["k"]: statement["figures"] for statement in conservation["statements"]}
        k4 = figures["K4"]
        under_way = figures["K1"]["in_flight"], k4["not_folded"], k4["pending"], figures["K5"]["under_way"]
        return bool(conservation["holds"]) and not any(under_way)

    await until(quiet, "the books are quiet", timeout_s=180)


async def rolled_up(admin_url: str) -> None:
    """Return when the days before the last one with usage are rolled up, so that there are days to harm."""
    connection = await asyncpg.connect(admin_url)
    try:

        async def done() -> bool:
            return bool(
                await connection.fetchval(
                    "select rolled_before = rolling_before and rolled_before >= $1 from rating.fold_state",
                    (STARTS + timedelta(days=DAYS - 1)).date(),
                )
            )

        await until(done, "the days of January are rolled up")
    finally:
        await connection.close()
