"""The book that the console is measured on: one customer through the APIs, from its first event to its last invoice, and all
others by COPY from its rows."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from lab.bench.multiplied import multiply, tables_of
from lab.bench.scene import connected
from lab.bench.workload import contract_name, customer_document, subject
from lab.departures.client import Client
from shared.environment_fault import EnvironmentFault
from u2c.deployment.cluster import Cluster

YEAR: Final = 2024
BEGINS: Final = datetime(YEAR, 1, 1, tzinfo=UTC)
#: With one more the draft would be of the next year.
MONTHS_MAX: Final = 11
#: Usage that belongs to nobody, so that something waits.
UNKNOWN: Final = 200
TIMEOUT_S, POLL_S = 300.0, 0.25
METER: Final = {
    "meter": "calls",
    "event_type": "call",
    "aggregation": "count",
    "list_price": {"currency": "USD", "unit": "0.01"},
}


@dataclass(frozen=True)
class BookWanted:
    """How large it is. Each customer has as many final invoices and a draft, and as many events."""

    invoices: int
    customers: int
    events: int

    def __post_init__(self) -> None:
        if self.months > MONTHS_MAX:
            raise EnvironmentFault(
                f"{self.invoices:,} invoices of {self.customers:,} customers are {self.months} months of each",
                f"Ask for at most {MONTHS_MAX} times as many invoices as customers.",
            )

    @property
    def months(self) -> int:
        """Final ones of each customer."""
        return -(-self.invoices // self.customers)

    @property
    def now(self) -> datetime:
        """Where the clock stands in the end: far from any midnight."""
        return datetime(YEAR, self.months + 1, 21, 12, tzinfo=UTC)

    @property
    def events_each(self) -> int:
        return max(self.events // self.customers, self.months + 1)


#: COPY fires no trigger, so what documents come to is counted once they are there.
SUMMED: Final = """with before as (delete from billing.document_sums)
    insert into billing.document_sums (state, currency, documents, total_minor)
    select state, currency, count(*), sum(total_minor) from billing.documents group by 1, 2"""


async def fill(cluster: Cluster, wanted: BookWanted, say: Callable[[str], None]) -> None:
    """Fill an empty deployment whose clock stands at BEGINS; its services stop meanwhile, and run again when it is filled."""
    client = Client(cluster.urls, cluster.admin_key)
    say(f"one customer with {wanted.months} invoices and {wanted.events_each} events, through the APIs …")
    await _first_customer(client, wanted)
    await _checked(client)
    await asyncio.gather(*(process.stop() for process in cluster.processes.values()))
    await _others(cluster, wanted, say)
    await cluster.start_services()
    await client.send_events([_event(f"unknown-{number}", number, 1) for number in range(UNKNOWN)])
    await _until(lambda: _is_suspended(client), "usage that belongs to nobody")
    await client.close()


async def _first_customer(client: Client, wanted: BookWanted) -> None:
    await client.post("rating", "/v1/meters", METER)
    await client.post("rating", "/v1/customers", customer_document(0))
    await client.post("rating", "/v1/contracts", _contract())
    months, each = wanted.months + 1, wanted.events_each
    for month in range(1, months + 1):
        await client.move_clock(datetime(YEAR, month, 20, tzinfo=UTC))
        of_month = range(each * (month - 1) // months, each * month // months)
        await client.send_events([_event(subject(0), number, month) for number in of_month])
    await client.move_clock(wanted.now)
    await client.send_events([_without_time()])
    await _until(
        lambda: _is_all_there(client, wanted), "the customer's invoices, its draft and its evaluation"
    )


async def _is_all_there(client: Client, wanted: BookWanted) -> bool:
    totals = (await client.get("billing", "/v1/invoices/totals"))["totals"]
    documents = {one["status"]: one["documents"] for one in totals}
    fresh = (await client.get("rating", "/v1/freshness"))["lag_s"] == 0
    roster = (await client.get("signals", "/v1/customers"))["data"]
    evaluated = [one["day"] for one in roster] == [wanted.now.date().isoformat()]
    return documents == {"finalized": wanted.months, "draft": 1} and fresh and evaluated


async def _is_suspended(client: Client) -> bool:
    totals = (await client.get("rating", "/v1/suspense/totals"))["totals"]
    return bool(sum(one["events"] for one in totals) == UNKNOWN)


async def _checked(client: Client) -> None:
    """The books of the one customer hold: no check is made of the others, which nothing was sent for."""
    asked = await client.post("billing", "/v1/reconciliation/checks", {})

    async def done() -> bool:
        found = await client.get("billing", f"/v1/reconciliation/checks/{asked['id']}")
        return found["state"] == "done" and bool(found["holds"])

    await _until(done, "a check of the books that holds")


async def _others(cluster: Cluster, wanted: BookWanted, say: Callable[[str], None]) -> None:
    async with AsyncExitStack() as left:
        admin = await connected(cluster.database_url, left)
        for table in await tables_of(admin):
            began = time.monotonic()
            await multiply(admin, table, wanted.customers)
            rows = len(table.rows) * wanted.customers
            say(f"{table.name}: {rows:,} rows in {time.monotonic() - began:.1f} s")
            await admin.execute(f"vacuum (analyze) {table.name}", timeout=None)
        await admin.execute(SUMMED, timeout=None)


async def _until(reached: Callable[[], Awaitable[bool]], what: str) -> None:
    async with asyncio.timeout(TIMEOUT_S):
        while not await reached():
            await asyncio.sleep(POLL_S)


def _contract() -> dict[str, Any]:
    """A line in tiers and a fee, billed by months of the calendar."""
    tiers = {"model": "graduated", "tiers": [{"up_to": "3", "unit": "10.00"}, {"unit": "5.00"}]}
    return {
        "contract": contract_name(subject(0)),
        "customer": subject(0),
        "currency": "USD",
        "timezone": "UTC",
        "term": {"start": BEGINS.date().isoformat(), "months": 12},
        "billing": {"interval": "month", "net_days": 30, "grace_hours": 72},
        "lines": [
            {"key": "platform", "kind": "recurring", "amount": "99.00", "timing": "arrears"},
            {"key": "calls", "kind": "usage", "meter": "calls", "price": tiers},
        ],
    }


def _event(of: str, number: int, month: int) -> bytes:
    """All events of a month are of one hour, as those of a job would be."""
    return msgspec.json.encode(
        {
            "specversion": "1.0",
            "source": of,
            "id": f"{of}-{number}",
            "type": "call",
            "subject": of,
            "time": datetime(YEAR, month, 10, 12, number // 60 % 60, number % 60, tzinfo=UTC),
            "data": {},
        }
    )


def _without_time() -> bytes:
    event = msgspec.json.decode(_event(subject(0), 10_000, 1))
    del event["time"]
    return msgspec.json.encode(event)
