"""A group longer than a key can be counts in `other`, whoever adds it up: no batch, back-fill, recount or move fails of
what was stored."""

import random
import string
from typing import Any

import asyncpg
import pytest

from services.billing.conservation.domain.breaks import K
from services.billing.conservation.usecases.check import check_all
from services.rating.metering.domain import admission
from services.rating.metering.domain.admission import GROUP_BYTES_MAX
from services.rating.metering.domain.group import OTHER, group_of
from services.rating.metering.fold.memory import FoldMemory
from services.rating.metering.fold.usecases.add_changes import Holding
from services.rating.metering.fold.usecases.fold import folding
from services.rating.metering.fold.usecases.move_old_book import move_old_book_step
from services.rating.metering.naming.usecases import NamedValue, ask_recounts, name_values, recount_step
from shared.db.unit_of_work import Database
from shared.values.names import KEY_CHARACTERS_MAX, SUBJECT
from tests.conftest import TestDatabase
from tests.services.rating.metering import book
from tests.services.rating.metering.batches import Metering, event, void
from tests.services.rating.metering.book import aggregates, backfilled, meter, rows

RNG = random.Random(14)
LETTERS = string.ascii_letters + string.digits
PATHS = ["".join([name, *RNG.choices(LETTERS, k=63)]) for name in "abcde"]
WIDE = {"event_type": "api.call", "aggregation": "count", "group_by": PATHS}
USERS = {**WIDE, "aggregation": "unique", "field": "user"}
#: As many bytes as a dimension's value may have, which JSON writes with six each.
LONG = [{path: "".join(RNG.choices("\x01\x02\x0e\x0f\x1a\x1b", k=128)) for path in PATHS} for _ in range(3)]
SHORT = dict.fromkeys(PATHS, "x")


async def test_usage_of_a_long_group_counts_in_other_and_takes_no_room(
    db: Database, metering: Metering, database: TestDatabase
) -> None:
    await meter(db, "wide", **WIDE)
    await meter(db, "users", **USERS)
    sent = [event(str(n), data={**data, "user": "ann"}) for n, data in enumerate((SHORT, *LONG, LONG[0]))]
    await metering.take(*sent, event("beta", "beta", data={**SHORT, "user": "bob"}))
    again = {**SHORT, PATHS[0]: "y", "user": "ann"}
    await metering.take(event("after", data=again), void("1"), void("3"))
    assert await counted(db, "acme") == {group(SHORT): 1, group(again): 1, OTHER: 2}
    assert await counted(db, "beta") == {group(SHORT): 1}
    assert await cases(db) == [("meter_group_too_long", "users/acme"), ("meter_group_too_long", "wide/acme")]
    assert await holds(database)


async def test_stored_events_with_long_groups_are_added_up_by_a_meter_that_comes_later(
    db: Database, metering: Metering, database: TestDatabase
) -> None:
    sent = [event(str(n), data={**data, "user": "ann"}) for n, data in enumerate((SHORT, *LONG, *LONG))]
    await metering.take(*sent, void("2"))
    await meter(db, "wide", **WIDE)
    await meter(db, "users", **USERS)
    await metering.take(void("1"))
    await backfilled(db, events_max=2)
    assert await counted(db, "acme") == {group(SHORT): 1, OTHER: 4}
    assert await cases(db) == [("meter_group_too_long", "users/acme"), ("meter_group_too_long", "wide/acme")]
    assert await holds(database)


async def test_a_value_that_is_named_late_moves_what_is_not_too_long(
    db: Database, database: TestDatabase
) -> None:
    metering = Metering(db, groups_max=1, batch_ids=None)
    await meter(db, "wide", **WIDE)
    late = [{**data, PATHS[0]: "named"} for data in (SHORT, *LONG)]
    await metering.take(*[event(str(n), data=data) for n, data in enumerate((SHORT, *late))])
    assert await counted(db, "acme") == {group(SHORT): 1, OTHER: 4}
    async with db.transaction() as uow:
        await ask_recounts(uow, await name_values(uow, [NamedValue("wide", PATHS[0], "named")]))
    memory = FoldMemory(1)
    async with folding(db, memory) as (uow, claim):
        assert await recount_step(uow, Holding(memory, claim.rolled_up), None, events_max=2)
    assert await counted(db, "acme") == {group(SHORT): 1, group(late[0]): 1, OTHER: 3}
    assert await holds(database)


