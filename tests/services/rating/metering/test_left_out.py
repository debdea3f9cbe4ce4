"""What came in some batches is left out of a reading, voids too; what stays with whom a subject left is read with it, and
what is charged elsewhere is not: as if each event and each void were looked at, one by one."""

import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.rating.metering.domain.apart import Apart, Left
from services.rating.metering.domain.stretches import Stretches, TakenOut
from services.rating.metering.fold.usecases import roll_up as rolling
from services.rating.metering.repository import readings
from services.rating.metering.usecases.read_quantities import UsageAsked, read_quantities
from shared.db.unit_of_work import Database
from shared.topics.usage_ingest import UsageMessage
from tests.services.rating.metering import book
from tests.services.rating.metering.batches import Metering, event, void
from tests.services.rating.metering.book import FORGET, meter
from tests.services.rating.metering.oracle import Group, quantities
from tests.services.rating.metering.test_fold import admin as admin
from tests.services.rating.metering.test_readings import Wanted, customers

METERS: dict[str, dict[str, Any]] = {"calls": book.CALLS, "seconds": book.SECONDS, "users": book.USERS}
SUBJECTS = {"acme": ["acme", "acme-eu"], "beta": ["beta"]}
START = datetime(2026, 3, 3, tzinfo=UTC)
DAYS = 4
PARTITIONS = (0, 1)
BATCHES = 8


@dataclass(frozen=True)
class Stored:
    """A message, and the batch that it came in."""

    message: UsageMessage
    partition: int
    batch_id: int


def traffic(rng: random.Random) -> list[tuple[int, list[UsageMessage]]]:
    """Batches by partition: an event, its repetitions and its void meet in one, in any order."""
    ids = [str(n) for n in range(120)]
    sent: list[tuple[int, list[UsageMessage]]] = []
    for n in range(BATCHES):
        partition = PARTITIONS[n % len(PARTITIONS)]
        messages = []
        for id in rng.choices([id for id in ids if int(id) % len(PARTITIONS) == partition], k=25):
            messages.append(void(id) if rng.random() < 0.25 else _event(id))
        sent.append((partition, messages))
    return sent


def _event(id: str) -> UsageMessage:
    """What an id says is the same each time."""
    of = random.Random(id)
    when = START + timedelta(minutes=of.randrange(DAYS * 24 * 60), seconds=of.choice([0, 59]))
    data = {
        "region": of.choice(["eu", "us", ""]),
        "plan": of.choice(["a", "b"]),
        "user": f"u{of.randrange(9)}",
        "seconds": f"{of.randrange(1, 10**6)}.{of.randrange(10**6)}",
    }
    return event(id, of.choice(["acme", "acme-eu", "beta", "labs"]), when, data)


def stretches(rng: random.Random) -> Stretches:
    """One or two of some partitions, the last one perhaps without an end."""
    found: dict[str, list[tuple[int, int | None]]] = {}
    for partition in rng.sample(PARTITIONS, k=rng.randint(1, len(PARTITIONS))):
        cuts = sorted(rng.sample(range(BATCHES + 1), k=rng.choice([2, 4])))
        pairs = list(zip(cuts[::2], cuts[1::2], strict=True))
        last: tuple[int, int | None] = (pairs[-1][0], rng.choice([None, pairs[-1][1]]))
        found[str(partition)] = [*pairs[:-1], last]
    return Stretches(found)


def asked_at_random(rng: random.Random, ids: Mapping[str, str]) -> tuple[UsageAsked, str]:
    edges = sorted(
        rng.sample(
            [START + timedelta(minutes=minutes) for minutes in (0, 15, 60, 1440, 1500, 2895, 4320, 5760)], k=2
        )
    )
    name, customer = rng.choice(list(METERS)), rng.choice(list(SUBJECTS))
    dimensions = rng.choice([(), ("region",), tuple(sorted(METERS[name]["group_by"]))])
    middle = START + timedelta(minutes=rng.choice([30, 1441, 2000]))
    left: tuple[Left, ...] = rng.choice([(), (), (Left("labs", stretches(rng)),)])
    theirs = [SUBJECTS[customer][-1], *(one.subject for one in left)]
    own = {subject: stretches(rng) for subject in theirs[: rng.randint(0, 2)]}
    apart = Apart(SUBJECTS[customer][-1], START, middle, stretches(rng))
    return (
        UsageAsked(
            ids[customer],
            Wanted(name, edges[0], edges[1], dimensions),
            rng.choice([(), (), (apart,)]),
            left,
            rng.choice([None, TakenOut(stretches(rng)), TakenOut(stretches(rng), own)]),
        ),
        customer,
    )


