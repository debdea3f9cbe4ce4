"""Who is at risk is asked for, and the riskiest come first, over all customers and not over a page of
them."""

import base64
import json
from datetime import date, datetime, timedelta
from typing import Any

import msgspec

from services.signals.evaluation.repository import EvaluationRepository
from services.signals.evaluation.rows import KeptStanding
from services.signals.roster.repository import RosterRepository
from tests.services.signals.deployment import START, Signals


async def test_customers_at_risk_are_a_filter_and_the_riskiest_come_first(signals: Signals) -> None:
    scores = {f"c{n:02}": (n * 7) % 30 for n in range(30)}
    for name, score in scores.items():
        await _customer(signals, name, score, at_risk=score >= 20)
    await _customer(signals, "never", None, at_risk=False)
    by_risk = await _all(signals, sort="risk", limit=7)
    assert by_risk == [*sorted(scores, key=lambda name: (-scores[name], name)), "never"]
    assert await _all(signals, limit=7) == sorted([*scores, "never"])
    risky = sorted(name for name, score in scores.items() if score >= 20)
    assert await _all(signals, at_risk=True, limit=4) == risky
    assert await _all(signals, at_risk=True, sort="risk", limit=4) == sorted(
        risky, key=lambda name: -scores[name]
    )
    assert await _all(signals, at_risk=False) == sorted({*scores, "never"} - {*risky})


async def test_it_is_the_standing_of_the_instant_that_is_asked_for(signals: Signals) -> None:
    await _customer(signals, "acme", 90, at_risk=True)
    earlier = (START - timedelta(days=2)).isoformat()
    assert (
        await _all(signals, at_risk=True) == ["acme"] and await _all(signals, at_risk=True, at=earlier) == []
    )


async def test_a_cursor_is_of_one_order(signals: Signals) -> None:
    for name in ("acme", "zenith"):
        await _customer(signals, name, 90, at_risk=True)
    cursor = (await signals.get("/v1/customers", limit=1, sort="risk"))["next_cursor"]
    assert [
        row["customer"] for row in (await signals.get("/v1/customers", cursor=cursor, sort="risk"))["data"]
    ] == ["zenith"]
    beyond = base64.urlsafe_b64encode(json.dumps(["risk", 10**30, "acme"]).encode()).decode()
    for refused in (
        await signals.get("/v1/customers", 422, cursor=cursor),
        await signals.get("/v1/customers", 422, cursor="WyJhIl0="),
        await signals.get("/v1/customers", 422, cursor=beyond, sort="risk"),
    ):
        assert refused["code"] == "cursor_invalid"


async def test_customers_are_found_by_silence_renewal_and_activation(signals: Signals) -> None:
    """The first running term that ends counts, and each contract's activation; as it was, too."""
    await _customer(signals, "quiet", 0, at_risk=False, meters={"calls": True, "seats": False})
    await _customer(signals, "loud", 0, at_risk=False, meters={"calls": False})
    ends = {"over": "2023-12-01", "soon": "2024-02-01", "later": "2024-06-01"}
    await _customer(
        signals, "ending", 0, at_risk=False, contracts={n: _part(end, "open") for n, end in ends.items()}
    )
    await _customer(signals, "failed", 0, at_risk=False, contracts={"c": _part("2024-09-01", "failed")})
    await _customer(signals, "never", None, at_risk=False)
    for at in ({}, {"at": START.isoformat()}):
        assert await _all(signals, silent=True, **at) == ["quiet"]
        assert "quiet" not in await _all(signals, silent=False, **at)
        assert await _all(signals, renews_before="2024-02-02", **at) == ["ending"]
        assert await _all(signals, renews_before="2024-02-01", **at) == []
        assert await _all(signals, activation="failed", **at) == ["failed"]
        assert await _all(signals, activation="open", silent=False, at_risk=False, **at) == ["ending"]
    shown = (await signals.get("/v1/customers", renews_before="2024-02-02"))["data"][0]
    assert shown["renews_on"] == "2024-02-01"


