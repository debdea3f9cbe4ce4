"""The evaluation on examples a person can check by hand, and on what nobody likes to divide by."""

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.signals.domain.activation import ActivationState, Reached, activation
from services.signals.domain.capacity import periods_over
from services.signals.domain.customer_day import Contract, Customer, Engagement, Found, Known, Meter
from services.signals.domain.evaluation import evaluate
from services.signals.domain.policy import Factor, RiskRule
from services.signals.domain.projection import Pace, pace, project
from services.signals.domain.risk import Risk, risk
from services.signals.domain.rollup import DAYS_MAX, Rollup, fresh, rolled_up
from services.signals.domain.shown import shown_object
from services.signals.domain.silence import SilenceRule, silence
from services.signals.domain.state import CustomerState
from services.signals.domain.steps.risk import Worst, worst_of
from services.signals.domain.trend import Said, TrendState, trend
from services.signals.domain.values import values_of
from services.signals.settings import read_policy
from shared.pricing.language.activation import Activation as ActivationClause
from tests.services.signals.contracts import calls_line, contract, statement

DAY = date(2024, 3, 1)
RULE = read_policy().trend
SILENCE = SilenceRule(days_min=7, days_max=45, habit_times=4)


def customer(rollups: dict[str, Rollup], contracts: Sequence[Contract] = ()) -> Customer:
    return Customer("cus_1", "acme", "UTC", rollups, {"calls": Meter(True, "call")}, contracts)


def evaluated(
    who: Customer,
    day: date = DAY,
    engagement: Engagement | None = None,
    state: CustomerState | None = None,
) -> Found:
    return evaluate(Known(who, day, engagement, read_policy()), state or CustomerState())


def daily(count: int, first: date, days: int, meter: str = "calls") -> Rollup:
    return rolled_up(meter, [(first + timedelta(days=n), count, Decimal(count)) for n in range(days)])


def test_a_customer_without_a_contract_and_one_without_usage_are_evaluated() -> None:
    nobody = evaluated(customer({}))
    assert (
        nobody.document["trend"]["trend"] == "unknown"
        and nobody.document["risk"]["score"] == 0
        and not nobody.facts
    )
    without_contract = evaluated(customer({"calls": daily(5, date(2024, 1, 1), 60)}))
    assert without_contract.document["trend"]["trend"] == "steady" and without_contract.document[
        "last_seen_on"
    ] == date(2024, 2, 29)
    without_usage = evaluated(customer({}, [contract()]))
    assert [fact.type for fact in without_usage.facts] == ["customer.at_risk", "customer.activation.failed"]
    reasons = [reason["reason"] for reason in shown_object(without_usage.document)["risk"]["reasons"]]
    assert reasons == ["silent_days", "activation_missing"], "sixty days of a contract without any use"


def test_silence_does_not_count_days_before_the_customer_was_known() -> None:
    """A contract whose term began months ago is entered today: nothing was heard because nobody listened."""
    new = customer({}, [contract()])
    found = evaluated(new, state=CustomerState(known_on=DAY))
    assert found.document["numbers"]["silent_days"] == 0
    assert [reason["reason"] for reason in shown_object(found.document)["risk"]["reasons"]] == [
        "activation_missing"
    ]
    later = evaluated(new, DAY + timedelta(days=31), state=found.state)
    assert later.document["numbers"]["silent_days"] == 31, "from then on each day counts"


def test_a_further_term_does_not_begin_the_silence_of_who_never_used_anything_anew() -> None:
    never = customer({}, [contract()])
    found = evaluated(never, date(2025, 1, 3), state=CustomerState(known_on=date(2024, 1, 1)))
    assert found.document["numbers"]["silent_days"] == 368


def test_a_trend_is_of_the_contract_that_runs_and_not_of_one_that_is_over() -> None:
    over = contract(contract="acme-2022", term={"start": "2022-01-01", "months": 12}, renewal={"auto": False})
    used = {"calls": daily(5, date(2023, 6, 1), 260)}
    runs = contract(term={"start": "2023-10-01", "months": 12})
    states = [
        evaluated(customer(used, held)).document["trend"] for held in ([over, runs], [runs, over], [runs])
    ]
    assert states[0] == states[1] == states[2] and states[0]["weeks"] == 21


