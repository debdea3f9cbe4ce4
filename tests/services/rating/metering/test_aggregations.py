"""An aggregation is one object: one that nobody has written yet is metered, voided, back-filled, told and read
like those that are offered, and no other code of rating knows its name.

What offering it takes beside its file and a line in the list: a migration of the check on `rating.meters`,
and conservation's own copy of the rule.
"""

import ast
import random
from collections.abc import AsyncIterator, Sequence, Set
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import asyncpg
import msgspec
import pytest
import pytest_asyncio
from hypothesis import given
from hypothesis import strategies as st

from services.rating.catalogue.answers import MeterAnswer
from services.rating.catalogue.domain.meter import Meter
from services.rating.catalogue.repository import CatalogueRepository
from services.rating.catalogue.requests import MeterTerms
from services.rating.catalogue.usecases import create_meter, message_of
from services.rating.metering.domain.aggregations.aggregation import Aggregation, OverItems
from services.rating.metering.domain.aggregations.offered import AGGREGATIONS
from services.rating.metering.domain.reading import Unread
from services.rating.metering.domain.scalar import quantity_of
from services.rating.metering.domain.tally import HOUR_US, Catalogue, Tally
from services.rating.metering.usecases.read_quantities import UsageAsked, read_quantities
from services.signals.replica.rows import MeterRow
from services.usage_ingest.domain.catalogue import Catalogue as DoorCatalogue
from shared.db.unit_of_work import Database
from shared.runtime.clock import from_us
from shared.topics.rating import CATALOGUE_METERS
from shared.topics.usage_ingest import UsageMessage
from shared.values.decimals import plain
from tests.conftest import TestDatabase
from tests.services.rating.metering import book
from tests.services.rating.metering.batches import NOW, Metering, event, void
from tests.services.rating.metering.book import backfilled
from tests.services.rating.metering.oracle import standing
from tests.services.rating.metering.test_activity import hours, told
from tests.services.rating.metering.test_readings import Wanted, customers, edges, traffic
from u2c.deployment.state import ROOT


def _number_as_text(value: Any) -> str | None:
    number = quantity_of(value)
    return None if number is None else plain(number)


def _highest(items: Set[str]) -> Decimal:
    return max(map(Decimal, items))


PEAK = OverItems(
    "peak",
    reads=_number_as_text,
    takes="a number",
    quantity=_highest,
    quantity_sql="max({item}::numeric)",
    numeric=True,
)
ALL = [*AGGREGATIONS.values(), PEAK]
by_aggregation = pytest.mark.parametrize("aggregation", ALL, ids=lambda found: found.name)
numbers = st.decimals(-1000, 1000, places=2).map(str)
events = st.lists(
    st.builds(
        lambda id, subject, hour, region, value: event(
            id, subject, NOW + timedelta(hours=hour), {"region": region, "value": value}
        ),
        st.uuids().map(str),
        st.sampled_from(["acme", "beta"]),
        st.integers(0, 2),
        st.sampled_from(["eu", "us", ""]),
        st.one_of(numbers, st.just("none")),
    ),
    max_size=12,
)


def catalogue(aggregation: Aggregation) -> Catalogue:
    return Catalogue(1, [metered_by(aggregation)])


def metered_by(aggregation: Aggregation) -> Meter:
    field = None if aggregation.reads is None else "value"
    return Meter("metered", "api.call", aggregation, field, group_by=("region",))


@by_aggregation
@given(sent=events, cut=st.integers(0, 12))
def test_parts_in_any_order_add_up_to_the_whole(
    aggregation: Aggregation, sent: list[UsageMessage], cut: int
) -> None:
    meters = catalogue(aggregation)
    parts = meters.tally(sent[cut:])
    parts.add(meters.tally(sent[:cut]))
    assert _standing(parts) == _standing(meters.tally(sent))


@by_aggregation
@given(sent=events, cut=st.integers(0, 12))
def test_a_void_takes_exactly_what_its_event_added(
    aggregation: Aggregation, sent: list[UsageMessage], cut: int
) -> None:
    meters = catalogue(aggregation)
    left = meters.tally(sent)
    left.take(meters.tally(sent[:cut]))
    assert _standing(left) == _standing(meters.tally(sent[cut:]))