async def test_first_comes_with_whom_most_is_likely_to_be_lost_in_a_currency(signals: Signals) -> None:
    """Yen and dollars are never added, nor is one turned into the other; who settles nothing comes last."""
    worth = {
        "certain": ("0.9", {"USD": "100.00"}),
        "large": ("0.1", {"USD": "1000.01", "JPY": "7"}),
        "small": ("1", {"USD": "9.99", "JPY": "70"}),
        "credited": ("1", {"USD": "-5.00"}),
        "unsure": (None, {"USD": "900.00"}),
        "nothing": ("1", {}),
        "unknown": ("1", None),
    }
    for name, (score_p, stakes) in worth.items():
        odds: dict[str, Any] = {"score_p": score_p} if score_p else {}
        if stakes is not None:
            odds["at_stake"] = _stakes(stakes)
        await _customer(signals, name, 0, at_risk=False, odds=odds)
    await _customer(signals, "never", None, at_risk=False)
    last = ["never", "nothing", "unknown", "unsure"]
    for at in ({}, {"at": START.isoformat()}):
        in_usd = await _all(signals, sort="stake", currency="USD", limit=2, **at)
        assert in_usd == ["large", "certain", "small", *last, "credited"]
        in_yen = await _all(signals, sort="stake", currency="JPY", limit=3, **at)
        assert in_yen == ["small", "large", *sorted({*worth, "never"} - {"small", "large"})]
        refused = await signals.get("/v1/customers", 422, sort="stake", **at)
        assert refused["code"] == "currency_missing" and "JPY, USD" in refused["detail"]
    cursor = (await signals.get("/v1/customers", limit=1, sort="stake", currency="USD"))["next_cursor"]
    for other in ({"sort": "stake", "currency": "JPY"}, {"sort": "risk"}, {}):
        assert (await signals.get("/v1/customers", 422, cursor=cursor, **other))["code"] == "cursor_invalid"
    [shown] = (await signals.get("/v1/customers", limit=1, sort="stake", currency="JPY"))["data"]
    assert shown["score_p"] == "1" and shown["at_stake"] == [
        {"currency": "USD", "amount": "9.99"},
        {"currency": "JPY", "amount": "70"},
    ]


async def test_pages_of_one_instant_have_everybody_once_whatever_is_evaluated_meanwhile(
    signals: Signals,
) -> None:
    """Without `at` who rises past the page that was read is skipped, and who falls comes twice."""
    for name, score in (("high", 90), ("middle", 50), ("low", 10)):
        await _customer(signals, name, score, at_risk=False)
    then: dict[str, Any] = {"sort": "risk", "at": (START - timedelta(hours=1)).isoformat()}
    pages = [
        await signals.get("/v1/customers", sort="risk", limit=1),
        await signals.get("/v1/customers", limit=1, **then),
    ]
    for name, score in (("high", 20), ("low", 95)):
        await _evaluated(signals, name, date(2024, 1, 1), score, at_risk=False, at=START)
    live = await _all(signals, sort="risk", cursor=pages[0]["next_cursor"])
    assert live == ["middle", "high"], "the first once more, and low never"
    assert await _all(signals, **then, cursor=pages[1]["next_cursor"]) == ["middle", "low"]


async def test_what_is_at_stake_is_summed_by_currency_over_all_that_fit(signals: Signals) -> None:
    assert await signals.get("/v1/customers/totals", at_risk=True) == {
        "object": "customer_totals",
        "customers": 0,
        "at_stake": [],
        "owner": "customer success manager",
    }
    worth = {"a": {"USD": "1000.01", "JPY": "7"}, "b": {"USD": "-0.02"}, "c": {}, "d": None}
    for name, stakes in worth.items():
        odds: dict[str, Any] = {} if stakes is None else {"at_stake": _stakes(stakes)}
        await _customer(signals, name, 90, at_risk=True, odds=odds)
    await _customer(signals, "safe", 0, at_risk=False, odds={"at_stake": _stakes({"EUR": "5.00"})})
    await _customer(signals, "never", None, at_risk=False)
    instants: list[dict[str, Any]] = [{}, {"at": START.isoformat()}]
    for at in instants:
        risky = await signals.get("/v1/customers/totals", at_risk=True, **at)
        assert risky["customers"] == len(await _all(signals, at_risk=True, **at)) == 4
        assert risky["at_stake"] == _stakes({"JPY": "7", "USD": "999.99"})
        every = await signals.get("/v1/customers/totals", **at)
        assert every["customers"] == 6 and every["at_stake"][0] == _stakes({"EUR": "5.00"})[0]
    early = await signals.get("/v1/customers/totals", at=(START - timedelta(days=3)).isoformat())
    assert (early["customers"], early["at_stake"]) == (6, [])
    later = (START + timedelta(days=9)).isoformat()
    assert (await signals.get("/v1/customers/totals", 422, at=later))["code"] == "at_in_future"