async def test_what_was_counted_before_there_was_a_bound_is_moved_and_stays(
    db: Database, metering: Metering, database: TestDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Such a text was let in where PostgreSQL could compress it."""
    await meter(db, "wide", **WIDE)
    old = [dict.fromkeys(PATHS, char * 128) for char in "\x01\x02"]
    assert all(len(group(data).encode()) > 2704 for data in old)
    with monkeypatch.context() as before:
        before.setattr(admission, "GROUP_BYTES_MAX", 10_000)
        await metering.take(*[event(f"{n}", data=old[n % 2]) for n in range(4)])
    admin = await asyncpg.connect(database.admin_url)
    async with admin.transaction():
        await admin.execute(book.OF_BEFORE + "delete from rating.usage_series;")
    await admin.close()
    stands = await aggregates(db)
    memory = FoldMemory(1000)
    async with folding(db, memory) as (uow, claim):
        await move_old_book_step(uow, Holding(memory, claim.rolled_up), rows_max=100)
    assert await rows(db, "select from rating.old_usage_hours") == []
    assert await aggregates(db) == stands and await counted(db, "acme") == dict.fromkeys(map(group, old), 2)
    await metering.take(void("0"), event("more", data=old[1]), event("new", data=LONG[0]))
    assert await counted(db, "acme") == {group(old[0]): 1, group(old[1]): 3, OTHER: 1}
    assert await holds(database)


async def test_the_longest_group_fits_beside_the_longest_subject_and_meter(db: Database) -> None:
    """Of random letters, which no index page packs."""
    metering, name = Metering(db, groups_max=1), "m" * KEY_CHARACTERS_MAX
    left = GROUP_BYTES_MAX - len(group(dict.fromkeys(PATHS, ""))) - sum(128 for _ in PATHS)
    longer = [f"{path}.{letters(49)}.{letters(left // 5 - 51)}" for path in PATHS]
    longer[0] += letters(left % 5)
    await meter(db, name, **{**WIDE, "group_by": longer})
    subject = "".join(chr(0x20000 + RNG.randrange(0xA000)) for _ in range(SUBJECT.characters_max))
    assert len(subject.encode()) == SUBJECT.bytes_max
    for n in range(2):
        values = {path: letters(128) for path in longer}
        assert len(group(values).encode()) == GROUP_BYTES_MAX
        nested: dict[str, Any] = {}
        for path, value in values.items():
            first, second, third = path.split(".")
            nested[first] = {second: {third: value}}
        await metering.take(event(str(n), subject, data=nested))
    assert sorted((await counted(db, subject)).values()) == [1, 1]
    assert await cases(db) == [("meter_groups_exceeded", f"{name}/{subject}")]


def letters(count: int) -> str:
    return "".join(RNG.choices(LETTERS, k=count))


def group(data: dict[str, str]) -> str:
    return group_of({name: value for name, value in data.items() if name != "user"})


async def counted(db: Database, subject: str) -> dict[str, int]:
    """Group → events, of each meter alike."""
    found = await aggregates(db)
    of: dict[str, dict[str, int]] = {}
    for (whose, name, grp, _), (events, _) in found.hours.items():
        of.setdefault(name, {}).update({grp: events} if whose == subject else {})
    for (whose, name, grp, _, _), events in found.uniques.items():
        of.setdefault(name, {}).update({grp: events} if whose == subject else {})
    first, *others = of.values()
    assert all(other == first for other in others)
    return first


async def cases(db: Database) -> list[tuple[str, str]]:
    found = await rows(db, "select kind, reference from rating.exceptions order by 1, 2")
    return [(row["kind"], row["reference"]) for row in found]


async def holds(database: TestDatabase) -> bool:
    """Whether the checker, by its own reading, finds every aggregate as the stored events make it."""
    admin = await asyncpg.connect(database.admin_url)
    try:
        async with admin.transaction(isolation="repeatable_read"):
            report = await check_all(admin, only={K.QUANTITY})
    finally:
        await admin.close()
    assert report.breaks == ()
    return True