def test_a_customer_comes_to_be_at_risk_in_the_middle_of_a_term_and_is_told_of_once() -> None:
    """With two months' notice nobody would hear of it for ten."""
    state, told, use = CustomerState(), [], fresh("calls", date(2024, 1, 1))
    for number in range(300):
        day = date(2024, 1, 1) + timedelta(days=number)
        found = evaluated(customer({"calls": use}, [contract()]), day, state=state)
        told += [fact for fact in found.facts if fact.type in ("customer.at_risk", "renewal.at_risk")]
        state = found.state
        if number < 60 or day == date(2024, 6, 1):
            use.add(day, 5, Decimal(5))
    assert [(fact.type, fact.contract) for fact in told] == [("customer.at_risk", "acme-2024")] * 2, (
        "no renewal is due yet"
    )
    assert told[0].day == date(2024, 3, 31), "thirty days of silence"
    assert told[1].day > date(2024, 6, 1), "again only after it was used meanwhile"
    assert {"score", "at_risk", "reasons"} <= told[0].data.keys()


def test_a_customer_without_a_contract_comes_to_be_at_risk_with_hysteresis() -> None:
    """Fifty points begin it, and forty end it: of 45 it depends on what was before."""
    users = {50: Engagement(users_month=4, users_month_before=10, most_active=4, most_active_quiet=2)}
    users[25] = Engagement(users_month=4, users_month_before=10)
    state, said = CustomerState(), []
    for points in (25, 50, 50, 25, 50):
        found = evaluated(customer({}), engagement=users[points], state=state)
        said.append((found.document["risk"]["score"], [fact.type for fact in found.facts][-1:]))
        state = found.state
    assert [points for points, _ in said] == [25, 50, 50, 25, 50]
    assert [told == ["customer.at_risk"] for _, told in said] == [False, True, False, False, True]


def test_the_worst_contract_is_one_at_risk_before_one_with_more_points() -> None:
    """45 points that came down from 50 are at risk still; 46 that came up are not yet."""
    falling, rising = Risk(45, True, ()), Risk(46, False, ())
    assert worst_of({"a": falling, "b": rising}, rising) == Worst(falling, "a")
    assert worst_of({}, rising) == Worst(rising, None)


def test_quiet_users_are_told_once_and_again_only_after_they_were_back() -> None:
    told, state = [], CustomerState()
    for quiet in (1, 2, 2, 1, 3, 0, 3):  # of four: 0.25, 0.5, 0.5, 0.25 (below 0.34: back), 0.75, 0, 0.75
        found = evaluated(
            customer({}), engagement=Engagement(most_active=4, most_active_quiet=quiet), state=state
        )
        told.append([fact.type for fact in found.facts])
        state = found.state
    quiet_now = ["customer.users_quiet"]
    assert told == [[], quiet_now, [], [], quiet_now, [], quiet_now]
    unknown = evaluated(customer({}), engagement=Engagement(), state=CustomerState(users_quiet=True))
    assert not unknown.facts and unknown.state.users_quiet, "too few users to say changes nothing"


def test_who_was_told_to_be_at_risk_is_not_told_again_after_a_silent_producer() -> None:
    """Due in the notice window, so that the renewal is at risk as well."""
    who = customer({"calls": daily(5, date(2024, 1, 1), 240)}, [contract(activation=None)])
    told, state = [], CustomerState(known_on=date(2024, 1, 1))
    for number, silent in enumerate((False, True, True, False)):
        day = date(2024, 11, 5) + timedelta(days=number)
        producers = {"call": date(2024, 8, 27)} if silent else {}
        found = evaluate(Known(who, day, None, read_policy(), producers=producers), state)
        assert found.document["risk"]["at_risk"] is not silent
        told.append([fact.type for fact in found.facts if fact.type.endswith("at_risk")])
        state = found.state
    assert sorted(told[0]) == ["customer.at_risk", "renewal.at_risk"] and told[1:] == [[], [], []]


