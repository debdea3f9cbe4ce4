"""What a folder remembers takes as much memory as it may and no more, whatever it is told."""

import tracemalloc
from collections.abc import Callable
from datetime import date

import pytest

from services.rating.metering.domain.admission import GROUP_BYTES_MAX, Own
from services.rating.metering.fold.domain.packed import AT_ONCE, ELEMENT, Packed, element_of, numbers_of
from services.rating.metering.fold.memory import NAMES_BYTES_MAX, ROWS_BYTES_MAX, FoldMemory

SHORT, LONG = 8, 250
COLUMNS = [b"".join(map(element_of, range(start, start + 300))) for start in (1, 7, 10**12)]
Fill = Callable[[FoldMemory, int, int], None]


def name(n: int, size: int) -> str:
    return f"{n:08}" + "x" * (size - 8)


def subjects(memory: FoldMemory, n: int, size: int) -> None:
    memory.subjects.remember({10**6 + n: name(n, size)})


def series(memory: FoldMemory, n: int, size: int) -> None:
    memory.series.remember({("calls", 10**15, name(n, 6 * size)): 10**6 + n})
    memory.readable.meters.remember({10**6 + n: name(n, min(size, 100))})


def instants(memory: FoldMemory, n: int, size: int) -> None:
    memory.instants.remember({(10**6 + n // 4, 480_000 + n, "api.call"): 10**15 + n})


def groups(memory: FoldMemory, n: int, size: int) -> None:
    month, of = (name(n, SHORT), date(2026, 1, 1)), {name(n * 40 + k, 6 * size) for k in range(40)}
    memory.admitting.known.months.remember({month: of})
    memory.admitting.known.own.remember({(month, name(n, size)): Own(set(of))})
    known = memory.admitting.known.own.among([(month, name(n, size))])[month, name(n, size)]
    more = {name(n * 40 + k, 6 * size) for k in range(40, 60)}
    known.groups |= more
    memory.admitting.known.let_in(more)


def everything(memory: FoldMemory, n: int, size: int) -> None:
    groups(memory, n, size)
    for number in range(n * 20, n * 20 + 20):
        subjects(memory, number, size)
        series(memory, number, size)
        instants(memory, number, size)


def narrow(memory: FoldMemory, n: int, size: int) -> None:
    memory.rows.keep({(10**6 + n, 480_000 + n): row(1 if size == SHORT else 300)})


def wide(memory: FoldMemory, n: int, size: int) -> None:
    of = row(1 if size == SHORT else 300)
    of.add(element_of(10**6), 1, 0, 10**31)
    memory.rows.keep({(10**6 + n, 480_000 + n): of})


def row(count: int) -> Packed:
    """A row that grew: each of its columns has room for more."""
    series, events, values = (column[: ELEMENT * (count - 1)] for column in COLUMNS)
    made = Packed(0, series, events, values)
    made.add(element_of(10**6), 1, 0, 10**12)
    return made


@pytest.mark.parametrize("size", [SHORT, LONG])
@pytest.mark.parametrize(
    ("fill", "bytes_max", "times"),
    [
        (subjects, NAMES_BYTES_MAX, 150_000),
        (series, NAMES_BYTES_MAX, 60_000),
        (instants, NAMES_BYTES_MAX, 150_000),
        (groups, NAMES_BYTES_MAX, 3_000),
        (everything, NAMES_BYTES_MAX, 2_500),
        (narrow, ROWS_BYTES_MAX, 60_000),
        (wide, ROWS_BYTES_MAX, 40_000),
    ],
)
def test_whatever_comes_there_is_no_more_of_it_than_may_be(
    fill: Fill, bytes_max: int, times: int, size: int
) -> None:
    assert 6 * LONG <= GROUP_BYTES_MAX
    memory = FoldMemory(1000)
    tracemalloc.start()
    try:
        for n in range(times if size == SHORT or fill is instants else times // 6):
            fill(memory, n, size)
        taken, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert bytes_max // 4 < taken <= bytes_max, (
        f"{fill.__name__}: {taken:,} of {bytes_max:,}, {peak:,} at most"
    )


def test_all_of_it_is_64_mebibytes() -> None:
    assert ROWS_BYTES_MAX + NAMES_BYTES_MAX == 64 * 2**20


@pytest.mark.parametrize("count", [0, 1, AT_ONCE - 1, AT_ONCE, AT_ONCE + 1, 3 * AT_ONCE, 1000])
def test_a_column_of_any_length_is_read_whole(count: int) -> None:
    numbers = [number * 10**15 for number in range(-count, count, 2)]
    assert numbers_of(b"".join(map(element_of, numbers))) == tuple(numbers) and len(numbers) == count
