"""Every event that is told: what it says, the seat it is meant for, and an example of its data."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

CUSTOMER_SUCCESS, ACCOUNT, FINANCE, ENGINEERING = (
    "customer success manager",
    "account executive",
    "finance operations",
    "integration engineer",
)

METER_SILENT = "meter.silent"


@dataclass(frozen=True, slots=True)
class EventType:
    says: str
    seat: str
    told: str  # when, and how often
    example: Mapping[str, Any]


_ALLOWANCE = {
    "kind": "allowance",
    "line": "api",
    "unit": "api_calls",
    "period_start": "2026-03-01",
    "period_end": "2026-03-31",
    "capacity": "100000",
    "used": "80412",
    "share": "0.8041",
    "elapsed": "0.5806",
    "pace": "1.385",
    "projection": {
        "projected": "138500.00",
        "low": "121000.00",
        "high": "151000.00",
        "exhausted_on": "2026-03-22",
        "exhausted_earliest": "2026-03-21",
        "exhausted_latest": "2026-03-24",
        "shortfall": None,
        "shortfall_on": None,
    },
}
_FIRST_CALL = {"key": "first_call", "weight": "0.2", "needs": "1", "has": "14", "reached_on": "2026-01-03"}
_TEAM = {"key": "team", "weight": "0.8", "needs": "5"}
_ACTIVATION = {
    "share": "0.2",
    "deadline": "2026-03-02",
    "late": False,
    "milestones": [_FIRST_CALL, {**_TEAM, "has": "2", "reached_on": None}],
}
_TREND = {"weeks": 25, "change": "0.6471", "early_week": "68", "late_week": "112"}
_RISK = {
    "score": 50,
    "at_risk": True,
    "reasons": [
        {
            "reason": "silent_days",
            "number": "38",
            "threshold": "30",
            "points": 50,
            "says": "days without any use",
            "evidence": {
                "service": "signals",
                "path": "/v1/customers/acme/activity?since=2026-09-24&until=2026-11-02",
            },
        }
    ],
    "p_fall": "0.9998",
    "p_gone": "1",
    "score_p": "1",
    "p_renew": "0.31",
    "at_stake": [{"currency": "USD", "amount": "2412000.00"}],
}
_RENEWAL = {
    "term_start": "2026-01-01",
    "term_end": "2027-01-01",
    "notice_on": "2026-11-02",
    "notice_days": 60,
    "auto": True,
    "due": True,
    **_RISK,
}

EVENT_TYPES: Mapping[str, EventType] = {
    "invoice.finalized": EventType(
        "an invoice or note was finalized",
        FINANCE,
        "once a document",
        {
            "invoice": "inv_0PzN5cVbfq9yqLJ1fGzWmA",
            "number": "US-000042",
            "kind": "invoice",
            "currency": "USD",
            "total": "611550.00",
            "period": {"start": "2026-03-01", "end": "2026-03-31"},
            "issued_on": "2026-04-04",
            "due_on": "2026-05-04",
            "corrects": None,
            "evidence": {"service": "billing", "path": "/v1/invoices/inv_0PzN5cVbfq9yqLJ1fGzWmA"},
        },
    ),
    "usage.quarantined": EventType(
        "usage was refused and waits for repair",
        ENGINEERING,
        "once a customer or subject, event type and day",
        {
            "subject": "acme",
            "event_type": "api.call",
            "day": "2026-03-14",
            "first": "qua_0PzN5cVbfq9yqLJ1fGzWmB",
            "code": "value_not_a_number",
            "detail": 'data.seconds is "abc"; send a number.',
            "source": "api-gateway",
            "evidence": {"service": "usage_ingest", "path": "/v1/quarantine/qua_0PzN5cVbfq9yqLJ1fGzWmB"},
        },
    ),
    "usage.unmatched": EventType(
        "usage was stored that no customer or meter accounts for",
        ENGINEERING,
        "once a customer or subject, event type or meter, and day",
        {
            "subject": "acme-eu",
            "meter": "api_calls",
            "day": "2026-03-14",
            "events": 1204,
            "why": "no customer has this subject",
        },
    ),
    "customer.consumption.threshold_reached": EventType(
        "a share of the contracted capacity is consumed",
        ACCOUNT,
        "once a capacity, period and threshold",
        {**_ALLOWANCE, "threshold": "0.80"},
    ),
    "customer.activation.reached": EventType(
        "all activation milestones are reached",
        CUSTOMER_SUCCESS,
        "once a contract; `late` after its deadline",
        {
            **_ACTIVATION,
            "share": "1",
            "milestones": [_FIRST_CALL, {**_TEAM, "has": "6", "reached_on": "2026-02-11"}],
            "state": "reached",
        },
    ),
    "customer.activation.at_risk": EventType(
        "activation is behind its time",
        CUSTOMER_SUCCESS,
        "once a contract",
        {**_ACTIVATION, "state": "at_risk"},
    ),
    "customer.activation.failed": EventType(
        "activation missed its deadline",
        CUSTOMER_SUCCESS,
        "once a contract",
        {**_ACTIVATION, "state": "failed"},
    ),
    "customer.drifting": EventType(
        "use is shrinking",
        CUSTOMER_SUCCESS,
        "when the trend turns",
        {**_TREND, "trend": "drifting", "change": "-0.2868", "early_week": "71.5", "late_week": "51"},
    ),
    "customer.deepening": EventType(
        "use is growing", ACCOUNT, "when the trend turns", {**_TREND, "trend": "deepening"}
    ),
    "customer.users_quiet": EventType(
        "the most active users have gone quiet",
        CUSTOMER_SUCCESS,
        "once, and again only after enough of them were back",
        {"most_active": 8, "quiet": 5, "share": "0.625", "quiet_days": 14},
    ),
    METER_SILENT: EventType(
        "a meter has fallen silent: an outage, or a customer who left; of many customers at once, its producer",
        ENGINEERING,
        "once a silence; meters of one event type fall silent together, and a silent producer is told once instead of for each customer",
        {"meters": ["api_calls"], "last_seen_on": "2026-09-24", "silent_days": 7, "bearable_days": 7},
    ),
    "customer.at_risk": EventType(
        "the customer has come to be at risk",
        CUSTOMER_SUCCESS,
        "each time it begins, whenever in a term, and without a contract too; again only after it was safe meanwhile",
        _RISK,
    ),
    "renewal.due": EventType(
        "the renewal is due",
        ACCOUNT,
        "once a term and notice step",
        {**_RENEWAL, "at_risk": False, "score": 0, "reasons": [], "step_days": 60},
    ),
    "renewal.at_risk": EventType(
        "the renewal is at risk",
        CUSTOMER_SUCCESS,
        "once a term, and again only after it was safe meanwhile; inside the notice window",
        _RENEWAL,
    ),
    "expansion.ready": EventType(
        "the customer has outgrown the allowance, or nearly while use deepens",
        ACCOUNT,
        "once a line and closed period: the third in a row above its allowance, or the second above 80 % of it while the trend is deepening",
        {
            "line": "api",
            "because": "above the allowance",
            "periods": [
                {"start": "2026-01-01", "included": "100000", "used": "112804"},
                {"start": "2026-02-01", "included": "100000", "used": "118220"},
                {"start": "2026-03-01", "included": "100000", "used": "131077"},
            ],
        },
    ),
    "webhook.disabled": EventType(
        "an endpoint was disabled",
        ENGINEERING,
        "when an endpoint fails for the whole retry schedule or answers 410",
        {
            "endpoint": "whe_0PzN5cVbfq9yqLJ1fGzWmC",
            "url": "https://example.com/…",
            "reason": "it answered 410 Gone",
        },
    ),
    "webhook.test": EventType(
        "a test",
        ENGINEERING,
        "when it is asked for",
        {"message": "If you can verify this, you can verify all."},
    ),
}
SUBSCRIBABLE = tuple(name for name in EVENT_TYPES if name != "webhook.test")
