"""What a silent producer hid is no fall once it has spoken again, and a silence that is the customer's own is."""

from collections.abc import Iterable
from datetime import date, timedelta
from decimal import Decimal

import msgspec
import pytest

from services.signals.domain.customer_day import Customer, Found, Known, Meter
from services.signals.domain.evaluation import evaluate
from services.signals.domain.risk_probability import p_fall, p_gone
from services.signals.domain.rollup import fresh
from services.signals.domain.state import CustomerState, read_state
from services.signals.domain.unheard import Stretch, lived_through
from services.signals.settings import read_policy

POLICY = read_policy()
FIRST = date(2024, 1, 1)
#: Ten weekdays are lost, from a Wednesday on.
LAST, AGAIN = date(2024, 6, 4), date(2024, 6, 19)
OUTAGE = frozenset(LAST + timedelta(days=n) for n in range(1, (AGAIN - LAST).days))
END = date(2024, 11, 1)
METERS = {"calls": Meter(True, "call"), "jobs": Meter(True, "job")}
KNOWN_FROM = LAST + timedelta(days=8)


def _days(first: date, end: date) -> list[date]:
    return [first + timedelta(days=n) for n in range((end - first).days)]


def _used(without: Iterable[date] = (), end: date = END) -> list[date]:
    lost = set(without)
    return [day for day in _days(FIRST, end) if day.weekday() < 5 and day not in lost]


def _until(
    used: Iterable[date],
    day: date,
    silent_until: date = AGAIN,
    late: Iterable[date] = (),
    meter: str = "calls",
) -> Found:
    """Evaluated each day to `day`; the producer is known to be silent from its eighth day to `silent_until`, and `late` is
    what it sends then. Each state is stored and read, as it is between two evaluations."""
    rollup, days, state = fresh(meter, FIRST), set(used), CustomerState()
    for one in _days(FIRST, day + timedelta(days=1)):
        producers = {"call": LAST} if KNOWN_FROM <= one <= silent_until else {}
        who = Customer("cus_1", "acme", "UTC", {meter: rollup}, METERS, ())
        found = evaluate(Known(who, one, None, POLICY, producers=producers), state)
        assert read_state(msgspec.json.decode(msgspec.json.encode(found.state))) == found.state
        state = found.state
        for heard in [*([one] if one in days else []), *(late if one == AGAIN else [])]:
            rollup.add(heard, 20, Decimal(20))
    return found


@pytest.mark.parametrize("days", [1, 7, 14, 28, 60])
def test_after_an_outage_of_the_producer_nobody_has_fallen(days: int) -> None:
    """Two weeks after it `score_p` was 1, and thirty points were for the change of the newest four weeks."""
    found = _until(_used(OUTAGE), AGAIN + timedelta(days=days)).document
    steady = _until(_used(), AGAIN + timedelta(days=days), silent_until=FIRST).document
    assert "recent_change" not in found["numbers"] and found["risk"]["score"] == 0
    assert float(found["p_gone"]) == pytest.approx(float(steady["p_gone"]), abs=0.02)
    assert float(found.get("p_fall", 0)) < 0.05 and float(found["score_p"]) < 0.8


def test_without_what_was_lived_through_it_looks_like_a_fall() -> None:
    """As an old state leaves it, and as it is of who was silent alone."""
    found = _until(_used(OUTAGE), AGAIN + timedelta(days=14), silent_until=FIRST).document
    assert Decimal(found["p_fall"]) > Decimal("0.99") and Decimal(
        found["numbers"]["recent_change"]
    ) < Decimal("-0.4")


def test_a_fall_beside_the_outage_is_still_one() -> None:
    rests = {day for day in _days(AGAIN, END) if day.weekday() != 2}
    found = _until(_used(OUTAGE | rests), AGAIN + timedelta(days=27)).document
    assert Decimal(found["p_fall"]) > Decimal("0.99") and Decimal(
        found["numbers"]["recent_change"]
    ) < Decimal("-0.6")


def test_who_stays_silent_when_the_others_speak_has_left() -> None:
    gone = _until(_used(end=LAST + timedelta(days=1)), AGAIN + timedelta(days=20)).document
    alone = _until(
        _used(end=LAST + timedelta(days=1)), AGAIN + timedelta(days=20), silent_until=FIRST
    ).document
    names = ("numbers", "p_fall", "p_gone", "score_p")
    assert [gone[name] for name in names] == [alone[name] for name in names]
    assert gone["risk"]["at_risk"]


def test_what_was_sent_late_was_heard() -> None:
    late = sorted(day for day in OUTAGE if day.weekday() < 5)
    heard = _until(_used(OUTAGE), AGAIN + timedelta(days=10), late=late)
    steady = _until(_used(), AGAIN + timedelta(days=10), silent_until=FIRST)
    assert heard.state.unheard == {"call": (Stretch(LAST + timedelta(days=1), AGAIN - timedelta(days=1)),)}
    assert [heard.document[name] for name in ("p_fall", "p_gone")] == [
        steady.document[name] for name in ("p_fall", "p_gone")
    ]


def test_the_producer_of_something_else_hides_nothing() -> None:
    found = _until(_used(OUTAGE), AGAIN + timedelta(days=14), meter="jobs").document
    assert Decimal(found["p_fall"]) > Decimal("0.99")


def test_the_days_of_an_outage_are_no_days_of_silence_for_ever() -> None:
    """Sixteen weeks later it is compared with nothing, and it is counted still that nobody was heard."""
    found = _until(_used(OUTAGE), END)
    assert found.state.unheard == {} and found.state.use_days is not None
    assert found.state.use_days.unheard == len(OUTAGE)


def test_a_stretch_grows_while_it_lasts_and_is_forgotten() -> None:
    day, long_ago = date(2024, 6, 1), date(2024, 1, 1)
    first = lived_through({}, {"call": day}, day + timedelta(days=8), long_ago)
    # One of those who fell silent has spoken since: the producer was seen later.
    later = lived_through(first, {"call": day + timedelta(days=2)}, day + timedelta(days=9), long_ago)
    assert later == {"call": (Stretch(day + timedelta(days=1), day + timedelta(days=9)),)}
    again = lived_through(
        later, {"call": day + timedelta(days=20)}, day + timedelta(days=28), day + timedelta(days=9)
    )
    assert [len(again["call"]), again["call"][1].first] == [2, day + timedelta(days=21)]
    assert lived_through(later, {}, day + timedelta(days=200), day + timedelta(days=10)) == {}


def test_a_week_nobody_heard_is_neither_much_nor_little() -> None:
    assert p_fall([20] * 12 + [None, None, 10, 10]) == p_fall([20] * 12 + [10, 10, None, None])
    assert p_fall([20] * 16) == p_fall([20] * 16 + []) and p_fall([20] * 12 + [None] * 4) is None
    assert p_fall([None] * 9 + [20] * 3 + [10] * 4) is None, "three old weeks"
    found, whole = p_fall([20] * 12 + [None, 10, 10, 10]), p_fall([20] * 12 + [10] * 4)
    assert found is not None and whole is not None and 0.9 < found < whole, "the same rate, less sure"
    assert p_gone(2, 100, 50) == pytest.approx(0.632, abs=0.001)
