"""The material label, held against the same rule in exact fractions."""

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from services.signals.domain.material_loss import Book, Stretch, is_material_loss

EVENTS, DAYS = st.integers(0, 5_000), st.integers(89, 92)


def test_sixty_silent_days_are_a_loss_and_fifty_nine_are_none() -> None:
    steady = Stretch(900, 90)
    assert is_material_loss(steady, steady, 60)
    assert not is_material_loss(steady, steady, 59)


def test_a_fall_is_one_beyond_a_quarter_and_beyond_chance() -> None:
    assert is_material_loss(Stretch(900, 90), Stretch(674, 90), 0)
    assert not is_material_loss(Stretch(900, 90), Stretch(675, 90), 0), (
        "a quarter less is not more than a quarter"
    )
    assert not is_material_loss(Stretch(20, 90), Stretch(7, 90), 0), "13² < 9 × 27: chance"
    assert is_material_loss(Stretch(20, 90), Stretch(4, 90), 0), "16² ≥ 9 × 24"
    assert not is_material_loss(Stretch(0, 90), Stretch(0, 90), 0), (
        "no use before, none after, and no silence told"
    )


def test_days_count_and_not_months() -> None:
    """675 in 92 days is less by day than 675 in 90 is."""
    assert is_material_loss(Stretch(900, 90), Stretch(675, 92), 0)


def test_a_fall_with_the_book_is_none_of_the_book() -> None:
    before, after = Stretch(900, 90), Stretch(450, 90)
    assert is_material_loss(before, after, 0)
    assert not is_material_loss(before, after, 0, Book(9000, 4500))
    assert is_material_loss(before, before, 0, Book(9000, 18000)), "it stood where everybody doubled"
    assert not is_material_loss(before, after, 0, Book(9000, 0)) and not is_material_loss(
        before, after, 0, Book(0, 0)
    )
    assert is_material_loss(before, after, 60, Book(9000, 0)), "a silence is one whatever the book does"


@given(EVENTS, DAYS, EVENTS, DAYS)
def test_the_rule_in_fractions(before: int, before_days: int, after: int, after_days: int) -> None:
    fell = Fraction(after, after_days) < Fraction(3, 4) * Fraction(before, before_days)
    wanted = fell and (before - after) ** 2 >= 9 * (before + after)
    assert is_material_loss(Stretch(before, before_days), Stretch(after, after_days), 0) == wanted


@given(EVENTS, EVENTS, st.integers(1, 50_000), EVENTS)
def test_the_rule_of_the_book_in_fractions(
    before: int, after: int, book_before: int, book_after: int
) -> None:
    expected = Fraction(before * book_after, book_before)
    wanted = after < Fraction(3, 4) * expected and (expected - after) ** 2 >= 9 * (expected + after)
    book = Book(book_before, book_after)
    assert is_material_loss(Stretch(before, 90), Stretch(after, 91), 0, book) == wanted
