"""Laws of the fold: whatever comes in whatever order, split and folded however, the views are what one tally of
the standing events makes; and no batch is folded twice or never."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from zlib import crc32

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.rating.catalogue.repository import CatalogueRepository
from services.rating.metering.fold.domain.packed import Packed, element_of, numbers_of
from services.rating.metering.fold.domain.share import Backlog, Share, Waiting, share_of
from services.rating.metering.fold.memory import ROW_BYTES, FoldMemory, KnownRows
from services.rating.metering.fold.usecases import fold as folding
from services.rating.metering.fold.usecases import roll_up as rolling
from services.rating.metering.memory import KnownSubjects
from services.rating.metering.repository.admission import AdmissionRepository
from services.rating.metering.usecases.number_subjects import number_subjects
from shared.db.unit_of_work import Database
from shared.topics.usage_ingest import UsageMessage
from tests.conftest import TestDatabase
from tests.services.rating.metering import book
from tests.services.rating.metering.batches import NOW, Metering, event, void
from tests.services.rating.metering.book import FORGET, Aggregates, aggregates, meter, rows
from tests.services.rating.metering.oracle import tallied

METERS: dict[str, dict[str, Any]] = {"calls": book.CALLS, "seconds": book.SECONDS, "users": book.USERS}
GROUPS_MAX = 3
LARGEST = 10**19 - 1
#: As the door lets them in: up to 19 digits, and up to 12 decimals.
NUMBERS = st.one_of(
    st.integers(0, 10),
    st.integers(-LARGEST, LARGEST),
    st.builds(
        lambda whole, part, digits: f"{whole}.{part:0{digits}d}",
        st.integers(-LARGEST, LARGEST),
        st.integers(0, 9),
        st.integers(1, 12),
    ),
    st.just(f"0.{10**12 - 1}"),
)


@dataclass(frozen=True)
class Sent:
    """A batch: its partition, what it brings, whether a fold comes after it, and whether days are rolled up
    then."""

    partition: int
    messages: Sequence[UsageMessage]
    folded: bool
    rolled_up: bool


@st.composite
def traffic(draw: st.DrawFn) -> list[Sent]:
    """Events of three subjects over two months, some late by weeks, some again, some void before or after they
    come, in more groups than there is room for; in batches of three partitions."""
    sent: list[UsageMessage] = []
    for n in range(draw(st.integers(1, 40))):
        data = {
            "region": f"r{draw(st.integers(0, 5))}",
            "plan": draw(st.sampled_from(["", "a"])),
            "user": f"u{draw(st.integers(0, 2))}",
            "seconds": draw(NUMBERS),
        }
        at = NOW + timedelta(hours=draw(st.sampled_from([0, 0, 0, 1, -1, 26, -700])))
        kind = draw(st.sampled_from(["api.call", "api.call", "api.call", "other"]))
        sent.append(
            event(str(n), draw(st.sampled_from(["acme", "acme", "beta", "tiny"])), at, data, type=kind)
        )
        if draw(st.integers(0, 4)) == 0:
            sent.append(void(str(draw(st.integers(0, n + 3)))))
        if draw(st.integers(0, 9)) == 0:
            sent.append(draw(st.sampled_from(sent)))
    order = draw(st.permutations(sent))
    left = {partition: [m for m in order if crc32(m.id.encode()) % 3 == partition] for partition in range(3)}
    batches: list[Sent] = []
    while any(left.values()):
        partition = draw(st.sampled_from([partition for partition, found in left.items() if found]))
        size = draw(st.integers(1, 12))
        batches.append(Sent(partition, left[partition][:size], draw(st.booleans()), draw(st.booleans())))
        del left[partition][:size]
    return batches


@pytest.mark.timeout(240)
@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(batches=traffic(), share_bytes=st.sampled_from([1, 300, 4_000_000]))
async def test_views_are_what_one_tally_makes(
    db: Database, admin: asyncpg.Connection, batches: list[Sent], share_bytes: int
) -> None:
    await admin.execute(FORGET)
    for name, terms in METERS.items():
        await meter(db, name, **terms)
    metering = Metering(db, groups_max=GROUPS_MAX, now=NOW + timedelta(days=40))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(folding, "SHARE_BYTES_MAX", share_bytes)
        patch.setattr(rolling, "ROWS_MAX", 1)
        for batch in batches:
            await metering.store(*batch.messages, partition=batch.partition)
            if batch.folded:
                await metering.fold()
            if batch.rolled_up:
                await metering.roll_up()
        await metering.fold()
    assert await aggregates(db) == await expected(db, [m for batch in batches for m in batch.messages])


async def test_days_are_rolled_up_subject_by_subject_and_late_events_go_into_their_rows(
    db: Database, admin: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At every step of a pass the view shows the same days; what is rolled up is read from days alone."""
    monkeypatch.setattr(rolling, "ROWS_MAX", 2)
    for name, terms in METERS.items():
        await meter(db, name, **terms)
    metering = Metering(db, now=NOW + timedelta(days=2))
    subjects = [f"s{n}" for n in range(5)]
    sent = [
        event(f"{subject}/{hours}", subject, NOW + timedelta(hours=hours), {"seconds": "1.5", "user": "u"})
        for subject in subjects
        for hours in (-40, -39, -12, 0, 14)
    ]
    await metering.take(*sent)
    steps = 0
    while await metering.roll_up():
        steps += 1
        assert await aggregates(db) == await expected(db, sent)
        more = event(
            f"late{steps}", f"s{steps % 5}", NOW - timedelta(hours=38), {"seconds": "0.25", "user": "v"}
        )
        sent.append(more)
        await metering.take(more)
        assert await aggregates(db) == await expected(db, sent)
    assert steps == len(subjects)
    # 14 hours after noon it is 2:00 on the 11th: the 10th is over
    state = await admin.fetchrow(
        "select rolled_before, rolling_before, rolling_subject from rating.fold_state"
    )
    assert tuple(state or ()) == ((NOW + timedelta(days=1)).date(), (NOW + timedelta(days=1)).date(), 0)
    await admin.execute("delete from rating.usage_packed_hours where hour < '2026-03-11 00:00+00'")
    assert (await aggregates(db)).days == (await expected(db, sent)).days


