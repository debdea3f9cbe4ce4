"""The daily evaluation of one customer: what is known as a local day begins, what it means, and what has
become true."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from services.signals.domain.contract_day import ContractDay, contract_day
from services.signals.domain.customer_day import Customer, Engagement, Found
from services.signals.domain.fact import Fact
from services.signals.domain.policy import Policy
from services.signals.domain.renewal import add_months, renewal
from services.signals.domain.risk import Risk, risk
from services.signals.domain.rollup import Rollup, monday
from services.signals.domain.shown import shown, shown_trend
from services.signals.domain.silence import Silence, silence
from services.signals.domain.trend import YEAR_WEEKS, Trend, TrendState, trend
from shared.values.decimals import plain

PLACES = Decimal("0.0001")


def evaluate(customer: Customer, day: date, engagement: Engagement | None, policy: Policy) -> Found:
    """Evaluate as `day` begins: only the days before it count, whenever this is asked."""
    rollups, state = customer.matched(), dict(customer.state)
    silences = {
        meter: found
        for meter, rollup in rollups.items()
        if (found := silence(rollup, day, _heartbeat(customer, meter), policy.silence)) is not None
    }
    main = _main_meter(customer, rollups, day)
    _note_first_day(state, main, day)
    started = _started(customer, state, day)
    use = _trend(main, started, day, policy, TrendState(state.get("trend", TrendState.STEADY)))
    facts = [*_turned(customer, day, use, state), *_went_silent(customer, day, silences, state)]
    facts += _users_went_quiet(customer, day, engagement, policy, state)
    numbers = _numbers(main, _listened_from(customer, started, state), day, silences, use, engagement, policy)
    kept = dict(state.get("contracts", {}))
    contracts = {}
    for contract in customer.contracts:
        contracts[contract.contract] = part = contract_day(
            customer, contract, day, engagement, policy, numbers, kept.get(contract.contract, {})
        )
        kept[contract.contract] = part.state
    state |= {"contracts": kept, "trend": _latched(use, state), "silent": _silent_now(silences)}
    _checkpoint(state, main, started, day, policy)
    document = _document(customer, day, policy, main, silences, use, engagement, numbers, contracts, state)
    return Found(
        document,
        [*facts, *(fact for part in contracts.values() for fact in part.facts)],
        [outcome for part in contracts.values() for outcome in part.outcomes],
        state,
    )


def _heartbeat(customer: Customer, meter: str) -> int | None:
    known = customer.meters.get(meter)
    return known.heartbeat_s if known else None


def _event_type(customer: Customer, meter: str) -> str:
    known = customer.meters.get(meter)
    return known.event_type if known else meter


def _main_meter(customer: Customer, rollups: dict[str, Rollup], day: date) -> Rollup | None:
    """The meter whose trend is the customer's: that of the first usage line, else the one with the most
    events."""
    for contract in customer.contracts:
        for line in contract.terms_at(customer.midnight(day)).get("lines", []):
            if line.get("meter") in rollups:
                return rollups[line["meter"]]
    used = [
        rollup
        for meter, rollup in rollups.items()
        if meter not in customer.meters or customer.meters[meter].role is None
    ]
    return min(
        used or list(rollups.values()), key=lambda rollup: (-sum(rollup.weeks), rollup.meter), default=None
    )


def _note_first_day(state: dict[str, Any], main: Rollup | None, day: date) -> None:
    if main is not None and "first_on" not in state:
        first = main.first_day()
        if first is not None and first < day:
            state["first_on"] = first.isoformat()


def _started(customer: Customer, state: dict[str, Any], day: date) -> date | None:
    """Where the trend begins: the start of the running term, else the first day of use."""
    for contract in customer.contracts:
        found = renewal(contract.terms_at(customer.midnight(day)), day)
        if found is not None and found.term_start <= day:
            return found.term_start
    return date.fromisoformat(state["first_on"]) if "first_on" in state else None


def _listened_from(customer: Customer, started: date | None, state: dict[str, Any]) -> date | None:
    """From when a customer without any use counts as silent: the term's start, but no day before the customer
    was known here."""
    if customer.known_on is not None:
        state.setdefault("known_on", customer.known_on.isoformat())
    return max(started, date.fromisoformat(state["known_on"])) if started and "known_on" in state else started


def _trend(main: Rollup | None, started: date | None, day: date, policy: Policy, before: TrendState) -> Trend:
    """Over the whole weeks from the start to `day`; early in a further term the weeks before it still
    count."""
    if main is None or started is None:
        return Trend(TrendState.UNKNOWN, None, None, None, 0)
    first = monday(day) - timedelta(weeks=policy.trend_weeks_max)
    if (day - started).days >= policy.trend.weeks_min * 7 + 7:
        first = max(first, started)
    first = max(first, main.weeks_from)
    window = main.weeks_between(first, day)
    year_ago = timedelta(weeks=YEAR_WEEKS)
    season = (
        main.weeks_between(first - year_ago, day - year_ago) if first - year_ago >= main.weeks_from else []
    )
    return trend(window, policy.trend, before, season)


def _latched(use: Trend, state: dict[str, Any]) -> str:
    """What is not known changes nothing."""
    return str(state.get("trend", TrendState.STEADY) if use.state is TrendState.UNKNOWN else use.state)


def _turned(customer: Customer, day: date, use: Trend, state: dict[str, Any]) -> list[Fact]:
    if use.state not in (TrendState.DEEPENING, TrendState.DRIFTING) or use.state == state.get("trend"):
        return []
    return [Fact(f"customer.{use.state}", (customer.customer_id, day.isoformat()), day, shown_trend(use))]


def _went_silent(
    customer: Customer, day: date, silences: dict[str, Silence], state: dict[str, Any]
) -> list[Fact]:
    """One fact a silence, told on the day it becomes an outage. Meters of one event type fall silent
    together: one source, one outage."""
    known = state.get("silent", {})
    sources: dict[tuple[str, date], list[tuple[str, Silence]]] = {}
    for meter, found in sorted(silences.items()):
        if found.is_outage and known.get(meter) != found.last_seen_on.isoformat():
            sources.setdefault((_event_type(customer, meter), found.last_seen_on), []).append((meter, found))
    return [
        Fact(
            "meter.silent",
            (customer.customer_id, event_type, last.isoformat()),
            day,
            {
                "meters": [meter for meter, _ in group],
                "last_seen_on": last.isoformat(),
                "silent_days": group[0][1].days,
                "bearable_days": group[0][1].bearable_days,
            },
        )
        for (event_type, last), group in sources.items()
    ]


def _users_went_quiet(
    customer: Customer, day: date, engagement: Engagement | None, policy: Policy, state: dict[str, Any]
) -> list[Fact]:
    """Told once; again only after enough of the most active users were back. What is not known changes
    nothing."""
    share = engagement.quiet_share if engagement else None
    if engagement is None or share is None:
        return []
    was, rule = state.get("users_quiet", False), policy.most_active
    state["users_quiet"] = share >= (rule.leave if was else rule.enter)
    if was or not state["users_quiet"]:
        return []
    return [
        Fact(
            "customer.users_quiet",
            (customer.customer_id, day.isoformat()),
            day,
            {
                "most_active": engagement.most_active,
                "quiet": engagement.most_active_quiet,
                "share": plain(share),
                "quiet_days": rule.quiet_days,
            },
        )
    ]


def _silent_now(silences: dict[str, Silence]) -> dict[str, str]:
    return {meter: found.last_seen_on.isoformat() for meter, found in silences.items() if found.is_outage}


def _numbers(
    main: Rollup | None,
    listened: date | None,
    day: date,
    silences: dict[str, Silence],
    use: Trend,
    engagement: Engagement | None,
    policy: Policy,
) -> dict[str, Decimal | None]:
    """The numbers of the risk score that belong to the customer; those of a contract are added by its own
    day."""
    quiet = min(
        (found.days for found in silences.values()), default=(day - listened).days if listened else None
    )
    return {
        "silent_days": Decimal(quiet) if quiet is not None else None,
        "trend_change": use.change if use.state is not TrendState.STEADY else None,
        "recent_change": _recent_change(main, day, policy),
        "users_change": _users_change(engagement),
        "most_active_quiet": engagement.quiet_share if engagement else None,
    }


def _recent_change(main: Rollup | None, day: date, policy: Policy) -> Decimal | None:
    """The newest weeks against those before them, a week each; None where it may be chance or the weeks
    before are not all known."""
    asked = policy.recent_weeks + policy.recent_before_weeks
    weeks = main.weeks_between(monday(day) - timedelta(weeks=asked), day) if main is not None else []
    if len(weeks) < asked or not sum(weeks[: -policy.recent_weeks]):
        return None
    new, old = Decimal(sum(weeks[-policy.recent_weeks :])), Decimal(sum(weeks[: -policy.recent_weeks]))
    like = old * policy.recent_weeks / policy.recent_before_weeks
    if (new - like) ** 2 < policy.trend.noise**2 * (new + like):
        return None
    return (new / like - 1).quantize(PLACES)


def _users_change(engagement: Engagement | None) -> Decimal | None:
    if engagement is None or not engagement.users_month_before:
        return None
    return (Decimal(engagement.users_month) / engagement.users_month_before - 1).quantize(PLACES)


def _checkpoint(
    state: dict[str, Any], main: Rollup | None, started: date | None, day: date, policy: Policy
) -> None:
    """At month six of the term the trend from its start is kept, whatever comes later."""
    if main is None or started is None:
        return
    at = add_months(started, policy.checkpoint_months)
    if day >= at and state.get("month_six", {}).get("started") != started.isoformat():
        found = trend(main.weeks_between(started, at), policy.trend)
        state["month_six"] = {"started": started.isoformat(), "on": at.isoformat(), **shown_trend(found)}


def _document(
    customer: Customer,
    day: date,
    policy: Policy,
    main: Rollup | None,
    silences: dict[str, Silence],
    use: Trend,
    engagement: Engagement | None,
    numbers: dict[str, Decimal | None],
    contracts: dict[str, ContractDay],
    state: dict[str, Any],
) -> dict[str, Any]:
    scored = _customer_risk(numbers, contracts, policy)
    return {
        "customer": customer.customer,
        "day": day.isoformat(),
        "policy": policy.version,
        "last_seen_on": max((found.last_seen_on for found in silences.values()), default=None),
        "last_login_on": max(
            (found.last_seen_on for meter, found in silences.items() if _role(customer, meter) == "login"),
            default=None,
        ),
        "meters": {
            meter: shown(found) | {"silent": found.is_outage} for meter, found in sorted(silences.items())
        },
        "trend": {"meter": main.meter if main else None, **shown_trend(use), "latched": state["trend"]},
        "trend_month_six": state.get("month_six"),
        "engagement": shown(engagement) | {"stickiness": engagement.stickiness} if engagement else None,
        "numbers": {name: number for name, number in numbers.items() if number is not None},
        "risk": shown(scored),
        "contracts": {name: part.document for name, part in contracts.items()},
    }


def _customer_risk(
    numbers: dict[str, Decimal | None], contracts: dict[str, ContractDay], policy: Policy
) -> Risk:
    """The worst of the contracts'; without a contract, what the customer's own numbers say."""
    return max(
        (part.risk for part in contracts.values()),
        key=lambda found: found.score,
        default=risk(numbers, policy.risk, False),
    )


def _role(customer: Customer, meter: str) -> str | None:
    known = customer.meters.get(meter)
    return known.role if known else None