def test_of_a_silent_producer_no_users_have_gone_quiet() -> None:
    meters = {"calls": Meter(True, "call"), "users": Meter(False, "call", "user")}
    who = Customer("cus_1", "acme", "UTC", {"calls": daily(5, date(2024, 1, 1), 40)}, meters, ())
    fewer = Engagement(users_month=1, users_month_before=9, most_active=4, most_active_quiet=4)
    left = evaluate(Known(who, DAY, fewer, read_policy()), CustomerState())
    assert "customer.users_quiet" in [fact.type for fact in left.facts]
    assert {"users_change", "most_active_quiet"} <= left.document["numbers"].keys()
    silent = Known(who, DAY, fewer, read_policy(), producers={"call": date(2024, 2, 9)})
    unheard = evaluate(silent, CustomerState())
    assert not unheard.facts and not unheard.document["numbers"] and unheard.document["risk"]["score"] == 0
    elsewhere = evaluate(
        Known(who, DAY, fewer, read_policy(), producers={"other": date(2024, 2, 9)}), CustomerState()
    )
    assert elsewhere.document["numbers"].keys() == left.document["numbers"].keys()


@pytest.mark.parametrize(
    "said", [{"included:calls": "1000", "used:calls": "10"}, {"minimum_minor": "100000"}]
)
def test_of_a_silent_producer_no_pace_is_short(said: dict[str, str]) -> None:
    """Of an allowance by its meter, of a minimum by what any line counts; a producer of something else changes none."""
    lines = [{"key": "calls", "kind": "usage", "meter": "calls", "quantity": "10", "amount_minor": 100}]
    line = calls_line() if "minimum_minor" in said else calls_line(included="1000")
    spoken = statement(date(2024, 2, 1), date(2024, 3, 1), said, lines)
    agreed = contract(spoken, lines=[line], activation=None)
    who = customer({"calls": daily(1, date(2024, 2, 1), 10)}, [agreed])
    reasons = {}
    for producer in ("none", "call", "other"):
        known = Known(who, date(2024, 2, 25), None, read_policy(), producers={producer: date(2024, 2, 10)})
        found = shown_object(evaluate(known, CustomerState()).document)
        assert [one["pace"] for one in found["contracts"]["acme-2024"]["consumption"]] != [None]
        reasons[producer] = [one["reason"] for one in found["contracts"]["acme-2024"]["risk"]["reasons"]]
    assert "pace" in reasons["none"] and reasons["other"] == reasons["none"] and reasons["call"] == []


def test_a_zero_allowance_and_a_zero_minimum_divide_nothing() -> None:
    said = statement(
        date(2024, 2, 1),
        date(2024, 3, 1),
        {"minimum_minor": "0", "included:calls": "0", "used:calls": "12"},
        [{"key": "calls", "kind": "usage", "meter": "calls", "quantity": "0", "amount_minor": 0}],
    )
    agreed = contract(said, lines=[calls_line(included="0")])
    found = evaluated(customer({"calls": daily(1, date(2024, 2, 1), 20)}, [agreed]))
    shares = [one["share"] for one in found.document["contracts"]["acme-2024"]["consumption"]]
    assert shares == [None, None]
    assert {value["name"] for value in values_of(shown_object(found.document))} >= {
        "elapsed_share",
        "activation",
        "risk_score",
    }


def test_every_value_has_a_unit_a_definition_and_evidence() -> None:
    found = evaluated(
        customer({"calls": daily(5, date(2023, 12, 1), 90)}, [contract(lines=[calls_line(included="0")])]),
        engagement=Engagement(3, 5, 9, 10, 2, 4, user_days_month=90),
    )
    values = values_of(shown_object(found.document))
    assert len(values) > 12 and all(value["unit"] and value["definition"] for value in values)
    assert {(one["evidence"]["service"], one["evidence"]["path"].split("?")[0]) for one in values} == {
        ("signals", "/v1/customers/acme/activity"),
        ("rating", "/v1/statements"),
    }
    assert [type(one["value"]) for one in values if one["name"] == "silent_days"] == [int, int], (
        "of the meter, and of all meters"
    )
    assert next(value["value"] for value in values if value["name"] == "stickiness") == "0.3333"


