"""Every snapshot of rating is told once more under its key of today: all of them, as they stand, once,
whatever dies meanwhile."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from services.rating import snapshots
from services.rating.statements.domain.message import pages_of
from shared.db.unit_of_work import UnitOfWork
from shared.runtime.retelling import Snapshots, retell
from shared.topics import ALL
from shared.topics.rating import ACTIVE_HOURS, STATEMENTS, ActiveHoursMessage
from tests.services.rating.deployment import Deployment, event, terms, utc
from tests.waiting import until

CUSTOMERS = [f"customer-{n:02}" for n in range(8)]
TOPICS = [each.topic.name for each in snapshots.SNAPSHOTS]


async def a_book(rating: Deployment) -> None:
    """Eight customers, two versions each, usage in two months, the first of them final."""
    await rating.meter("calls")
    for customer in CUSTOMERS:
        await rating.customer(customer)
        await rating.apply(terms(f"contract-of-{customer}", customer))
        await rating.apply(
            terms(
                f"contract-of-{customer}",
                customer,
                billing={"interval": "month", "net_days": 45, "grace_hours": 72},
            )
        )
    await rating.send(
        *(
            event(f"{customer}-{month}", customer, utc(f"2024-{month:02}-03T10:00:00"))
            for customer in CUSTOMERS
            for month in (1, 2)
        )
    )
    await rating.settled()
    await rating.advance(utc("2024-02-10T00:00:00"), test_clock=True)
    await rating.settled()
    await until(lambda: quiet(rating))


async def quiet(rating: Deployment) -> bool:
    """Nothing on its way: all of it folded, activity told again, the outbox empty."""
    return bool(
        await rating.context.db.pool.fetchval(
            """select not exists (select from rating.outbox) and not exists (select from rating.activity_due)
           and not exists (select from rating.usage_deltas) and not exists (select from rating.retold
               where done_at is null)"""
        )
    )


async def on_the_bus(rating: Deployment, topic: str) -> list[tuple[bytes, Any]]:
    """Key → message; of a fold's hours each by itself."""
    found = []
    for partition, head in (await rating.context.bus.heads(topic)).items():
        run = await rating.context.bus.read(topic, partition, 0, head) if head else None
        found += [(record.key, ALL[topic].decode(record.value)) for record in run.records] if run else []
    return [(k, m) for _, told in found for k, m in _hours(told)] if topic == ACTIVE_HOURS.name else found


def _hours(told: ActiveHoursMessage) -> Iterator[tuple[bytes, ActiveHoursMessage]]:
    for subject in told.subjects:
        for hour in subject.hours:
            alone = msgspec.structs.replace(subject, hours=(hour,), days=())
            key = msgspec.json.encode((subject.subject, hour.meter, hour.start_us))
            yield key, ActiveHoursMessage("", told.revision, (alone,))


async def newest(rating: Deployment, topic: str) -> dict[bytes, Any]:
    """Key → the message of the newest revision under it."""
    return dict(sorted(await on_the_bus(rating, topic), key=lambda found: found[1].revision))


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (
        "METERS_A_PAGE",
        "CUSTOMERS_A_PAGE",
        "CONTRACTS_A_PAGE",
        "STATEMENTS_A_PAGE",
        "BLOCK_ROWS_A_PAGE",
        "SUBJECTS_A_PAGE",
    ):
        monkeypatch.setattr(snapshots, name, 3)


async def test_all_is_told_once_more_and_says_the_same(rating: Deployment, small_pages: None) -> None:
    await a_book(rating)
    before = {topic: await newest(rating, topic) for topic in TOPICS}
    said = {topic: len(await on_the_bus(rating, topic)) for topic in TOPICS}
    await rating.context.db.pool.execute("delete from rating.retold")
    await retell(rating.context.db, snapshots.SNAPSHOTS)
    await until(lambda: quiet(rating))
    again = {topic: Counter(key for key, _ in await on_the_bus(rating, topic)) for topic in TOPICS}
    for topic in TOPICS:
        assert sum(again[topic].values()) == said[topic] + len(before[topic]), (
            f"{topic}: each snapshot once more"
        )
        now = await newest(rating, topic)  # of equal revisions the later record, as a broker compacts
        assert now.keys() == before[topic].keys()
        for key, message in now.items():
            assert _said(message) == _said(before[topic][key]), (topic, key)
    await retell(rating.context.db, snapshots.SNAPSHOTS)
    assert {topic: Counter(key for key, _ in await on_the_bus(rating, topic)) for topic in TOPICS} == again, (
        "and never again"
    )


async def test_who_dies_goes_on_where_it_stood(rating: Deployment, small_pages: None) -> None:
    """Each page is one transaction with its place: none is left out, none told twice, wherever it ends."""
    await a_book(rating)
    said = {topic: len(await on_the_bus(rating, topic)) for topic in TOPICS}
    kept = {topic: len(await newest(rating, topic)) for topic in TOPICS}
    await rating.context.db.pool.execute("delete from rating.retold")
    deaths, tried = 0, Counter[str]()
    while await rating.context.db.pool.fetchval(
        "select count(*) < $1 from rating.retold where done_at is not null", len(TOPICS)
    ):
        try:
            await retell(rating.context.db, [dying(each, tried) for each in snapshots.SNAPSHOTS])
        except Died:
            deaths += 1
    assert deaths > len(TOPICS)
    await until(lambda: quiet(rating))
    assert {topic: len(await on_the_bus(rating, topic)) for topic in TOPICS} == {
        topic: said[topic] + kept[topic] for topic in TOPICS
    }


async def test_a_statement_told_again_is_its_newest_revision_and_not_another(rating: Deployment) -> None:
    await a_book(rating)
    stored = [await rating.stored(f"contract-of-{customer}", "2024-01-01") for customer in CUSTOMERS]
    assert all(statement.final for statement in stored)
    await rating.context.db.pool.execute("delete from rating.retold")
    await retell(rating.context.db, snapshots.SNAPSHOTS)
    await until(lambda: quiet(rating))
    said = await on_the_bus(rating, STATEMENTS.name)
    for statement in stored:
        [page] = pages_of(statement)
        assert said.count((STATEMENTS.record_key(page), page)) == 2, (
            "told when it became final, and once more"
        )


class Died(Exception):
    """In the place of a kill: the transaction is rolled back."""


def dying(snapshots: Snapshots, tried: Counter[str]) -> Snapshots:
    """Of the pages tried, every second one is lost after it was told."""

    async def page(uow: UnitOfWork, after: Any) -> tuple[int, Any]:
        told = await snapshots.page(uow, after)
        await uow.flush()
        tried[snapshots.topic.name] += 1
        if tried[snapshots.topic.name] % 2:
            raise Died
        return told

    return Snapshots(snapshots.topic, page)


def _said(message: Any) -> dict[str, Any]:
    """What a message says. An hour of activity is read anew and has a revision of its own; a version of before
    may come with the contract's newest."""
    free = {"rating.active_hours": {"revision"}, "contracts.versions": {"revision", "chain"}}
    mine = next(topic.name for topic in ALL.values() if topic.message is type(message))
    return {
        name: getattr(message, name) for name in message.__struct_fields__ if name not in free.get(mine, ())
    }