async def test_a_process_leaves_the_folds_to_another_that_folds(db: Database, metering: Metering) -> None:
    """Unless it is asked for everything: then it does not wait for the other one's pace."""
    await meter(db, "calls", **book.CALLS)
    await metering.take(event("0"))
    await metering.store(event("1"))
    other = FoldMemory(1000)
    assert not await folding.fold_share(db, other, NOW, in_turn=True)
    assert await folding.fold_share(db, metering.context.state.metering.fold, NOW, in_turn=True)
    await metering.store(event("2"))
    assert await folding.fold_share(db, other, NOW)
    await metering.store(event("3"))
    await rows(db, "update rating.fold_state set folded_at = folded_at - interval '1 hour'")
    assert await folding.fold_share(db, metering.context.state.metering.fold, NOW, in_turn=True), (
        "the other one has not folded for long"
    )


async def test_a_number_that_was_rolled_back_is_not_remembered(db: Database) -> None:
    known = KnownSubjects()
    with pytest.raises(RuntimeError):
        async with db.transaction() as uow:
            taken = await number_subjects(uow, ["acme"], known)
            raise RuntimeError("the batch fails")
    assert known.among(["acme"]) == {}
    async with db.transaction() as uow:
        again = await number_subjects(uow, ["acme"], known)
        assert known.among(["acme"]) == {}, "before it has committed"
    assert known.among(["acme"]) == again != taken


def test_rows_are_remembered_up_to_so_many_bytes_those_that_changed_last() -> None:
    known = KnownRows(bytes_max=10 * ROW_BYTES)
    for hour in range(30):
        row = Packed()
        row.add(element_of(1), 1, 0, 1)
        known.keep({(1, hour): row})
    found, unknown = known.among([(1, hour) for hour in range(30)])
    assert len(found) in range(5, 11) and unknown == [(1, hour) for hour in range(30 - len(found))]


