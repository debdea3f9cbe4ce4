"""A statement of any size travels in pages any bus takes, and comes out as it went in."""

from decimal import Decimal
from random import Random

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from services.rating.statements.domain.message import pages_of
from shared.topics.rating import (
    STATEMENTS,
    StatementLine,
    StatementMessage,
    StatementSegment,
    StatementStep,
)
from shared.topics.registry import MESSAGE_MAX_BYTES
from shared.topics.statement_pages import LINES_A_PAGE, joined
from tests.services.billing.statements import statement_of


def segment(name: str, length: int) -> StatementSegment:
    return StatementSegment(
        0, 1, 1, "hash", Decimal(1), Decimal(0), Decimal(1), Decimal("0.02"), {"plan": name + "x" * length}
    )


def line(number: int, segments: int, length: int) -> StatementLine:
    return StatementLine(
        f"line-{number}",
        f"key-{number}",
        "clause",
        1,
        "hash",
        "usage",
        Decimal(segments),
        segments,
        meter="calls",
        segments=tuple(segment(f"{number}-{n}-", length) for n in range(segments)),
    )


def statement(lines: list[StatementLine], final: bool = True, steps: int = 0) -> StatementMessage:
    """`steps`: that lead to each of the lines; 0: none were kept."""
    explanation = {one.line_id: tuple(step(one, n) for n in range(steps)) for one in lines} if steps else None
    return msgspec.structs.replace(statement_of(final=final), lines=tuple(lines), explanation=explanation)


def step(of: StatementLine, number: int) -> StatementStep:
    group = {"plan": f"{number}" + "x" * len(of.segments[0].group["plan"]) if of.segments else ""}
    said = {"meter": "calls", "version": 1, "group": group}
    return StatementStep("quantity", (of.clause_id,), said, Decimal(number), Decimal("0.02"))


def test_a_final_line_over_a_thousand_groups_and_many_spans_travels() -> None:
    """Twelve spans of a thousand groups, with names as long as names may be: 15 MB in one line, and no broker
    takes that in one message."""
    whole = statement([line(1, 3, 10), line(2, 12_000, 1000), *(line(n, 1, 10) for n in range(3, 700))])
    assert len(STATEMENTS.encode(whole)) > 13_000_000
    whole = msgspec.structs.replace(whole, explanation=statement(list(whole.lines), steps=3).explanation)
    explained = {**(whole.explanation or {}), "line-2": tuple(step(whole.lines[1], n) for n in range(24_000))}
    whole = msgspec.structs.replace(whole, explanation=explained)
    pages = pages_of(whole)
    assert max(len(STATEMENTS.encode(page)) for page in pages) < MESSAGE_MAX_BYTES // 4
    assert [(page.page, page.pages) for page in pages] == [(n, len(pages)) for n in range(1, len(pages) + 1)]
    assert len({STATEMENTS.record_key(page) for page in pages}) == len(pages)
    assert joined(pages) == whole


def test_a_draft_takes_no_segments_along_and_is_cut_by_lines() -> None:
    pages = pages_of(statement([line(n, 40, 1000) for n in range(LINES_A_PAGE + 1)], final=False))
    assert [len(page.lines) for page in pages] == [LINES_A_PAGE, 1] and not any(
        one.segments for page in pages for one in page.lines
    )


@given(
    sizes=st.lists(st.tuples(st.integers(0, 40), st.integers(0, 60_000)), max_size=12),
    steps=st.integers(0, 12),
    seed=st.integers(),
)
def test_pages_in_any_order_are_the_statement(sizes: list[tuple[int, int]], steps: int, seed: int) -> None:
    lines = [line(number, segments, length) for number, (segments, length) in enumerate(sizes)]
    whole = statement(lines, steps=steps)
    pages = pages_of(whole)
    assert max(len(STATEMENTS.encode(page)) for page in pages) < MESSAGE_MAX_BYTES // 4
    shuffled = list(pages)
    Random(seed).shuffle(shuffled)
    assert joined(STATEMENTS.decode(STATEMENTS.encode(page)) for page in shuffled) == whole
