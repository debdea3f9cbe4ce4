"""How long a statement rests: not at all longer than it must while usage is metered at once, and never beyond
the limit."""

from hypothesis import given
from hypothesis import strategies as st

from services.rating.statements.domain.pace import Pace

PACE = Pace(min_s=1.0, max_s=30.0)
LATENESS = st.floats(0, 1e6, allow_nan=False)


def test_usage_metered_at_once_asks_for_no_more_than_the_least_rest() -> None:
    assert PACE.rest_s(0.0) == PACE.rest_s(0.2) == 1.0
    assert PACE.pause_s(1.0) == 0.0
    assert PACE.rest_s(PACE.late_s) == 1.0 < PACE.rest_s(PACE.late_s + 0.01)


def test_a_statement_rests_longer_the_later_usage_is_metered() -> None:
    assert (PACE.rest_s(1.0), PACE.rest_s(5.0), PACE.rest_s(600.0)) == (4.0, 20.0, 30.0)


@given(LATENESS, LATENESS)
def test_more_lateness_never_means_less_rest(one: float, other: float) -> None:
    less, more = sorted((one, other))
    assert PACE.min_s <= PACE.rest_s(less) <= PACE.rest_s(more) <= PACE.max_s
    assert 0 <= PACE.pause_s(PACE.rest_s(more)) <= PACE.rest_s(more) / 10
