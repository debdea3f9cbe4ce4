"""What pages of documents are tried on: a whole deployment whose clock is moved, with names that are markup."""

import json
from datetime import UTC, datetime
from typing import Any, Final

from lab.departures.client import Client
from tests.services.rating.deployment import terms
from tests.waiting import until

NAME: Final = "Acme <script>alert(1)</script> & \u202esons"
EVENT: Final = "<img src=x onerror=alert(1)>-{}"
CONTRACT: Final = "acme-1"
TIERS: Final = {
    "model": "graduated",
    "tiers": [{"up_to": "2", "unit": "1000.00"}, {"unit": "500.00"}],
}
LINE: Final = {"key": "calls", "kind": "usage", "meter": "calls", "price": TIERS}


def event(id: str, time: str | None, **of: Any) -> bytes:
    """Without a time it cannot be taken."""
    said = {"time": time} if time else {}
    return json.dumps(
        {
            "specversion": "1.0",
            "source": "test",
            "id": id,
            "type": "call",
            "subject": "acme",
            **said,
            "data": {"note": "<b>"},
            **of,
        }
    ).encode()


async def invoiced(client: Client, **more: Any) -> list[dict[str, Any]]:
    """January with three calls is final and February, with sixty, a draft; both documents, newest first. `more` goes into
    the contract's terms."""
    await client.post(
        "rating", "/v1/meters", {"meter": "calls", "event_type": "call", "aggregation": "count"}
    )
    await client.post("rating", "/v1/customers", {"external_id": "acme", "name": NAME, "timezone": "UTC"})
    await client.post("rating", "/v1/contracts", terms(CONTRACT, "acme", lines=[LINE], **more))
    await client.move_clock(datetime(2024, 1, 20, tzinfo=UTC))
    await client.send_events([event(EVENT.format(n), "2024-01-10T12:00:00Z") for n in range(3)])
    await client.move_clock(datetime(2024, 2, 4, tzinfo=UTC))
    await client.send_events([event(EVENT.format(n), "2024-02-01T12:00:00Z") for n in range(3, 63)])
    return await until(lambda: _both(client), "a final document of three calls and a draft of sixty")


async def _both(client: Client) -> list[dict[str, Any]] | None:
    found: list[dict[str, Any]] = (await client.get("billing", "/v1/invoices"))["data"]
    told = [(one["status"], one["total"]) for one in found]
    return found if told == [("draft", "31000.00"), ("finalized", "2500.00")] else None


async def at_work(client: Client) -> None:
    """The same, and something to do on each page: usage that waits for a customer, a meter and a contract, an event that
    could not be taken, late usage, what was told of a customer, and a check of the books."""
    await invoiced(client, late_usage={"accept_days": 20})
    await client.post("rating", "/v1/customers", {"external_id": "idle", "name": "Idle", "timezone": "UTC"})
    await client.send_events(
        [
            event("unknown", "2024-02-02T12:00:00Z", subject="<b>nobody</b>"),
            event("uncounted", "2024-02-02T12:00:00Z", type="unheard.of"),
            event("idle", "2024-02-02T12:00:00Z", subject="idle"),
            event(EVENT.format("faulty"), None),
        ]
    )
    await client.move_clock(datetime(2024, 2, 25, tzinfo=UTC))
    await client.send_events([event("late", "2024-01-10T12:00:00Z")])
    await client.post("billing", "/v1/reconciliation/checks", {})
    await until(lambda: _all_waits(client), "something to do on each page")


async def _all_waits(client: Client) -> bool:
    found = {
        name: (await client.get(service, path))["data"]
        for name, service, path in (
            ("suspense", "rating", "/v1/suspense"),
            ("late", "rating", "/v1/late-usage"),
            ("quarantined", "usage_ingest", "/v1/quarantine"),
            ("signals", "signals", "/v1/signals"),
            ("checks", "billing", "/v1/reconciliation/checks"),
        )
    }
    reasons = {row["reason"] for row in found["suspense"]}
    return all(found.values()) and len(reasons) == 3 and found["checks"][0]["state"] == "done"
