"""Layouts are kept for whoever asks again: as long as the versions they are of, and no more than so many pieces at once."""

import gc
import tracemalloc
from collections.abc import Callable
from itertools import islice

from shared.pricing import VersionInForce
from shared.pricing.layout import lay_out
from shared.pricing.layouts import PIECES_MAX, Layouts, layout_of
from tests.shared.pricing.contracts import JANUARY, chain, document, terms, usage_line

LINES = 20
KILOBYTE = 1024
#: Refilled every day: a month is cut into as many pieces as it has days.
DAILY = {"key": "daily", "amount": "1", "refill": {"every": "day"}}


def contract(**over: object) -> tuple[VersionInForce, ...]:
    lines = [usage_line(key=f"line-{number}", meter=f"meter-{number}") for number in range(LINES)]
    return chain(terms(**{"lines": lines, **over}))


def kept_bytes(act: Callable[[], object]) -> int:
    """What is still held once it was done."""
    gc.collect()
    tracemalloc.start()
    try:
        held = act()
        gc.collect()
        size, _ = tracemalloc.get_traced_memory()
        del held
        return size
    finally:
        tracemalloc.stop()


def test_the_same_versions_are_laid_out_once() -> None:
    known, layouts = contract(), Layouts(lay_out, PIECES_MAX)
    first = layouts.of(known, JANUARY, ())
    assert layouts.of(list(known), JANUARY, ()) is first
    assert layouts.of(contract(), JANUARY, ()) is not first, "other versions, though they read the same"
    assert first == lay_out(known, JANUARY, ())
    assert first.pieces == 1 + LINES


def test_what_weighs_too_much_makes_room_the_oldest_first() -> None:
    layouts, held = Layouts(lay_out, pieces_max=3 * (1 + LINES)), [contract() for _ in range(5)]
    found = [layouts.of(known, JANUARY, ()) for known in held]
    assert layouts.pieces == 3 * (1 + LINES)
    assert all(layouts.of(known, JANUARY, ()) is one for known, one in zip(held[2:], found[2:], strict=True))
    assert layouts.of(held[0], JANUARY, ()) is not found[0]


def test_one_that_is_heavier_than_all_is_kept_alone() -> None:
    layouts, heavy = Layouts(lay_out, pieces_max=100), contract(credits=[DAILY])
    layouts.of(contract(), JANUARY, ())
    assert layouts.of(heavy, JANUARY, ()) is layouts.of(heavy, JANUARY, ())
    assert layouts.pieces == lay_out(heavy, JANUARY, ()).pieces > 20 * LINES


def test_a_layout_goes_as_its_versions_do() -> None:
    layouts = Layouts(lay_out, PIECES_MAX)
    for _ in range(10):
        layouts.of(contract(credits=[DAILY]), JANUARY, ())
    gc.collect()
    assert layouts.pieces == 0


def test_questions_leave_nothing_behind() -> None:
    """A hundred heavy layouts of contracts that nobody holds: with them kept it would be tens of megabytes."""

    def ask(contracts: int) -> None:
        for number in range(contracts):
            known = contract(credits=[DAILY], contract=f"asked-{number}")
            for period in islice(known[0].terms.calendar.periods(), 10):
                layout_of(known, period)

    ask(1)  # what is made once
    assert kept_bytes(lambda: ask(10)) < 100 * KILOBYTE


def test_a_piece_is_about_a_kilobyte() -> None:
    """What is kept is bounded in pieces, and so in bytes: of contracts of one kind of line, and cut into slices."""
    layouts = Layouts(lay_out, PIECES_MAX)
    for written in (document(), {"credits": [DAILY]}):
        held = [contract(**{**written, "contract": f"held-{number}"}) for number in range(20)]
        size = kept_bytes(lambda held=held: [layouts.of(known, JANUARY, ()) for known in held])  # type: ignore[misc]
        pieces = sum(lay_out(known, JANUARY, ()).pieces for known in held)
        assert size < 2 * KILOBYTE * pieces, f"{size / pieces:.0f} bytes a piece"