def test_an_evaluation_knows_only_the_days_before_it() -> None:
    """Whenever it is asked: activity of later days changes nothing."""
    early, late = daily(5, date(2024, 1, 1), 60), daily(5, date(2024, 1, 1), 90)
    said = [evaluated(customer({"calls": rollup}, [contract()])) for rollup in (early, late)]
    assert said[0].document == said[1].document and said[0].facts == said[1].facts


def test_the_trend_needs_weeks_is_robust_and_keeps_a_state() -> None:
    assert trend([100] * 7, RULE).state is TrendState.UNKNOWN
    assert trend([100, 100, 3, 100, 100, 100, 9, 100, 100], RULE).state is TrendState.STEADY, (
        "two storms in nine weeks decide nothing"
    )
    assert trend([100] * 6 + [160] * 6, RULE).change == Decimal("0.6")
    assert trend([5, 6, 5, 6, 5, 6, 7, 7, 7], RULE).state is TrendState.UNKNOWN, "too few to say anything"
    chance = trend([30, 36] * 12 + [38, 42] * 6, RULE)
    assert chance.state is TrendState.STEADY and chance.within_chance, "33 to 40 a week is chance"
    falling = [1000] * 6 + [840] * 6
    assert (
        trend(falling, RULE).state is TrendState.STEADY
        and trend(falling, RULE, Said(TrendState.DRIFTING, known=True)).state is TrendState.DRIFTING
    )
    assert trend([100] * 9 + [0] * 9, RULE).state is TrendState.STEADY, (
        "a run of silence is an outage, not zeros"
    )


def test_of_who_is_silent_that_is_said_and_no_turn_of_the_trend() -> None:
    """Use that halved, and then ended: what there was is drifting, and not told while nothing is heard."""
    first, stop = date(2023, 9, 4), date(2024, 2, 12)
    halved = [(first + timedelta(days=n), 20 if n < 80 else 10) for n in range((stop - first).days)]
    rollup = rolled_up("calls", [(day, events, Decimal(events)) for day, events in halved])
    found = evaluated(customer({"calls": rollup}), state=CustomerState(first_on=first))
    assert found.document["silent_since"] == date(2024, 2, 11)
    assert found.document["trend"]["trend"] == "drifting"
    assert [fact.type for fact in found.facts if fact.type != "customer.at_risk"] == ["meter.silent"]
    spoken = evaluated(customer({"calls": rollup}), stop, state=CustomerState(first_on=first))
    assert "silent_since" not in spoken.document
    assert "customer.drifting" in [fact.type for fact in spoken.facts]


def test_a_season_seen_a_year_before_is_no_trend() -> None:
    season = [100, 100, 110, 130, 160, 200, 240, 270, 290, 300, 300, 300]
    assert trend(season, RULE).state is TrendState.DEEPENING
    assert trend(season, RULE, year_before=season).state is TrendState.STEADY


def test_silence_is_measured_by_habit_or_by_a_promise() -> None:
    every_day = daily(3, date(2024, 1, 1), 40)
    found = silence(every_day, date(2024, 2, 16), None, SILENCE)
    assert found is not None and (found.last_seen_on, found.days, found.is_outage) == (
        date(2024, 2, 9),
        6,
        False,
    )
    assert silence(every_day, date(2024, 2, 17), None, SILENCE).is_outage  # type: ignore[union-attr]
    assert silence(every_day, date(2024, 2, 11), 86_400, SILENCE).is_outage  # type: ignore[union-attr]
    assert silence(fresh("calls", DAY), DAY, None, SILENCE) is None, "a meter that never spoke is not silent"
    weekly = rolled_up("calls", [(date(2024, 1, 1) + timedelta(weeks=n), 1, Decimal(1)) for n in range(8)])
    assert not silence(weekly, date(2024, 3, 10), None, SILENCE).is_outage  # type: ignore[union-attr]


