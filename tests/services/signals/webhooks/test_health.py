"""How webhooks do across endpoints: one log of all, and of each endpoint how often it was reached."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

from tests.services.signals.deployment import START, Signals, fact
from tests.services.signals.receivers import answers, receiving
from tests.waiting import until


async def _settled(signals: Signals, deliveries: int) -> Any:
    """The whole log, once each delivery was tried."""
    rows = (await signals.get("/v1/webhook-deliveries", limit=200))["data"]
    return rows if len(rows) == deliveries and all(row["attempts"] for row in rows) else None


async def _health(signals: Signals, endpoint: dict[str, Any]) -> Any:
    rows = (await signals.get("/v1/webhook-health"))["data"]
    return next(row for row in rows if row["endpoint"] == endpoint["id"])


async def test_the_log_of_all_endpoints_is_narrowed_and_paged(signals: Signals) -> None:
    async with receiving(answers(204)) as taking, receiving(answers(502)) as refusing:
        good, bad = await signals.endpoint(taking.url), await signals.endpoint(refusing.url)
        await signals.tell(fact(1), fact(2))
        await signals.tell(fact(3), customer="zenith")
        rows = await until(lambda: _settled(signals, 6))
        assert [row["id"] for row in rows] == sorted((row["id"] for row in rows), reverse=True)
        of_each = [
            *(await signals.get(f"/v1/webhook-endpoints/{good['id']}/deliveries"))["data"],
            *(await signals.get(f"/v1/webhook-endpoints/{bad['id']}/deliveries"))["data"],
        ]
        assert {row["id"] for row in of_each} == {row["id"] for row in rows}
        narrowed: tuple[tuple[dict[str, Any], int], ...] = (
            ({"endpoint": good["id"]}, 3),
            ({"state": "delivered"}, 3),
            ({"state": "pending", "customer": "zenith"}, 1),
            ({"signal": fact(1).signal_id}, 2),
            ({"endpoint": "whe_none"}, 0),
        )
        for query, count in narrowed:
            found = (await signals.get("/v1/webhook-deliveries", **query))["data"]
            assert len(found) == count, query
        first = await signals.get("/v1/webhook-deliveries", limit=4)
        rest = await signals.get("/v1/webhook-deliveries", limit=4, cursor=first["next_cursor"])
        assert [row["id"] for row in first["data"] + rest["data"]] == [row["id"] for row in rows]
        for query in ({"state": "lost"}, {"customer": "\0"}, {"endpoint": "a b"}):
            await signals.get("/v1/webhook-deliveries", 422, **dict[str, Any](query))


async def test_an_endpoint_says_how_often_it_was_reached_and_when_last(signals: Signals) -> None:
    async with receiving(answers(204)) as taking, receiving(answers(502)) as refusing:
        good, bad = await signals.endpoint(taking.url), await signals.endpoint(refusing.url)
        silent = await signals.endpoint(taking.url, events=["customer.activation.failed"])
        await signals.tell(fact(1), fact(2))
        await until(lambda: _settled(signals, 4))
        now = "2024-01-01T12:00:00Z"
        reached = await _health(signals, good)
        assert reached == {
            "object": "webhook_health",
            "endpoint": good["id"],
            "state": "enabled",
            "failing_since": None,
            "attempts": 2,
            "reached": 2,
            "success_rate": "1",
            "last_success_at": now,
            "pending": 0,
            "oldest_at": None,
            "given_up": 0,
        }
        failing = await _health(signals, bad)
        log = await signals.log(bad)
        assert failing["attempts"] == sum(row["attempts"] for row in log) > 0
        assert (failing["reached"], failing["success_rate"], failing["last_success_at"]) == (0, "0", None)
        assert (failing["pending"], failing["oldest_at"], failing["failing_since"]) == (2, now, now)
        nothing = await _health(signals, silent)
        assert (nothing["attempts"], nothing["success_rate"], nothing["last_success_at"]) == (0, None, None)
        await signals.move_clock(START + timedelta(days=8))
        later = await _health(signals, good)
        assert (later["attempts"], later["success_rate"], later["last_success_at"]) == (0, None, now)
    pages = await signals.get("/v1/webhook-health", limit=2)
    rest = await signals.get("/v1/webhook-health", limit=2, cursor=pages["next_cursor"])
    assert [row["endpoint"] for row in pages["data"] + rest["data"]] == sorted(
        [good["id"], bad["id"], silent["id"]]
    )
    assert all(Decimal(row["success_rate"] or 0) <= 1 for row in pages["data"])
