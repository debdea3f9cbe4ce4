"""Quantities for pricing equal a brute-force count over the sent events, wherever a period's edges fall."""

import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from services.rating.catalogue.domain.meter import MeterNotFound
from services.rating.customers.requests import CustomerDocument
from services.rating.customers.usecases import create_customer
from services.rating.metering.fold.usecases import roll_up as rolling
from services.rating.metering.usecases.read_quantities import (
    UsageAsked,
    read_quantities,
    watermark,
)
from shared.db.unit_of_work import Database
from shared.runtime.clock import to_us
from shared.topics.usage_ingest import UsageMessage
from tests.services.rating.metering import book
from tests.services.rating.metering.batches import NOW, Metering, event, void
from tests.services.rating.metering.book import meter
from tests.services.rating.metering.oracle import quantities

METERS: dict[str, dict[str, Any]] = {"calls": book.CALLS, "seconds": book.SECONDS, "users": book.USERS}
START = datetime(2026, 2, 20, tzinfo=UTC)
DAYS = 45


@dataclass(frozen=True)
class Wanted:
    meter: str
    start: datetime
    end: datetime
    dimensions: tuple[str, ...] = ()


def traffic(rng: random.Random, size: int) -> list[UsageMessage]:
    """Events over 45 days around two changes of the clocks, duplicates and voids among them."""
    sent: list[UsageMessage] = []
    for n in range(size):
        when = START + timedelta(
            seconds=rng.randrange(DAYS * 86_400), microseconds=rng.choice([0, 1, 999_999])
        )
        if rng.random() < 0.2:
            when = when.replace(minute=rng.choice([14, 15, 44, 45]), second=rng.choice([0, 59]))
        data = {
            "region": rng.choice(["eu", "us", ""]),
            "plan": rng.choice(["a", "b"]),
            "user": f"u{rng.randrange(12)}",
            "seconds": f"{rng.randrange(1, 10**6)}.{rng.randrange(10**6)}",
        }
        sent.append(event(str(n), rng.choice(["acme", "acme-eu", "beta"]), when, data))
        if rng.random() < 0.1:
            sent.append(void(str(n)))
        if rng.random() < 0.05:
            sent.append(rng.choice(sent))
    return sent


async def customers(db: Database) -> dict[str, str]:
    async with db.transaction() as uow:
        acme = await create_customer(
            uow, CustomerDocument(external_id="acme", name="Acme", aliases=["acme-eu"]), NOW
        )
        beta = await create_customer(uow, CustomerDocument(external_id="beta", name="Beta"), NOW)
    return {"acme": acme.customer_id, "beta": beta.customer_id}


def edges() -> list[tuple[datetime, datetime]]:
    """Months in zones with and without whole hours, across DST both ways, and stretches at odd instants."""
    found = []
    for zone in ("UTC", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe", "Europe/Berlin"):
        midnight = datetime(2026, 3, 1, tzinfo=ZoneInfo(zone))
        found.append((midnight.astimezone(UTC), datetime(2026, 4, 1, tzinfo=ZoneInfo(zone)).astimezone(UTC)))
        found.append(
            (
                datetime(2026, 3, 8, tzinfo=ZoneInfo(zone)).astimezone(UTC),
                datetime(2026, 3, 9, tzinfo=ZoneInfo(zone)).astimezone(UTC),
            )
        )
    amended = datetime(2026, 3, 17, 13, 27, 45, 123, tzinfo=UTC)
    found += [(datetime(2026, 3, 1, tzinfo=UTC), amended), (amended, datetime(2026, 4, 1, tzinfo=UTC))]
    return found + [(amended, amended + timedelta(minutes=minutes)) for minutes in (3, 80, 2400)]


@pytest.mark.parametrize("rolled_up", [0, 2, 10])
async def test_readings_equal_a_brute_force_count(
    db: Database, rolled_up: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where no day is rolled up, those of some subjects, and those of all, some of them late."""
    monkeypatch.setattr(rolling, "ROWS_MAX", 1)
    metering = Metering(db, now=START + timedelta(days=30))
    rng = random.Random(20130101)
    for name, terms in METERS.items():
        await meter(db, name, **terms)
    sent = traffic(rng, 3000)
    await metering.take(*sent[:2400])
    for _ in range(rolled_up):
        await metering.roll_up()
    await metering.take(*sent[2400:])
    ids = await customers(db)
    subjects = {"acme": ["acme", "acme-eu"], "beta": ["beta"]}
    asked, expected = [], []
    for start, end in edges():
        for customer in ids:
            for name, terms in METERS.items():
                for dimensions in ((), tuple(sorted(terms["group_by"])), ("region",)):
                    asked.append(UsageAsked(ids[customer], Wanted(name, start, end, dimensions)))
                    expected.append(quantities(sent, terms, subjects[customer], start, end, dimensions))
    async with db.transaction(isolation="repeatable_read") as uow:
        found = await read_quantities(uow, asked)
    wrong = [
        (one.need, got, want) for one, got, want in zip(asked, found, expected, strict=True) if got != want
    ]
    assert wrong == []
    assert sum(map(len, expected)) > 200


async def test_one_subject_alone_also_when_nobody_knows_it(db: Database, metering: Metering) -> None:
    await meter(db, "calls", **book.CALLS)
    await metering.take(event("1", "nobody"), event("2", "nobody"), event("3", "acme"))
    async with db.transaction() as uow:
        found = await read_quantities(
            uow, [UsageAsked("subject:nobody", Wanted("calls", NOW, NOW + timedelta(hours=1)))]
        )
    assert found == [{(): 2}]


async def test_an_unknown_meter_is_an_error_never_zero(db: Database) -> None:
    async with db.transaction() as uow:
        with pytest.raises(MeterNotFound):
            await read_quantities(uow, [UsageAsked("cus_1", Wanted("nope", NOW, NOW + timedelta(hours=1)))])


async def test_overflowed_groups_read_alike_from_aggregates_and_raw_events(db: Database) -> None:
    metering = Metering(db, groups_max=2)
    await meter(db, "calls", **book.CALLS)
    await metering.take(
        *[event(str(n), data={"region": f"r{n}"}, time=NOW.replace(minute=10 * n)) for n in range(5)]
    )
    ids = await customers(db)
    whole = Wanted("calls", NOW.replace(minute=0), NOW.replace(minute=0) + timedelta(hours=1), ("region",))
    edge = Wanted("calls", NOW.replace(minute=5), NOW.replace(minute=55), ("region",))
    async with db.transaction() as uow:
        found = await read_quantities(uow, [UsageAsked(ids["acme"], whole), UsageAsked(ids["acme"], edge)])
    # r0 and r1 are in, the rest is other
    assert sorted(found[0].values()) == [1, 1, 3] and found[0][(("region", ""),)] == 3
    # minutes 10 to 40, read from raw events
    assert found[1] == {
        (("region", "r1"),): 1,
        (("region", ""),): 3,
    }


async def test_the_watermark_names_the_last_batch_of_each_partition(db: Database, metering: Metering) -> None:
    async with db.transaction() as uow:
        assert (await watermark(uow)).batches == {}
    await metering.take(event("1", received=NOW + timedelta(seconds=9)), partition=0)
    await metering.take(event("2"), partition=3)
    await metering.take(event("3"), partition=0)
    async with db.transaction() as uow:
        found = await watermark(uow)
    assert found.batches == {"0": 3, "3": 2}
    assert found.newest_received_us == to_us(NOW + timedelta(seconds=9))