def _stakes(amounts: dict[str, str]) -> list[dict[str, str]]:
    return [{"currency": code, "amount": amount} for code, amount in amounts.items()]


async def test_of_equal_scores_who_has_fallen_silent_comes_first(signals: Signals) -> None:
    for name, score, silent in (("a", 50, False), ("b", 50, True), ("c", 51, False), ("d", 49, True)):
        await _customer(signals, name, score, at_risk=True, meters={"calls": silent})
    assert await _all(signals, sort="risk", limit=1) == ["c", "b", "a", "d"]


async def test_the_only_currency_need_not_be_named(signals: Signals) -> None:
    assert await _all(signals, sort="stake") == []
    at_stake = [{"currency": "USD", "amount": "3.00"}]
    await _customer(signals, "acme", 0, at_risk=False)
    assert await _all(signals, sort="stake") == ["acme"], "nothing is at stake"
    await _customer(signals, "zenith", 0, at_risk=False, odds={"score_p": "0.5", "at_stake": at_stake})
    assert await _all(signals, sort="stake", limit=1) == ["zenith", "acme"]


async def test_a_day_that_is_evaluated_late_does_not_hide_a_later_one(signals: Signals) -> None:
    await _customer(signals, "acme", 90, at_risk=True)
    async with signals.context.db.transaction() as uow:
        await RosterRepository(uow.connection).keep({"cus_acme": date(2023, 12, 31)})
    await _evaluated(signals, "acme", date(2023, 12, 29), 10, at_risk=False)
    assert await _all(signals, at_risk=True) == ["acme"]
    await _evaluated(signals, "acme", date(2023, 12, 31), 10, at_risk=False)
    assert await _all(signals, at_risk=True) == []


async def test_an_instant_of_which_nothing_can_be_known_yet_is_refused_by_name(signals: Signals) -> None:
    """Tomorrow was answered with today's evaluation, as if it were known."""
    await _customer(signals, "acme", 90, at_risk=True)
    now, later = START.isoformat(), (START + timedelta(microseconds=1)).isoformat()
    for path in ("/v1/customers", "/v1/customers/acme/signals"):
        refused = await signals.get(path, 422, at=later)
        assert (
            refused["code"] == "at_in_future"
            and now in refused["detail"]
            and refused["errors"][0]["pointer"] == "/query/at"
        )
    assert await _all(signals, at=now) == ["acme"]


async def test_who_was_never_evaluated_has_no_state(signals: Signals) -> None:
    await _customer(signals, "never", None, at_risk=False)
    [shown] = (await signals.get("/v1/customers"))["data"]
    states = (
        "day",
        "last_seen_on",
        "silent_since",
        "silent_meters",
        "trend",
        "trend_change",
        "trend_within_chance",
        "trend_month_six",
        "risk_score",
        "at_risk",
        "p_fall",
        "p_gone",
        "score_p",
        "p_renew",
        "at_stake",
        "reasons",
        "renews_on",
        "contracts",
    )
    assert shown == {
        "object": "customer_standing",
        "customer": "never",
        "name": "never",
        **dict.fromkeys(states),
    }