def test_a_projection_has_a_range_and_a_day() -> None:
    at = pace([70, 70, 140, 140])
    assert at == Pace(Decimal(15), Decimal(10), Decimal(20))
    found = project(Decimal(500), Decimal(800), at, date(2024, 3, 11), date(2024, 4, 1))
    assert (found.projected, found.low, found.high) == (
        Decimal("815.00"),
        Decimal("710.00"),
        Decimal("920.00"),
    )
    assert (found.exhausted_on, found.exhausted_earliest, found.exhausted_latest) == (
        date(2024, 3, 31),
        date(2024, 3, 26),
        None,
    )
    short = project(Decimal(100), Decimal(800), at, date(2024, 3, 11), date(2024, 4, 1))
    assert (short.shortfall, short.shortfall_on, short.exhausted_on) == (
        Decimal("385.00"),
        date(2024, 4, 1),
        None,
    )


def test_activation_is_weighed_and_can_come_late() -> None:
    clause = ActivationClause.model_validate(
        {
            "deadline_days": 60,
            "milestones": [
                {"key": "first", "meter": "calls", "at_least": "1", "weight": "0.25"},
                {"key": "team", "active_users": 5, "in_days": 7, "weight": "0.75"},
            ],
        }
    )
    start = date(2024, 1, 1)

    def on(day: date, users: int) -> ActivationState:
        return activation(
            clause, start, day, Reached({"calls": Decimal(3)}, {7: users}), {}, Decimal("0.5")
        ).state

    assert on(date(2024, 1, 15), 2) is ActivationState.OPEN
    assert on(date(2024, 1, 31), 2) is ActivationState.AT_RISK
    assert on(date(2024, 1, 31), 5) is ActivationState.REACHED
    assert on(date(2024, 3, 1), 2) is ActivationState.FAILED
    kept = activation(clause, start, DAY, Reached({}, {}), {"first": start, "team": start}, Decimal("0.5"))
    assert kept.state is ActivationState.REACHED, "what was reached once stays reached"


def test_the_score_is_a_sum_with_hysteresis_and_one_threshold_a_reason() -> None:
    rule = RiskRule(
        50,
        40,
        (
            Factor("silent_days", Decimal(30), 50, True, ""),
            Factor("silent_days", Decimal(14), 20, True, ""),
            Factor("pace", Decimal("0.5"), 25, False, ""),
        ),
    )
    assert risk({"silent_days": Decimal(40)}, rule, False).score == 50, "only the heavier threshold counts"
    middle = {"silent_days": Decimal(20), "pace": Decimal("0.2")}
    assert not risk(middle, rule, False).at_risk and risk(middle, rule, True).at_risk, (
        "45: not yet at risk, but not safe again either"
    )
    assert [reason.reason for reason in risk(middle, rule, False).reasons] == ["pace", "silent_days"]
    assert risk({"silent_days": None}, rule, False).score == 0, "what is not known says nothing"


def test_a_term_ends_once_and_again_where_a_contract_that_was_over_goes_on() -> None:
    """It is over with 2024, is renewed a month late for one more year, and is over with that."""

    def ended(
        day: date, months: int, state: CustomerState | None
    ) -> tuple[list[tuple[date, bool]], CustomerState]:
        agreed = contract(
            renewal={"auto": False, "notice_days": 60}, term={"start": "2024-01-01", "months": months}
        )
        found = evaluated(customer({}, [agreed]), day, state=state)
        return [(term.end, term.goes_on) for term in found.ended], found.state

    first, second = date(2025, 1, 1), date(2026, 1, 1)
    said, state = ended(date(2024, 12, 31), 12, None)
    assert said == []
    said, state = ended(first, 12, state)
    assert said == [(first, False)]
    said, state = ended(date(2025, 1, 2), 12, state)
    assert said == []
    said, state = ended(date(2025, 2, 1), 24, state)
    assert said == [(first, True)]
    said, state = ended(second, 24, state)
    assert said == [(second, False)]
    assert ended(date(2026, 1, 2), 24, state)[0] == []


