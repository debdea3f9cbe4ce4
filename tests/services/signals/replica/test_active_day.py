"""A day of activity comes to the same whatever the order in which it is heard, in however many pieces and how often,
whole days of before among them; rows of before are read, and read by the program of before."""

import asyncio
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import asyncpg
import msgspec
from alembic import command
from hypothesis import given
from hypothesis import strategies as st

from services.signals.domain.active_day import ActiveDay, Hour
from services.signals.replica.repository.activity import ActivityRepository
from shared.db.unit_of_work import Database
from shared.postgres.migrations import _config
from shared.topics.rating import ACTIVITY, ActivityMessage
from tests.conftest import TestDatabase

DAY = date(2024, 1, 2)
HOURS = st.integers(0, 3)
EVENTS = st.integers(0, 3)
UNHEARD = ActiveDay("acme", "users", DAY)


def said(revision: int, **more: Any) -> ActivityMessage:
    known: dict[str, Any] = {
        "subject": "acme",
        "meter": "users",
        "day": DAY.isoformat(),
        "revision": revision,
    }
    return ActivityMessage(**{**known, "customer_id": f"cus_{revision}", "last_seen_us": revision, **more})


def hour_of(revision: int, hour: int, events: int) -> ActivityMessage:
    return said(revision, hour=hour, events=events, value=str(events))


def day_of(revision: int, hours: dict[int, int], values: list[str]) -> ActivityMessage:
    shown = {str(hour): (events, str(events)) for hour, events in hours.items() if events}
    return said(revision, hours=shown, values=tuple(values))


def values_of(revision: int, values: list[str]) -> ActivityMessage:
    return said(revision, values=tuple(values))


VALUES = st.lists(st.sampled_from("abc"), unique=True)
MESSAGES = st.one_of(
    st.builds(hour_of, st.just(0), HOURS, EVENTS),
    st.builds(day_of, st.just(0), st.dictionaries(HOURS, EVENTS), VALUES),
    st.builds(values_of, st.just(0), VALUES),
)


def numbered(messages: list[ActivityMessage]) -> list[ActivityMessage]:
    """The same with revisions of their own: 1, 2, …"""
    return [
        msgspec.structs.replace(message, revision=number, customer_id=f"cus_{number}", last_seen_us=number)
        for number, message in enumerate(messages, 1)
    ]


def by_hour(messages: list[ActivityMessage]) -> dict[int, int]:
    """The oracle: of each hour what the newest message says that tells of it, hours without events left out."""
    found: dict[int, int] = {}
    for message in messages:
        if message.hour is not None:
            found[message.hour] = message.events
        elif message.hours is not None:
            found = {int(hour): events for hour, (events, _) in message.hours.items()}
    return {hour: events for hour, events in found.items() if events}


def heard(messages: list[ActivityMessage]) -> ActiveDay:
    """As it is stored in between: what of its items is new is written apart."""
    day = UNHEARD
    items: tuple[str, ...] = ()
    for message in messages:
        day = replace(day, items=None).hearing(message)
        items = items if day.items is None else day.items
    return replace(day, items=items)


@given(st.lists(MESSAGES, max_size=8).map(numbered), st.data())
def test_any_order_and_repeats_come_to_what_was_said_last(
    messages: list[ActivityMessage], data: st.DataObject
) -> None:
    repeated = messages + data.draw(st.lists(st.sampled_from(messages))) if messages else []
    day = heard(data.draw(st.permutations(repeated)))
    assert {int(name): hour.events for name, hour in day.hours.items() if hour.events} == by_hour(messages)
    assert all(hour.value == str(hour.events) for hour in day.hours.values())
    values = [message.values for message in messages if message.hour is None]
    assert day.items == (values[-1] if values else ())
    assert day.customer_id == (messages[-1].customer_id if messages else None)
    assert day.last_seen_us == max((message.last_seen_us for message in messages), default=0)
    assert all(day.hearing(message) is day for message in messages), "heard again it says nothing new"


def test_a_row_of_before_holds_hours_of_its_own_revision() -> None:
    row = replace(UNHEARD, revision=5, hours={"3": Hour(2, "2", 5)}, items_revision=0)
    assert row.hearing(hour_of(5, 3, 9)) is row and row.hearing(hour_of(5, 4, 9)) is row
    assert row.hearing(values_of(5, ["a"])) is row, "it had the values of its revision"
    assert row.hearing(hour_of(6, 4, 9)).hours == {"3": Hour(2, "2", 5), "4": Hour(9, "9", 6)}


def test_each_hour_and_the_values_of_a_day_are_records_of_their_own() -> None:
    """What a broker compacts by: the newest of each is what must stay."""
    keys = [
        ACTIVITY.record_key(m)
        for m in (hour_of(1, 3, 1), hour_of(2, 3, 5), hour_of(1, 4, 1), values_of(1, []))
    ]
    assert keys[0] == keys[1] and len(set(keys)) == 3


def test_messages_of_before_are_read_as_they_were_written() -> None:
    was = b'{"subject":"acme","meter":"calls","day":"2024-01-02","revision":7,"hours":{"3":[2,"2"]},"last_seen_us":9}'
    assert ACTIVITY.decode(was) == said(
        7, meter="calls", hours={"3": (2, "2")}, customer_id=None, last_seen_us=9
    )


async def test_rows_of_before_are_read_and_what_was_heard_since_goes_back_to_their_form(
    database: TestDatabase,
) -> None:
    config = _config("signals", database.url("signals"), database.secret)
    await asyncio.to_thread(command.downgrade, config, "0013")
    connection = await asyncpg.connect(database.url("signals"))
    await connection.execute(
        """insert into signals.activity (subject, meter, day, revision, customer_id, hours, last_seen_at, items)
           values ('acme', 'users', $1, 5, 'cus_5', '{"3": [2, "2"], "4": [1, "1"]}', $2, '{a}')""",
        DAY,
        datetime(2024, 1, 2, 4, 30, tzinfo=UTC),
    )
    await asyncio.to_thread(command.upgrade, config, "head")
    db = Database(database.url("signals"), "signals")
    await db.open()
    async with db.transaction() as uow:
        activity = ActivityRepository(uow.connection)
        [was] = (await activity.known([UNHEARD.key])).values()
        assert was.hours == {"3": Hour(2, "2", 5), "4": Hour(1, "1", 5)} and not was.items_revision
        await activity.store([was.hearing(hour_of(9, 4, 0)).hearing(hour_of(7, 5, 3))], [True])
        [now] = (await activity.known([UNHEARD.key])).values()
        assert now.hours == {"3": Hour(2, "2", 5), "4": Hour(0, "0", 9), "5": Hour(3, "3", 7)}
    await db.close()
    await asyncio.to_thread(command.downgrade, config, "0013")
    row = await connection.fetchrow("select hours::text, revision, customer_id, items from signals.activity")
    assert row is not None and msgspec.json.decode(row["hours"]) == {"3": [2, "2"], "5": [3, "3"]}
    assert (row["revision"], row["customer_id"], row["items"]) == (9, "cus_9", ["a"])
    await connection.close()