async def test_a_customers_days_are_a_series_as_they_were_evaluated(signals: Signals) -> None:
    await _customer(signals, "acme", None, at_risk=False)
    await _customer(signals, "other", 99, at_risk=True)
    scores = {date(2023, 12, 27) + timedelta(days=n): 10 * n for n in range(5)}
    for day, score in scores.items():
        await _evaluated(signals, "acme", day, score, at_risk=score >= 30)
    path = "/v1/customers/acme/standings"
    cursor: dict[str, Any] = {}
    rows: list[dict[str, Any]] = []
    while True:
        page = await signals.get(path, limit=2, **cursor)
        rows += page["data"]
        if not page["has_more"]:
            break
        cursor = {"cursor": page["next_cursor"]}
    assert [(row["day"], row["risk_score"], row["at_risk"]) for row in rows] == [
        (day.isoformat(), score, score >= 30) for day, score in scores.items()
    ]
    [newest] = (await signals.get("/v1/customers", q="acm"))["data"]
    assert rows[-1] == newest
    some = await signals.get(path, since="2023-12-28", until="2023-12-30")
    assert [row["day"] for row in some["data"]] == ["2023-12-28", "2023-12-29"]
    await signals.get("/v1/customers/none/standings", 404)
    unreadable: tuple[dict[str, Any], ...] = (
        {"since": "yesterday"},
        {"until": "2023-13-01"},
        {"cursor": "WyJhIl0="},
    )
    for query in unreadable:
        await signals.get(path, 422, **query)


async def test_the_roster_is_found_by_a_beginning_counted_and_sorted_by_renewal(signals: Signals) -> None:
    ends = {"acme": "2024-05-01", "Acorn": "2024-03-01", "bolt": "2024-04-01"}
    for name, end in ends.items():
        await _customer(signals, name, 10, at_risk=False, contracts={f"{name}-1": _part(end, "reached")})
    await _customer(signals, "core", None, at_risk=False)
    assert await _all(signals, sort="renewal", limit=1) == ["Acorn", "bolt", "acme", "core"]
    assert await _all(signals, q="AC") == ["Acorn", "acme"]
    page = await signals.get("/v1/customers", q="ac", sort="renewal", count=True, limit=1)
    assert (page["data"][0]["customer"], page["count"]) == ("Acorn", {"rows": 2, "more": False})
    then = START.isoformat()
    assert (await signals.get("/v1/customers", at=then, count=True))["count"]["rows"] == 4


async def _customer(signals: Signals, name: str, score: int | None, *, at_risk: bool, **more: Any) -> None:
    await signals.context.db.pool.execute(
        """insert into signals.customers (customer_id, revision, external_id, name, timezone)
                          values ('cus_' || $1, 1, $1, $1, 'UTC')""",
        name,
    )
    if score is not None:
        await _evaluated(signals, name, date(2023, 12, 31), score, at_risk=at_risk, **more)


async def _evaluated(
    signals: Signals,
    name: str,
    day: date,
    score: int,
    *,
    at_risk: bool,
    meters: dict[str, bool] | None = None,
    contracts: dict[str, Any] | None = None,
    odds: dict[str, Any] | None = None,
    at: datetime = START - timedelta(days=1),
) -> None:
    document = {
        "day": day.isoformat(),
        "last_seen_on": None,
        "contracts": contracts or {},
        "trend": {"latched": "steady"},
        "trend_month_six": None,
        "meters": {meter: {"silent": silent} for meter, silent in (meters or {}).items()},
        "risk": {"score": score, "at_risk": at_risk, "reasons": []},
        **(odds or {}),
    }
    standing = KeptStanding(f"cus_{name}", day, at, msgspec.Raw(msgspec.json.encode(document)))
    async with signals.context.db.transaction() as uow:
        await EvaluationRepository(uow.connection).keep([standing])
        await RosterRepository(uow.connection).keep({f"cus_{name}": day})


def _part(term_end: str, activation: str) -> dict[str, Any]:
    """The part of an evaluation that belongs to a contract."""
    return {
        "activation": {"state": activation},
        "renewal": {"term_end": term_end, "due": False},
        "risk": {"score": 0, "at_risk": False},
        "consumption": [],
    }


async def _all(signals: Signals, **asked: Any) -> list[str]:
    found: list[str] = []
    cursor: dict[str, Any] = {}
    while True:
        page = await signals.get("/v1/customers", **asked, **cursor)
        found += [row["customer"] for row in page["data"]]
        if not page["has_more"]:
            return found
        cursor = {"cursor": page["next_cursor"]}