def expected(stored: Iterable[Stored], one: UsageAsked, customer: str) -> dict[Group, Decimal]:
    """Each event that is not out, with no void that is not out."""
    voids: dict[str, Stored] = {}
    events: dict[str, Stored] = {}
    for found in stored:
        (voids if found.message.kind == "void" else events).setdefault(found.message.id, found)
    taken = one.out or TakenOut()
    counted = []
    for id, found in events.items():
        message, place = found.message, (found.partition, found.batch_id)
        out = taken.of_subject(message.subject)
        taken_back = id in voids and not out.has(voids[id].partition, voids[id].batch_id)
        own = message.subject in SUBJECTS[customer] and not out.has(*place)
        charged = any(
            apart.subject == message.subject
            and apart.start.timestamp() * 1e6 <= message.time_us < apart.end.timestamp() * 1e6
            and apart.charged.has(*place)
            for apart in one.apart
        )
        left = any(each.subject == message.subject and each.counted.has(*place) for each in one.left)
        if not taken_back and ((own and not charged) or left):
            counted.append(message)
    need = one.need
    subjects = [*SUBJECTS[customer], "labs"]
    found_by_group = quantities(counted, METERS[need.meter], subjects, need.start, need.end, need.dimensions)
    return {group: quantity for group, quantity in found_by_group.items() if quantity}


async def known(db: Database) -> dict[str, str]:
    return {
        row["external_id"]: row["customer_id"]
        for row in await book.rows(db, "select external_id, customer_id from rating.customers")
    }


@pytest.mark.timeout(240)
@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 2**32))
async def test_what_is_left_out_is_as_if_it_had_not_come(
    db: Database, admin: asyncpg.Connection, seed: int
) -> None:
    rng = random.Random(seed)
    await admin.execute(FORGET)
    for name, terms in METERS.items():
        await meter(db, name, **terms)
    metering = Metering(db, now=START + timedelta(days=2))
    stored: list[Stored] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rolling, "ROWS_MAX", 1)
        patch.setattr(readings, "EVENTS_MAX", 7)
        for number, (partition, messages) in enumerate(traffic(rng), start=1):
            await metering.take(*messages, partition=partition)
            stored += [Stored(message, partition, number) for message in messages]
            if rng.random() < 0.5:
                await metering.roll_up()
        ids = await known(db) or await customers(db)
        asked = [asked_at_random(rng, ids) for _ in range(40)]
        async with db.transaction(isolation="repeatable_read") as uow:
            found = await read_quantities(uow, [one for one, _ in asked])
    for (one, customer), read in zip(asked, found, strict=True):
        assert {group: quantity for group, quantity in read.items() if quantity} == expected(
            stored, one, customer
        ), one
    assert any(found)


async def test_a_group_of_which_all_is_left_out_is_absent(db: Database, metering: Metering) -> None:
    """Pricing would otherwise ask what a group costs that nobody used."""
    await meter(db, "calls", **book.CALLS)
    await metering.take(event("1", data={"region": "eu"}))
    await metering.take(event("2", data={"region": "us"}))
    ids = await customers(db)
    need = Wanted("calls", START, START + timedelta(days=30), ("region",))
    async with db.transaction() as uow:
        (found,) = await read_quantities(
            uow, [UsageAsked(ids["acme"], need, out=TakenOut(Stretches({"0": [(1, None)]})))]
        )
    assert found == {(("region", "eu"),): 1}


async def test_what_is_left_out_of_an_overflow_is_taken_off_it(db: Database) -> None:
    metering = Metering(db, groups_max=2)
    await meter(db, "calls", **book.CALLS)
    for n in range(5):
        await metering.take(event(str(n), data={"region": f"r{n}"}))
    ids = await customers(db)
    need = Wanted("calls", START, START + timedelta(days=30), ("region",))
    async with db.transaction() as uow:
        (found,) = await read_quantities(
            uow, [UsageAsked(ids["acme"], need, out=TakenOut(Stretches({"0": [(1, 2), (3, 4)]})))]
        )
    assert found == {(("region", "r0"),): 1, (("region", ""),): 2}


cut = st.integers(min_value=0, max_value=12)
some = st.lists(cut, max_size=6, unique=True).map(
    lambda cuts: [
        (after, until) for after, until in zip(sorted(cuts)[::2], [*sorted(cuts)[1::2], None], strict=False)
    ]
)
of_one = some.map(lambda found: Stretches({"0": found} if found else {}))


@given(one=of_one, other=of_one)
def test_stretches_are_sets_of_batches(one: Stretches, other: Stretches) -> None:
    for batch in range(1, 15):
        assert one.with_all(other).has(0, batch) == (one.has(0, batch) or other.has(0, batch))
        assert one.without(other).has(0, batch) == (one.has(0, batch) and not other.has(0, batch))
        assert Stretches.up_to({"0": 5}).has(0, batch) == (batch <= 5)
    assert Stretches.stored(one.as_stored()).as_stored() == one.as_stored()
