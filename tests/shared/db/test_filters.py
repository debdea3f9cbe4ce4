"""What a list is asked for becomes the conditions that apply, numbered in order, each with its value."""

from dataclasses import dataclass

from shared.db.filters import Where, narrowed


@dataclass(frozen=True, slots=True)
class Asked:
    kind: str | None = None
    since: int | None = None
    name: str | None = None
    final: bool | None = None


def test_a_filter_that_asks_nothing_narrows_nothing() -> None:
    assert narrowed(Asked()) == Where("true", ())


def test_a_field_must_equal_the_column_of_its_name_or_fit_what_is_said_of_it() -> None:
    where = narrowed(Asked("a", 7, final=False), {"since": "at >= {}"}, "t")
    assert where == Where("true and t.kind = $1 and at >= $2 and t.final = $3", ("a", 7, False))


def test_a_value_may_stand_twice_in_its_condition() -> None:
    where = narrowed(Asked(kind="a", name="b"), {"name": "left(name, 3) = left({0}, 3) and name = {0}"})
    assert where.sql == "true and kind = $1 and left(name, 3) = left($2, 3) and name = $2"
    assert where.parameters == ("a", "b")


def test_more_is_asked_of_the_same_rows_and_nothing_of_a_value_that_is_not_there() -> None:
    where = narrowed(Asked(kind="a")).also("(at, id) > ({}, {})", 7, "x").also("id < {}", None)
    assert where == Where("true and kind = $1 and (at, id) > ($2, $3)", ("a", 7, "x"))


def test_another_expression_of_the_statement_goes_on_counting() -> None:
    first, number = narrowed(Asked(kind="a")).given("UTC")
    assert (first.parameters, number) == (("a", "UTC"), "$2")
    second = narrowed(Asked(name="b", since=3), {"since": ""}, following=first)
    assert second == Where("true and name = $3", ("a", "UTC", "b"))
