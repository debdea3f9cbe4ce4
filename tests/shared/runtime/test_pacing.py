"""Resting between small rounds: never after a full one, never long, and only while things flow."""

from hypothesis import given
from hypothesis import strategies as st

from shared.runtime.pacing import AT_ONCE_S, FLOWS_AFTER_S, REST_MAX_S, SHARE, Flow, rest_s


@given(st.floats(0, 1000))
def test_a_rest_is_a_few_rounds_long_and_bounded(took_s: float) -> None:
    assert rest_s(took_s, full=True) == 0.0
    assert rest_s(took_s, full=False) == min(SHARE * took_s, REST_MAX_S)


def test_a_burst_is_no_flow_and_a_wait_ends_one() -> None:
    moment = 100.0
    flow = Flow(now=lambda: moment)
    seen = []
    for waited_s, passed_s in (
        (0.0, 0.1),
        (0.0, FLOWS_AFTER_S),
        (AT_ONCE_S, 0.1),
        (2 * AT_ONCE_S, 0.1),
        (0.0, 0.1),
        (0.0, FLOWS_AFTER_S),
    ):
        moment += passed_s
        seen.append(flow.looked(waited_s))
    assert seen == [False, True, True, False, False, True]
