"""What counts towards commitments, final period by final period, against a plain account of who counts what."""

from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from services.rating.corrections.domain.counted import CountedRow, Counts
from shared.pricing.balances import Balances, CommitmentCounted
from tests.services.rating.deployment import utc

MONTHS = [utc("2024-01-01T00:00:00") + timedelta(days=31 * month) for month in range(4)]
minor = st.integers(0, 50)
of_blocks = st.fixed_dictionaries({"first": minor, "second": minor})


def counted(by: dict[str, int]) -> Balances:
    return Balances(counted=tuple(CommitmentCounted(*row) for row in sorted(by.items()) if row[1]))


def test_a_commitment_that_ended_before_is_counted_by_nobody_after_it() -> None:
    counts = Counts([CountedRow("acme-1", MONTHS[0], "ended", 7)])
    opening = counts.opened("acme-1", MONTHS[1], counted({"ended": 5}))
    assert opening == counted({"ended": 7})
    assert counts.closed("acme-1", MONTHS[1], (counted({"ended": 5}), opening), Balances()) == Balances()
    assert counts.opened("acme-1", MONTHS[0], Balances()) == Balances()


@given(
    known=st.lists(of_blocks, min_size=4, max_size=4),
    opened=st.lists(of_blocks, min_size=4, max_size=4),
    again=st.lists(st.tuples(st.integers(0, 3), of_blocks), max_size=6),
)
def test_each_period_is_opened_with_what_all_others_count_now(
    known: list[dict[str, int]], opened: list[dict[str, int]], again: list[tuple[int, dict[str, int]]]
) -> None:
    """Whatever each was opened with, and in whatever order they are priced again: it keeps the opening with which it became
    final, and what it closes with is that and what it counts itself."""
    of, fell = [dict(one) for one in known], set[datetime]()
    counts = Counts(
        CountedRow(name, start, block, minor)
        for name in ("acme-1", "another")
        for start, blocks in zip(MONTHS, known, strict=True)
        for block, minor in blocks.items()
    )
    for at, own in again:
        before, start = counted(opened[at]), MONTHS[at]
        others = {
            block: sum(one[block] for n, one in enumerate(of) if n != at) for block in ("first", "second")
        }
        opening = counts.opened("acme-1", start, before)
        assert {row.block: row.amount_minor for row in opening.counted if row.amount_minor} == {
            block: minor for block, minor in others.items() if minor
        }
        priced = counted({block: others[block] + own[block] for block in own})
        fell |= {start} if any(own[block] < of[at][block] for block in own) else set()
        closing = counts.closed("acme-1", start, (before, opening), priced)
        still = [block for block in own if others[block] + own[block]]
        assert closing == counted({block: opened[at][block] + own[block] for block in still})
        of[at] = dict(own)
        assert counts.fell == ({"acme-1": max(fell)} if fell else {})
