"""Many customers who fall silent at once are a producer that has, told once; a few are customers who left."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from services.signals.domain.producer import ProducerRule, silent_producer
from services.signals.domain.rollup import Rollup, rolled_up
from services.signals.domain.silence import SilenceRule
from services.signals.evaluation.usecases.evaluate import evaluate_due
from services.signals.replica.repository.activity import ActivityRepository
from services.signals.settings import read_policy
from tests.services.signals.deployment import Signals

RULE = ProducerRule(3, 0.5, 3, 28, 28, SilenceRule(7, 45, 4))
FIRST, STOP = date(2024, 2, 1), date(2024, 3, 20)
ZONES = ("UTC", "Asia/Tokyo", "America/New_York", "UTC", "Pacific/Auckland")
NAMES = ("a", "b", "c", "d", "e")


def _days(last: date, every: int = 1) -> list[date]:
    return [FIRST + timedelta(days=n) for n in range(0, (last - FIRST).days + 1, every)]


def _used(*lasts: date) -> dict[str, list[date]]:
    return {name: _days(last) for name, last in zip(NAMES, lasts, strict=False)}


def test_three_and_half_of_those_who_used_it_within_three_days_are_the_producer() -> None:
    later, on = STOP + timedelta(days=2), STOP + timedelta(days=9)
    found = silent_producer(_used(STOP, STOP, later, on, on), on, RULE)
    assert found is not None and found.customers == {"a", "b", "c"}
    assert (found.used, found.last_seen_on) == (5, later)
    too_late = STOP + timedelta(days=3)
    assert silent_producer(_used(STOP, STOP, too_late, on, on), on, RULE) is None, "within four days"
    assert silent_producer(_used(STOP, STOP, on), on, RULE) is None, "two of three are two"
    many = {**_used(STOP, STOP, STOP), **{f"other {n}": _days(on) for n in range(4)}}
    assert silent_producer(many, on, RULE) is None, "three of seven"


def test_only_the_days_before_count_and_who_is_not_due_yet_is_not_silent() -> None:
    on = STOP + timedelta(days=9)
    spoke = _used(STOP, STOP, STOP)
    again = {name: [*days, on, on + timedelta(days=1)] for name, days in spoke.items()}
    assert silent_producer(again, on, RULE) == silent_producer(spoke, on, RULE) is not None
    assert silent_producer(again, on + timedelta(days=2), RULE) is None, "it has spoken again"
    monthly = {name: _days(STOP, every=16) for name in NAMES}
    assert silent_producer(monthly, STOP + timedelta(days=9), RULE) is None


def test_a_weekend_is_no_silence_of_the_producer() -> None:
    """Nor a long one: whoever asks, because a customer left before, nobody of those who rest is in an outage."""
    on = STOP + timedelta(days=40)
    rest = {name: [day for day in _days(on) if day.weekday() < 5 and day != on] for name in NAMES}
    uses = {**rest, "gone": _days(STOP)}
    days = [STOP + timedelta(days=n) for n in range(1, 41)]
    assert not any(silent_producer(uses, day, RULE) for day in days)
    stopped = {name: [day for day in used if day <= STOP] for name, used in uses.items()}
    assert [day for day in days if silent_producer(stopped, day, RULE)] == days[7:29], "told with the first"
    assert silent_producer(stopped, days[1], RULE, heartbeat_s=86_400) is not None, "as declared"


def test_it_is_excused_for_four_weeks_and_others_who_fall_silent_later_for_their_own() -> None:
    later = STOP + timedelta(days=20)
    uses = {**_used(STOP, STOP, STOP), **{f"later {n}": _days(later) for n in range(3)}}
    last = STOP + timedelta(days=29)
    found = [silent_producer(uses, day, RULE) for day in (last, last + timedelta(days=1))]
    assert [one and one.last_seen_on for one in found] == [STOP, later]
    assert RULE.excused_until(STOP) == last - timedelta(days=1)


async def test_customers_who_leave_together_come_to_be_at_risk_each(signals: Signals) -> None:
    """Three of three, for ever: once told as a producer, and after four weeks as who they are."""
    await book(signals, dict(zip(NAMES, (STOP, STOP, STOP), strict=False)))
    await _evaluate(signals, date(2024, 4, 17), 2)
    [told] = await _silent(signals)
    assert (told["customer"], told["data"]["excused_until"]) == ("call", "2024-04-17")
    assert not (await _standing(signals, "a"))["risk"]["at_risk"]
    await _evaluate(signals, date(2024, 4, 24), 2)
    assert [(fact["customer"], fact["day"]) for fact in await _silent(signals)][1:] == [
        (name, date(2024, 4, 19)) for name in ("a", "b", "c")
    ]
    for name in ("a", "b", "c"):
        document = await _standing(signals, name)
        assert document["risk"]["at_risk"] and "producer_silent_since" not in document
    at_risk = "select count(distinct customer_id) from signals.facts where type = 'customer.at_risk'"
    assert await signals.context.db.pool.fetchval(at_risk) == 3


@pytest.mark.parametrize("at_once", [2, 100])
async def test_a_silent_producer_is_told_once_and_held_against_nobody(signals: Signals, at_once: int) -> None:
    """Whatever customers are evaluated together, and however many days are made up for."""
    await book(signals, dict(zip(NAMES, (STOP, STOP, STOP + timedelta(days=1), None, None), strict=True)))
    await _evaluate(signals, date(2024, 4, 5), at_once)
    [told] = await _silent(signals)
    assert (told["customer"], told["customer_id"], told["day"]) == ("call", "", date(2024, 3, 28))
    assert (told["data"]["customers"], told["data"]["of_customers"], told["data"]["meters"]) == (
        3,
        5,
        ["calls"],
    )
    for name in ("a", "b", "c"):
        document = await _standing(signals, name)
        assert document["producer_silent_since"] == "2024-03-21" and document["risk"]["score"] == 0
        assert not {"silent_days", "recent_change", "trend_change"} & document["numbers"].keys()
        assert "score_p" not in document
    assert "producer_silent_since" not in await _standing(signals, "d")


async def test_two_who_stop_have_left(signals: Signals) -> None:
    await book(signals, dict(zip(NAMES, (STOP, STOP, None, None, None), strict=True)))
    await _evaluate(signals, date(2024, 4, 20), 2)
    assert {fact["customer"] for fact in await _silent(signals)} == {"a", "b"}
    assert (await _standing(signals, "a"))["numbers"]["silent_days"] == "30"


async def test_when_it_speaks_again_who_stays_silent_is_judged(signals: Signals) -> None:
    await book(signals, dict(zip(NAMES, (STOP, STOP, STOP, None, None), strict=True)))
    await _evaluate(signals, date(2024, 4, 5), 2)
    await speak(signals, ("a", "b"), date(2024, 4, 5))
    await _evaluate(signals, date(2024, 4, 25), 2)
    assert [fact["customer"] for fact in await _silent(signals)] == ["call", "c"]
    left, back = await _standing(signals, "c"), await _standing(signals, "a")
    assert "producer_silent_since" not in left and left["risk"]["at_risk"], "silent for 35 days"
    assert "silent_since" not in back and back["numbers"]["silent_days"] == "0"
    assert float(left["p_gone"]) > 0.99 and float(back["p_gone"]) == 0
    assert float(left["p_fall"]) > 0.8 and float(back["p_fall"]) < 0.05, (
        "the outage is no fall of who is back"
    )


async def book(signals: Signals, lasts: Mapping[str, date | None]) -> None:
    """Customers in several time zones who use the same event type each day; None: to the end."""
    pool = signals.context.db.pool
    await pool.execute(
        "insert into signals.meters (meter, revision, event_type, adds_up) values ('calls', 1, 'call', true)"
    )
    for (name, last), zone in zip(lasts.items(), ZONES, strict=False):
        await pool.execute("insert into signals.customers values ('cus_' || $1, 1, $1, $1, $2)", name, zone)
        await pool.execute(
            """insert into signals.customer_states values
                ('cus_' || $1, '2024-03-22', '2024-03-22 12:00+00', '{"version": 1}')""",
            name,
        )
        await _store(signals, name, _rollup(_days(last or date(2024, 4, 30))))


async def speak(signals: Signals, names: Sequence[str], since: date) -> None:
    for name in names:
        spoken = [since + timedelta(days=n) for n in range(25)]
        await _store(signals, name, _rollup([*_days(STOP), *spoken]))


def _rollup(days: Sequence[date]) -> Rollup:
    return rolled_up("calls", [(day, 20, Decimal(20)) for day in days])


async def _store(signals: Signals, name: str, rollup: Rollup) -> None:
    async with signals.context.db.transaction() as uow:
        await ActivityRepository(uow.connection).store_rollups({(f"cus_{name}", "calls"): rollup})


async def _evaluate(signals: Signals, day: date, at_once: int) -> None:
    """As the job does, a run for each few of them: nothing is kept between them but the database."""
    await evaluate_at(signals, datetime(day.year, day.month, day.day, 23, tzinfo=UTC), at_once)


async def evaluate_at(signals: Signals, until: datetime, at_once: int) -> None:
    evaluated = True
    while evaluated:
        async with signals.context.db.transaction() as uow:
            evaluated = bool(await evaluate_due(uow, until, read_policy(), at_once))


async def _silent(signals: Signals) -> list[Any]:
    return list(
        await signals.context.db.pool.fetch(
            "select * from signals.facts where type = 'meter.silent' order by day, customer"
        )
    )


async def _standing(signals: Signals, name: str) -> Any:
    return await signals.context.db.pool.fetchval(
        "select document from signals.standings where customer_id = 'cus_' || $1 order by day desc limit 1",
        name,
    )
