"""A day of activity comes to the same whatever the order in which it is heard, in however many pieces and how often,
whole days of before among them; rows of before are read, and read by the program of before."""

import asyncio
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime

import asyncpg
import msgspec
from alembic import command
from hypothesis import given
from hypothesis import strategies as st

from services.signals.domain.active_day import ActiveDay, Hour, Whose
from services.signals.replica.repository.activity import ActivityRepository
from shared.db.unit_of_work import Database
from shared.postgres.migrations import _config
from shared.topics.rating import ACTIVITY, ActivityMessage
from tests.conftest import TestDatabase

DAY = date(2024, 1, 2)
UNHEARD = ("acme", "users", DAY)
EVENTS = st.integers(0, 3)
NAMES = st.sampled_from(["0", "1", "9", "23"])
VALUES = st.lists(st.sampled_from("abc"), unique=True).map(tuple)


@dataclass(frozen=True)
class HourSaid:
    name: str
    events: int

    def hear(self, day: ActiveDay, revision: int) -> bool:
        return day.hear_hour(self.name, Hour(self.events, str(self.events), revision), whose(revision))


@dataclass(frozen=True)
class ValuesSaid:
    values: tuple[str, ...]

    def hear(self, day: ActiveDay, revision: int) -> bool:
        return day.hear_values(self.values, revision, whose(revision))


@dataclass(frozen=True)
class DaySaid:
    """A message of before."""

    events: dict[str, int]
    values: tuple[str, ...]

    def hear(self, day: ActiveDay, revision: int) -> bool:
        hours = {name: (events, str(events)) for name, events in self.events.items() if events}
        heard = day.hear_values(self.values, revision, whose(revision))
        return day.hear_day(hours, revision, whose(revision)) or heard


Said = HourSaid | ValuesSaid | DaySaid
SAID: st.SearchStrategy[Said] = st.one_of(
    st.builds(HourSaid, NAMES, EVENTS),
    st.builds(ValuesSaid, VALUES),
    st.builds(DaySaid, st.dictionaries(NAMES, EVENTS), VALUES),
)


def whose(revision: int) -> Whose:
    return Whose(f"cus_{revision}", revision)


def by_hour(said: list[Said]) -> dict[str, int]:
    """The oracle: of each hour what was said last that tells of it, hours without events left out."""
    found: dict[str, int] = {}
    for one in said:
        if isinstance(one, HourSaid):
            found[one.name] = one.events
        elif isinstance(one, DaySaid):
            found = dict(one.events)
    return {name: events for name, events in found.items() if events}


def heard(said: list[tuple[int, Said]]) -> ActiveDay:
    """As it is stored in between, where items are written apart."""
    day = ActiveDay(*UNHEARD)
    items: tuple[str, ...] = ()
    for revision, one in said:
        day = replace(day, items=None)
        one.hear(day, revision)
        items = items if day.items is None else day.items
    day.items = items
    return day


@given(st.lists(SAID, max_size=8), st.data())
def test_any_order_and_repeats_come_to_what_was_said_last(said: list[Said], data: st.DataObject) -> None:
    numbered = list(enumerate(said, 1))
    repeated = numbered + data.draw(st.lists(st.sampled_from(numbered))) if numbered else []
    day = heard(data.draw(st.permutations(repeated)))
    assert {name: hour.events for name, hour in day.hours.items() if hour.events} == by_hour(said)
    assert all(hour.value == str(hour.events) for hour in day.hours.values())
    values = [one.values for one in said if not isinstance(one, HourSaid)]
    assert day.items == (values[-1] if values else ())
    assert (day.customer_id, day.last_seen_us) == (f"cus_{len(said)}" if said else None, len(said))
    assert not any(one.hear(day, revision) for revision, one in numbered), "heard again it says nothing new"


@given(st.lists(SAID, min_size=1, max_size=8), st.integers(0, 8))
def test_what_a_roll_up_has_of_it_stays_known_until_it_has_all(said: list[Said], folded_after: int) -> None:
    day = ActiveDay(*UNHEARD)
    rolled: tuple[dict[str, Hour], str | None] | None = None
    for revision, one in enumerate(said, 1):
        one.hear(day, revision)
        if revision == folded_after:
            day.folded, rolled = True, (dict(day.hours), day.customer_id)
    if rolled is None:
        assert (day.folded, day.rolled_hours, day.rolled_customer_id) == (False, None, None)
    elif folded_after < len(said):
        assert (day.folded, day.rolled_hours, day.rolled_customer_id) == (False, *rolled)
    else:
        assert day.folded and (day.hours, day.customer_id) == rolled


def test_a_row_of_before_holds_hours_of_its_own_revision() -> None:
    row = ActiveDay(*UNHEARD, revision=5, hours={"3": Hour(2, "2")})
    assert not HourSaid("3", 9).hear(row, 5) and not HourSaid("4", 9).hear(row, 5)
    assert not ValuesSaid(("a",)).hear(row, 5), "it had the values of its revision"
    assert HourSaid("4", 9).hear(row, 6) and row.hours == {"3": Hour(2, "2"), "4": Hour(9, "9", 6)}


def test_messages_of_before_are_read_as_they_were_written() -> None:
    was = b'{"subject":"acme","meter":"calls","day":"2024-01-02","revision":7,"hours":{"3":[2,"2"]},"last_seen_us":9}'
    assert ACTIVITY.decode(was) == ActivityMessage(
        "acme", "calls", "2024-01-02", 7, {"3": (2, "2")}, last_seen_us=9
    )


async def test_rows_of_before_are_read_and_what_was_heard_since_goes_back_to_their_form(
    database: TestDatabase,
) -> None:
    config = _config("signals", database.url("signals"), database.secret)
    await asyncio.to_thread(command.downgrade, config, "0013")
    connection = await asyncpg.connect(database.url("signals"))
    await connection.execute(
        """insert into signals.activity (subject, meter, day, revision, customer_id, hours, last_seen_at, items,
            folded)
           values ('acme', 'users', $1, 5, 'cus_5', '{"3": [2, "2"], "4": [1, "1"]}', $2, '{a}', true)""",
        DAY,
        datetime(2024, 1, 2, 4, 30, tzinfo=UTC),
    )
    await asyncio.to_thread(command.upgrade, config, "head")
    db = Database(database.url("signals"), "signals")
    await db.open()
    async with db.transaction() as uow:
        activity = ActivityRepository(uow.connection)
        [was] = (await activity.known([UNHEARD])).values()
        assert was.hours == {"3": Hour(2, "2"), "4": Hour(1, "1")} and not was.items_revision
        HourSaid("4", 0).hear(was, 9)
        HourSaid("5", 3).hear(was, 7)
        await activity.store([was])
        assert await activity.known([UNHEARD]) == {UNHEARD: was}
    await db.close()
    await asyncio.to_thread(command.downgrade, config, "0013")
    row = await connection.fetchrow(
        "select hours::text, revision, customer_id, items, folded from signals.activity"
    )
    assert row is not None and msgspec.json.decode(row["hours"]) == {"3": [2, "2"], "5": [3, "3"]}
    assert (row["revision"], row["customer_id"], row["items"]) == (9, "cus_9", ["a"])
    assert not row["folded"], "the roll-up has not all of it: it begins again"
    await connection.close()
