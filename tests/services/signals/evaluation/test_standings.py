"""Who is at risk is asked for, and the riskiest come first, over all customers and not over a page of
them."""

from datetime import timedelta
from typing import Any

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
    cursor = (await signals.get("/v1/customers", limit=1, sort="risk"))["next_cursor"]
    assert cursor is None
    refused = await signals.get("/v1/customers", 422, cursor="WyJhIl0=")
    assert refused["code"] == "cursor_invalid"


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
        "trend",
        "trend_change",
        "trend_month_six",
        "silent_meters",
        "risk_score",
        "contracts",
    )
    assert shown == {
        "object": "customer_standing",
        "customer": "never",
        "name": "never",
        **dict.fromkeys(states),
    }


async def _customer(signals: Signals, name: str, score: int | None, *, at_risk: bool) -> None:
    pool = signals.context.db.pool
    await pool.execute(
        """insert into signals.customers (customer_id, revision, external_id, name, timezone)
                          values ('cus_' || $1, 1, $1, $1, 'UTC')""",
        name,
    )
    if score is not None:
        document: dict[str, Any] = {
            "day": "2023-12-31",
            "last_seen_on": None,
            "contracts": {},
            "trend": {"latched": "steady"},
            "trend_month_six": None,
            "meters": {},
            "risk": {"score": score, "at_risk": at_risk},
        }
        await pool.execute(
            "insert into signals.standings (customer_id, day, at, document) values ('cus_' || $1, '2023-12-31', $2, $3)",
            name,
            START - timedelta(days=1),
            document,
        )


async def _all(signals: Signals, **asked: Any) -> list[str]:
    found: list[str] = []
    cursor: dict[str, Any] = {}
    while True:
        page = await signals.get("/v1/customers", **asked, **cursor)
        found += [row["customer"] for row in page["data"]]
        if not page["has_more"]:
            return found
        cursor = {"cursor": page["next_cursor"]}
