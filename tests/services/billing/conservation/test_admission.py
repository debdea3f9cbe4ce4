"""A meter with more groups than there is room for, through the real services: every cent right, both final,
K4 clean."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import asyncpg
import pytest

from lab.departures.client import Client
from services.billing.conservation.usecases.check import check_all
from tests.conftest import TestDatabase, TestServer, fresh_database, in_thread, options_on
from tests.services.billing.conservation.book import CLOSED, STARTS, event, settled, void
from tests.waiting import until
from u2c.deployment.cluster import Cluster, ClusterOptions

pytestmark = pytest.mark.timeout(600)  # thousands of events, and the books checked again and again
ROOM = 1000  # the default
FEBRUARY = STARTS + timedelta(days=31)
DEFAULT: list[dict[str, str]] = [{"unit": "0.50"}]
GOLD = [{"plan": "gold", "unit": "2.00"}, *DEFAULT]
LATE = [{"plan": "late-1050", "unit": "3.00"}, *DEFAULT]


@dataclass(frozen=True)
class Crowded:
    """A book with four customers on one meter, its services stopped. What the APIs said is beside it."""

    admin_url: str
    final: dict[str, dict[str, Any]]  # contract → its invoice of January
    february: str  # subtotal of the draft of the customer whose contract named a value late
    unexplained: dict[str, Any]
    holds: bool


@pytest.fixture(scope="module")
def crowded(postgres_server: TestServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Crowded]:
    with fresh_database(postgres_server) as database:
        folder = tmp_path_factory.mktemp("crowded")
        yield in_thread(_filled(database, options_on(database, folder, clock_at=STARTS, restart=False)))


async def _filled(database: TestDatabase, options: ClusterOptions) -> Crowded:
    async with Cluster(options) as cluster:
        client = Client(cluster.urls, cluster.admin_key)
        try:
            return await _walk(client, database.admin_url)
        finally:
            await client.close()


async def _walk(client: Client, admin_url: str) -> Crowded:
    await client.post(
        "rating",
        "/v1/meters",
        {"meter": "seats", "event_type": "seat", "aggregation": "count", "group_by": ["plan"]},
    )
    for customer, rates in (("wide", DEFAULT), ("small", DEFAULT), ("golden", GOLD), ("late", DEFAULT)):
        await client.post(
            "rating", "/v1/customers", {"external_id": customer, "name": customer, "timezone": "UTC"}
        )
        await client.post("rating", "/v1/contracts", _terms(customer, rates))
    await client.move_clock(STARTS + timedelta(days=20))
    golden = [f"golden-{n}" for n in range(1299)]
    golden.insert(1199, "gold")  # the value that the contract names is the 1,200th new one
    at = STARTS + timedelta(days=3)
    sent = (
        ("wide", _plans("wide", 1300)),
        ("small", _plans("small", 1005)),
        ("golden", golden),
        ("late", _plans("late", 1100)),
    )
    for part in (slice(ROOM), slice(ROOM, None)):  # what is within the room comes first
        await client.send_events(
            [body for subject, plans in sent for body in _events(subject, plans[part], at)]
        )
        await settled(client)
    await client.move_clock(CLOSED)
    await client.send_events(_events("late", _plans("late", ROOM), FEBRUARY))
    await settled(client)
    await client.send_events(
        [
            *_events("late", _plans("late", 1100)[ROOM:], FEBRUARY),
            *_events("late", ["late-1050"], at, "too-late"),
        ]
    )
    await client.send_voids([void(f"late-{FEBRUARY:%m}-late-1051")])
    await settled(client)
    await client.post("rating", "/v1/contracts", {**_terms("late", LATE), "effective": "2025-02-01"})
    await client.send_events(_events("late", ["late-1050"], FEBRUARY + timedelta(hours=1), "named"))
    final = {
        row["contract"]: row
        for row in (await client.get("billing", "/v1/invoices", status="finalized", limit=50))["data"]
    }

    async def recounted() -> bool:
        await settled(client)
        return bool((await _draft(client))["subtotal"] == FEBRUARY_SUBTOTAL)

    await until(recounted, timeout_s=300)
    report = (await client.get("billing", "/v1/reconciliation"))["conservation"]
    return Crowded(admin_url, final, (await _draft(client))["subtotal"], report, report["holds"])


#: 1,100 events, one of them void, one more of the value named late: two at 3.00, the other 1,098 at 0.50.
FEBRUARY_SUBTOTAL = "555.00"


def test_a_meter_with_more_values_than_room_is_invoiced_to_the_cent(crowded: Crowded) -> None:
    assert (
        crowded.final["wide-2025"]["subtotal"] == "650.00"
        and crowded.final["small-2025"]["subtotal"] == "502.50"
    )
    assert crowded.holds, crowded.unexplained


def test_a_named_value_counts_as_itself_however_late_it_comes(crowded: Crowded) -> None:
    assert crowded.final["golden-2025"]["subtotal"] == "651.50"  # 1,299 at 0.50, gold at 2.00


def test_what_is_named_late_is_counted_again_where_nothing_is_final(crowded: Crowded) -> None:
    assert crowded.final["late-2025"]["subtotal"] == "550.00", "January is final: it keeps `other`"
    assert crowded.february == FEBRUARY_SUBTOTAL


async def test_rows_say_what_is_in_and_the_checker_reads_them(crowded: Crowded) -> None:
    admin = await asyncpg.connect(crowded.admin_url, server_settings={"timezone": "UTC"})
    try:
        other = {
            (row["subject"], f"{row['day']:%m}"): row["events"]
            for row in await admin.fetch(
                """select subject, date_trunc('month', day) as day, sum(events)::int as events
                    from rating.usage_days
               where grp = '{"other":"true"}' and events > 0 group by 1, 2"""
            )
        }
        assert other == {
            ("wide", "01"): 300,
            ("small", "01"): 5,
            ("golden", "01"): 299,
            ("late", "01"): 101,
            ("late", "02"): 98,
        }
        rows = {
            (row["subject"], f"{row['month']:%m}"): row["groups"]
            for row in await admin.fetch(
                """select subject, month, count(*) as groups from rating.admitted_groups
               where subject <> '' and grp <> '{"other":"true"}' group by 1, 2"""
            )
        }
        assert rows == {
            ("wide", "01"): ROOM,
            ("small", "01"): ROOM,
            ("golden", "01"): ROOM + 1,
            ("late", "01"): ROOM,
            ("late", "02"): ROOM + 1,
        }
        for harm, faults in HARMS.items():
            transaction = admin.transaction(isolation="repeatable_read")
            await transaction.start()
            assert not (await admin.execute(harm)).endswith(" 0")
            found = {broken.fault for broken in (await check_all(admin)).breaks}
            await transaction.rollback()
            assert found == faults, harm
    finally:
        await admin.close()


HARMS = {
    "delete from rating.admitted_groups where subject = 'small' and grp like '%small-7\"%'": {
        "aggregate_off",
        "segment_off",
    },
    """insert into rating.admitted_groups select meter, meter_revision, month, subject, '{"plan":"planted"}',
        7 from rating.admitted_groups
       where subject = 'wide' and grp = '{"other":"true"}'""": {"admission_unexplained"},
    "delete from rating.named_values where value = 'gold'": {"admission_unexplained"},
}


def _terms(customer: str, rates: list[dict[str, str]]) -> dict[str, Any]:
    price = {"model": "matrix", "dimensions": ["plan"], "rates": rates}
    return {
        "contract": f"{customer}-2025",
        "customer": customer,
        "currency": "USD",
        "timezone": "UTC",
        "term": {"start": "2025-01-01", "months": 12},
        "billing": {"interval": "month", "net_days": 30, "grace_hours": 72},
        "lines": [{"key": "seats", "kind": "usage", "meter": "seats", "price": price}],
    }


def _plans(name: str, count: int) -> list[str]:
    return [f"{name}-{n}" for n in range(count)]


def _events(subject: str, plans: list[str], at: datetime, run: str = "") -> list[bytes]:
    return [
        event(f"{subject}-{run or format(at, '%m')}-{plan}", subject, at, "seat", plan=plan) for plan in plans
    ]


async def _draft(client: Client) -> dict[str, Any]:
    found: list[dict[str, Any]] = (await client.get("billing", "/v1/invoices", status="draft", limit=50))[
        "data"
    ]
    return next(
        row for row in found if row["contract"] == "late-2025" and row["period"]["start"] == "2025-02-01"
    )