def test_a_series_is_found_among_numbers_whose_bytes_look_like_it() -> None:
    """An element begins with its length, so it can be read across the border of two others."""
    numbers = [8, 2048, 2056, 8 << 16, 8 << 24, 8 << 32, (8 << 32) | 8, 8 << 40, 1, 256, (3 << 32) | 8]
    row, times = Packed(), 3
    for number in (numbers + numbers[::-1]) * times:
        row.add(element_of(number), 1, 0, number)
    found = zip(numbers_of(row.series), numbers_of(row.events), numbers_of(row.values), strict=True)
    assert sorted(found) == sorted((number, 2 * times, 2 * times * number) for number in numbers)


async def test_a_hundred_of_the_largest_are_exact(db: Database, metering: Metering) -> None:
    """Beyond 64 bits within a batch, between batches and in a row; with twelve decimals beside none; down and
    back again."""
    await meter(db, "seconds", **book.SECONDS)
    sent: list[UsageMessage] = []
    for n in range(100):
        sent.append(event(f"large{n}", data={"seconds": LARGEST}))
    for n, number in enumerate(("0.000000000001", 1, f"-{LARGEST}.{10**12 - 1}", "12.5", -7)):
        sent.append(event(f"odd{n}", data={"seconds": number}))
    for n in range(0, len(sent), 7):
        await metering.take(*sent[n : n + 7])
    assert await aggregates(db) == await expected(db, sent)
    voids = [void(f"large{n}") for n in range(100)]
    await metering.take(*voids)
    assert await aggregates(db) == await expected(db, [*sent, *voids])


async def test_a_batch_with_a_lower_number_that_commits_last_is_folded_too(db: Database) -> None:
    metering = Metering(db)
    await meter(db, "calls", **book.CALLS)
    sent = await _lower_number_last(db, metering)
    assert await aggregates(db) == await expected(db, sent)


async def test_one_number_for_all_partitions_would_lose_it(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def one_number(backlog: Backlog, watermark: Any, bytes_max: int) -> Share:
        share = share_of(backlog, watermark, bytes_max)
        return Share(
            share.chosen, {str(n): max(share.watermark.values(), default=0) for n in range(2)}, share.more
        )

    monkeypatch.setattr(folding, "share_of", one_number)
    metering = Metering(db)
    await meter(db, "calls", **book.CALLS)
    sent = await _lower_number_last(db, metering)
    assert await aggregates(db) != await expected(db, sent)


async def _lower_number_last(db: Database, metering: Metering) -> list[UsageMessage]:
    """Two partitions: the batch that took the lower number commits after the fold of the other one."""
    first, slow, quick = event("first"), event("slow"), event("quick", "beta")
    await metering.take(first)
    held, go_on = asyncio.Event(), asyncio.Event()
    slowly = asyncio.create_task(metering.store(slow, partition=0, before_commit=(held, go_on)))
    await held.wait()
    await metering.take(quick, partition=1)
    go_on.set()
    await slowly
    await metering.fold()
    return [first, slow, quick]


def test_a_share_ends_within_a_partition_and_the_watermark_with_it() -> None:
    waiting = [Waiting(0, 3, 10), Waiting(0, 9, 10), Waiting(1, 4, 10)]
    backlog = Backlog(waiting, {0: 9, 1: 4, 2: 8})
    share = share_of(backlog, {"0": 1, "3": 2}, 20)
    assert [delta.batch_id for delta in share.chosen] == [3, 4]
    # partition 2 left no delta, and is passed; partition 3 has nothing new
    assert share.watermark == {"0": 3, "1": 4, "2": 8, "3": 2}
    assert share_of(backlog, {}, 1).chosen == [Waiting(0, 3, 10)]
    cut = Backlog(waiting, backlog.last, frozenset({1}))
    assert share_of(cut, {}, 1000).watermark == {"0": 9, "1": 4, "2": 8}


async def expected(db: Database, sent: Sequence[UsageMessage]) -> Aggregates:
    """The tally of what stands of these, in admitted groups."""
    async with db.transaction() as uow:
        meters = await CatalogueRepository(uow.connection).meters()
        subjects = {message.subject for message in sent}
        admission = await AdmissionRepository(uow.connection).admission(meters, subjects)
    return tallied(sent, meters, admission)


@pytest.fixture
async def admin(database: TestDatabase) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(database.admin_url)
    yield connection
    await connection.close()
