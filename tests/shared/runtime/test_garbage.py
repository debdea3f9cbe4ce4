"""What dies in cycles is freed, however old it has become, and what was set aside is not looked through
again."""

import gc
import weakref
from collections.abc import Iterator

import pytest

from shared.runtime.garbage import COLLECT_AFTER, collect, collect_seldom


class Knot:
    def __init__(self) -> None:
        self.itself = self


@pytest.fixture
def seldom() -> Iterator[None]:
    before = gc.get_threshold()
    collect_seldom()
    yield
    gc.unfreeze()
    gc.set_threshold(*before)


@pytest.mark.usefixtures("seldom")
def test_what_dies_in_a_cycle_between_two_rounds_is_freed() -> None:
    assert gc.get_threshold() == COLLECT_AFTER
    collect()
    set_aside = gc.get_freeze_count()
    assert set_aside > 1000, "what is alive is not looked through again"
    knots = [Knot() for _ in range(100)]
    seen = weakref.ref(knots[0])
    gc.collect(1)  # they live on into the oldest generation, as what is in flight does
    del knots
    assert seen() is not None
    assert collect() >= 100 and seen() is None


@pytest.mark.usefixtures("seldom")
def test_what_dies_in_a_cycle_after_it_was_set_aside_is_freed_with_everything() -> None:
    knot = Knot()
    seen = weakref.ref(knot)
    collect()
    del knot
    collect()
    assert seen() is not None
    collect(everything=True)
    assert seen() is None