def test_expansion_needs_a_run_of_closed_periods_above_the_allowance() -> None:
    def months(*used: str) -> Contract:
        said = (
            statement(
                date(2024, number, 1),
                date(2024, number + 1, 1),
                {"included:calls": "100", "used:calls": quantity},
            )
            for number, quantity in enumerate(used, start=1)
        )
        return Contract("acme-2024", [], list(said))

    over = months("110", "120", "130")
    assert [line for line, _ in periods_over(over, date(2024, 4, 1), 3)] == ["calls"]
    assert not list(periods_over(over, date(2024, 4, 2), 3)), "told once, on the first day after"
    once_under = months("110", "100", "130")
    assert not list(periods_over(once_under, date(2024, 4, 1), 3))


@pytest.mark.parametrize(
    ("used", "trend", "because"),
    [
        (("85", "90"), TrendState.DEEPENING, ["above most of the allowance while use deepens"]),
        (("80", "90"), TrendState.DEEPENING, []),
        (("85", "90"), TrendState.STEADY, []),
    ],
)
def test_expansion_is_ready_too_when_most_is_consumed_twice_while_use_deepens(
    used: tuple[str, str], trend: TrendState, because: list[str]
) -> None:
    said = [
        statement(
            date(2024, number, 1),
            date(2024, number + 1, 1),
            {"included:calls": "100", "used:calls": quantity},
        )
        for number, quantity in enumerate(used, start=1)
    ]
    agreed = contract(*said, lines=[calls_line(included="100")])
    found = evaluated(customer({}, [agreed]), state=CustomerState(trend=trend))
    assert [fact.data["because"] for fact in found.facts if fact.type == "expansion.ready"] == because


def test_falling_depth_is_a_reason_where_there_was_enough_to_fall() -> None:
    def reasons(now: int, before: int) -> list[tuple[str, str]]:
        seen = Engagement(
            features_month=now, features_month_before=before, teams_month=3, teams_month_before=3
        )
        document = shown_object(evaluated(customer({}), engagement=seen).document)
        return [(one["reason"], one["number"]) for one in document["risk"]["reasons"]]

    assert reasons(3, 8) == [("depth_change", "-0.625")]
    assert reasons(5, 8) == reasons(1, 3) == [], "half of few is chance"


@given(st.lists(st.tuples(st.integers(0, 400), st.integers(1, 50)), min_size=1, max_size=60))
def test_a_roll_up_keeps_what_it_can_in_any_order(days: list[tuple[int, int]]) -> None:
    start = date(2024, 1, 1)
    rollup = fresh("calls", start + timedelta(days=days[0][0]))
    for offset, events in days:
        rollup.add(start + timedelta(days=offset), events, Decimal(events))
    assert rollup.total == sum(events for _, events in days)
    assert len(rollup.days) <= DAYS_MAX and len(rollup.days) == len(rollup.values)
    newest = start + timedelta(days=max(offset for offset, _ in days))
    assert rollup.last_day_before(newest + timedelta(days=1)) == newest
    assert sum(rollup.weeks) == rollup.total, "four hundred days fit into the weeks that are kept"
    kept = sum(events for offset, events in days if start + timedelta(days=offset) >= rollup.days_from)
    assert rollup.events_between(rollup.days_from, newest + timedelta(days=1)) <= kept


def test_a_voided_event_leaves_the_roll_up() -> None:
    rollup = daily(5, date(2024, 1, 1), 3)
    rollup.add(date(2024, 1, 3), -5, Decimal(-5))
    assert rollup.last_day_before(DAY) == date(2024, 1, 2) and rollup.total == 10


def test_a_policy_that_flaps_is_refused() -> None:
    import yaml

    from services.signals.domain.policy import policy_of
    from services.signals.settings import POLICY_FILE

    document = yaml.safe_load(POLICY_FILE.read_text(encoding="utf-8"))
    document["trend"]["leave"] = "0.30"
    with pytest.raises(ValueError, match="flaps"):
        policy_of(document)
