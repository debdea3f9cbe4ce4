"""The small parts of the bus: partitioner, framing, sharing, group commit."""

import asyncio
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.bus import BusUnavailable, Record
from shared.bus.framing import decode_run, encode_run, record_hash
from shared.bus.group_commit import GroupCommit
from shared.bus.membership import Share, fair_shares, lock_key
from shared.bus.partitioner import partition_of

records = st.builds(
    Record,
    st.binary(max_size=40),
    st.binary(max_size=80),
    st.lists(st.tuples(st.text(max_size=8), st.binary(max_size=8)), max_size=3).map(tuple),
)


def test_a_key_keeps_its_partition_for_ever() -> None:
    """Written down, because another value would be another topic."""
    assert [partition_of(key, 6) for key in (b"", b"a", b"acme", b"src\0id-1")] == [0, 3, 2, 0]


@given(st.lists(records, min_size=1, max_size=20))
def test_a_run_comes_back_as_it_was(run: list[Record]) -> None:
    assert decode_run(encode_run(run)) == run


@given(records, records)
def test_equal_hashes_mean_equal_records(one: Record, other: Record) -> None:
    same = (one.key, one.value) == (other.key, other.value)
    assert (record_hash(one) == record_hash(other)) == same


@given(st.integers(1, 7), st.integers(1, 5), st.integers(1, 12))
def test_shares_are_dealt_whole_and_evenly(members: int, topics: int, partitions: int) -> None:
    shares = frozenset((f"t{topic}", partition) for topic in range(topics) for partition in range(partitions))
    dealt = fair_shares({member * 3: shares for member in range(members)})
    counts = [len(owned) for owned in dealt.values()]
    assert sum(counts) == len(shares) and frozenset[Share]().union(*dealt.values()) == shares
    assert max(counts) - min(counts) <= 1


def test_a_share_goes_only_to_a_member_that_wants_it() -> None:
    """During a rolling upgrade the new version may hear one topic more."""
    old, new = frozenset({("a", 0), ("a", 1)}), frozenset({("a", 0), ("a", 1), ("b", 0)})
    assert ("b", 0) in fair_shares({1: old, 2: new})[2]
    assert len({lock_key("g", share) for share in new} | {lock_key("h", share) for share in new}) == 6


async def test_what_waits_during_a_flush_is_flushed_together() -> None:
    flushes: list[int] = []

    async def flush(topics: Mapping[str, list[Record]]) -> None:
        flushes.append(sum(map(len, topics.values())))
        await asyncio.sleep(0.02)

    commits = GroupCommit(flush, records_max=50)
    await asyncio.gather(*(commits.add("t", [Record(b"k", b"v")] * 10) for _ in range(9)))
    assert flushes == [10, 50, 30] or flushes == [50, 40]


async def test_a_failed_flush_fails_its_callers_and_nobody_else() -> None:
    calls = 0

    async def flush(topics: Mapping[str, list[Record]]) -> None:
        nonlocal calls
        calls += 1
        await asyncio.sleep(0.01)
        if calls == 1:
            raise BusUnavailable("away")

    commits = GroupCommit(flush, records_max=1)
    first, second = await asyncio.gather(
        commits.add("t", [Record(b"k", b"1")]), commits.add("t", [Record(b"k", b"2")]), return_exceptions=True
    )
    assert isinstance(first, BusUnavailable) and second is None
    with pytest.raises(BusUnavailable):
        calls = 0
        await commits.add("t", [Record(b"k", b"3")])


async def test_a_caller_that_gives_up_does_not_hold_up_the_others() -> None:
    async def flush(topics: Mapping[str, list[Record]]) -> None:
        await asyncio.sleep(0.05)

    commits = GroupCommit(flush)
    impatient = asyncio.create_task(commits.add("t", [Record(b"k", b"1")]))
    patient = asyncio.create_task(commits.add("t", [Record(b"k", b"2")]))
    await asyncio.sleep(0)
    impatient.cancel()
    await patient