@by_aggregation
@given(sent=events)
def test_an_event_is_explained_as_it_was_counted(aggregation: Aggregation, sent: list[UsageMessage]) -> None:
    """The written-out loop of `tally` and what `readings` shows of a single event are the same rule."""
    meters = catalogue(aggregation)
    for one in sent:
        tally = meters.tally([one])
        [(name, found)] = meters.readings(one)
        if isinstance(found, Unread):
            assert tally == Tally(unread={name: 1})
            continue
        place = (one.subject, name, found.group, one.time_us // HOUR_US)
        assert list(tally.places()) == [place] and not tally.unread
        if found.item is None:
            assert tally.sums[place].value == found.value
        else:
            assert tally.items == {(*place, found.item): 1} and found.value == 1


def test_no_service_asks_for_an_aggregation_by_name() -> None:
    """Conservation does, in SQL of its own."""
    folder = ROOT / "services"
    found = [
        f"{path.relative_to(folder)}:{compared.lineno}"
        for path in folder.rglob("*.py")
        for compared in ast.walk(ast.parse(path.read_text()))
        if isinstance(compared, ast.Compare)
        for named in ast.walk(compared)
        if isinstance(named, ast.Constant) and named.value in AGGREGATIONS
    ]
    assert found == []


@by_aggregation
def test_a_meter_tells_what_it_counts_and_needs(aggregation: Aggregation) -> None:
    """The door judges values by it, and signals whether days may be added."""
    message = message_of(metered_by(aggregation))
    adds_up, numeric = {
        "count": (True, False),
        "sum": (True, True),
        "unique": (False, False),
        "peak": (False, True),
    }[aggregation.name]
    assert (message.adds_up, message.takes_numbers) == (adds_up, numeric)
    door = DoorCatalogue()
    door.hear_meters([message])
    assert [rule.quantity for rule in door.rules["api.call"]] == (
        [] if aggregation.reads is None else [numeric]
    )
    assert MeterRow.of(message).adds_up is adds_up


@pytest.mark.parametrize(
    ("aggregation", "says"), [("count", (True, False)), ("sum", (True, True)), ("unique", (False, False))]
)
def test_a_message_of_before_says_it_by_the_name(aggregation: str, says: tuple[bool, bool]) -> None:
    """A log keeps meters that were told before meters said it themselves."""
    told_then = {
        "meter": "metered",
        "revision": 1,
        "event_type": "api.call",
        "aggregation": aggregation,
        "field": None,
        "missing": "ignore",
        "group_by": [],
        "filters": {},
        "list_price": None,
        "role": None,
        "heartbeat_s": None,
    }
    message = CATALOGUE_METERS.decode(msgspec.json.encode(told_then))
    assert (message.adds_up, message.takes_numbers) == says


def test_the_api_offers_what_is_in_the_list() -> None:
    shown = MeterTerms.model_json_schema()["properties"]["aggregation"]["enum"]
    assert shown == list(AGGREGATIONS) == ["count", "sum", "unique"]
    named = {
        name: MeterTerms.model_validate(_terms(found)).aggregation for name, found in AGGREGATIONS.items()
    }
    assert named == AGGREGATIONS
    meter = Meter("users", "api.call", AGGREGATIONS["unique"], "user")
    assert MeterAnswer.of(meter).as_json()["aggregation"] == "unique"


@pytest_asyncio.fixture
async def offered(database: TestDatabase, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    """The toy among the offered ones: its name in the list, and in the check that a migration would change."""
    monkeypatch.setitem(AGGREGATIONS, PEAK.name, PEAK)
    admin = await asyncpg.connect(database.admin_url)
    await admin.execute("alter table rating.meters drop constraint meters_aggregation_check")
    await admin.close()
    yield


@pytest.mark.usefixtures("offered")
async def test_a_new_one_is_read_back_as_brute_force_finds_it(db: Database, metering: Metering) -> None:
    """Duplicates, voids, groups, edges inside an hour; one meter counts live, one from a back-fill."""
    sent = traffic(random.Random(1907), 1200)
    await peak_meter(db, "live", group_by=["plan", "region"])
    for first in range(0, len(sent), 300):
        await metering.take(*sent[first : first + 300])
    await peak_meter(db, "late", group_by=["plan", "region"])
    await backfilled(db, events_max=200)
    ids = await customers(db)
    subjects = {"acme": ["acme", "acme-eu"], "beta": ["beta"]}
    asked, expected = [], []
    for start, end in edges():
        for customer, customer_id in ids.items():
            for dimensions in ((), ("plan", "region"), ("region",)):
                highest = _brute_force(sent, subjects[customer], start, end, dimensions)
                for name in ("live", "late"):
                    asked.append(UsageAsked(customer_id, Wanted(name, start, end, dimensions)))
                    expected.append(highest)
    async with db.transaction(isolation="repeatable_read") as uow:
        found = await read_quantities(uow, asked)
    assert found == expected and sum(map(len, expected)) > 200


@pytest.mark.usefixtures("offered")
async def test_a_void_of_the_highest_leaves_the_next_and_the_hour_is_told_so(
    db: Database, metering: Metering
) -> None:
    await peak_meter(db, "live", group_by=["region"])
    await metering.take(*[event(value, data={"seconds": value}) for value in ("7.5", "30", "9")])
    assert await _told(db) == {"12": [3, "30"]}
    await metering.take(void("30"))
    assert await _told(db) == {"12": [2, "9"]}


@pytest.mark.usefixtures("offered")
async def test_what_has_no_room_counts_in_other(db: Database) -> None:
    metering = Metering(db, groups_max=1)
    await peak_meter(db, "live", group_by=["region"])
    await metering.take(*[event(f"{n}", data={"seconds": n, "region": f"r{n}"}) for n in (5, 3, 4)])
    ids = await customers(db)
    wanted = Wanted("live", NOW, NOW + timedelta(hours=1), ("region",))
    async with db.transaction() as uow:
        [found] = await read_quantities(uow, [UsageAsked(ids["acme"], wanted)])
    assert found == {(("region", "r5"),): 5, (("region", ""),): 4}


async def peak_meter(db: Database, name: str, *, group_by: list[str]) -> None:
    """Create a meter as the API would, had its document been made with the toy in the list."""
    terms = MeterTerms.model_validate({**book.SECONDS, "group_by": group_by})
    async with db.transaction() as uow:
        await create_meter(uow, name, terms.model_copy(update={"aggregation": PEAK}), NOW, groups_max=1000)
        stored = await CatalogueRepository(uow.connection).meter(name)
    assert stored is not None and stored.aggregation is PEAK


def _terms(aggregation: Aggregation) -> dict[str, Any]:
    field = {} if aggregation.reads is None else {"field": "value"}
    return {"event_type": "api.call", "aggregation": aggregation.name, **field}


def _standing(tally: Tally) -> tuple[dict[Any, tuple[int, Decimal | int]], dict[Any, int]]:
    """What a tally changes, without what came to nothing."""
    return (
        {key: (change.events, change.value) for key, change in tally.sums.items() if change.events},
        {key: count for key, count in tally.items.items() if count},
    )


def _brute_force(
    sent: Sequence[UsageMessage], subjects: list[str], start: datetime, end: datetime, by: tuple[str, ...]
) -> dict[tuple[tuple[str, str], ...], Decimal]:
    """Group → the highest number in [start, end)."""
    found: dict[tuple[tuple[str, str], ...], Decimal] = {}
    for message in standing(sent):
        if message.subject not in subjects or not start <= from_us(message.time_us) < end:
            continue
        data = msgspec.json.decode(message.data)
        group = tuple((name, data[name]) for name in by)
        found[group] = max(Decimal(data["seconds"]), found.get(group, Decimal(0)))
    return found


async def _told(db: Database) -> dict[str, list[Any]]:
    """The hours of the day that the last fold told."""
    return {str(hour): list(seen) for hour, seen in hours(await told(db), "live").items()}
