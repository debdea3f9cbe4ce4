"""Statements as the API shows them: decimals as strings, times as RFC 3339."""

from typing import Any

from services.rating.contracts.views import instant
from shared.decimals import plain
from shared.instants import from_us
from shared.money import currency, format_minor
from shared.pricing.explanation import Step
from shared.topics.rating import StatementLine, StatementMessage


def summary(statement: StatementMessage) -> dict[str, Any]:
    """A statement without its lines."""
    return {
        "object": "statement", "id": statement.statement_id, "revision": statement.revision, "contract": statement.contract,
        "customer_id": statement.customer_id, "customer": statement.customer, "currency": statement.currency,
        "period": {
            "start": statement.period_start_date, "end": statement.period_end_date, "starts_at": instant(from_us(statement.period_start_us)),
            "ends_at": instant(from_us(statement.period_end_us)), "timezone": statement.timezone,
        },
        "final": statement.final, "close_due_at": instant(from_us(statement.close_due_us)), "priced_at": instant(from_us(statement.priced_us)),
        "watermark": {"batches": statement.watermark, "received_until": instant(from_us(statement.watermark_us))},
        "contract_versions": list(statement.contract_versions), "subtotal": amount(statement, statement.subtotal_minor),
        "consumption": statement.consumption, "meters": statement.meters, "held": held(statement),
    }


def held(statement: StatementMessage) -> dict[str, Any] | None:
    """Why the figures are not whole; null where they are."""
    why = statement.held
    return None if why is None else {
        "reason": why.reason, "since": instant(from_us(why.since_us)), "events": why.events,
        "named": [{"source": event.source, "id": event.id} for event in why.named],
        "exception": why.exception, "owner": why.owner, "detail": why.detail,
    }


def whole(statement: StatementMessage) -> dict[str, Any]:
    """A statement with its lines and their segments."""
    return {**summary(statement), "lines": [line_view(statement, line) for line in statement.lines]}


def line_view(statement: StatementMessage, line: StatementLine) -> dict[str, Any]:
    return {
        "id": line.line_id, "key": line.key, "kind": line.kind, "description": line.description, "meter": line.meter,
        "clause": line.clause_id, "version": line.version, "clause_hash": line.clause_hash, "quantity": plain(line.quantity),
        "amount": amount(statement, line.amount_minor),
        "segments": [
            {
                "starts_at": instant(from_us(segment.start_us)), "ends_at": instant(from_us(segment.end_us)), "version": segment.version,
                "clause_hash": segment.clause_hash, "group": segment.group, "quantity": plain(segment.quantity),
                "allowance": plain(segment.allowance), "priced": plain(segment.priced), "exact": plain(segment.exact),
            } for segment in line.segments
        ],
    }


def explanation(statement: StatementMessage, line: StatementLine, steps: list[Step]) -> dict[str, Any]:
    """Why the line costs what it costs: the amounts of the steps sum to `amount`."""
    return {
        "object": "explanation", "contract": statement.contract, "period_start": statement.period_start_date, "revision": statement.revision,
        "currency": statement.currency, "line": line_view(statement, line),
        "steps": [
            {
                "step": step.step, "clause": step.clause, "text": step.text, "quantity": plain(step.quantity) if step.quantity is not None else None,
                "amount": plain(step.amount) if step.amount is not None else None,
            } for step in steps
        ],
    }


def cost(external_id: str, now: str, statements: list[StatementMessage]) -> dict[str, Any]:
    """What the current period of each contract of a customer has come to, for the product's own screens."""
    return {
        "object": "customer_cost", "customer": external_id, "as_of": now,
        "contracts": [
            {
                "contract": s.contract, "currency": s.currency, "period": {"start": s.period_start_date, "end": s.period_end_date},
                "subtotal": amount(s, s.subtotal_minor), "received_until": instant(from_us(s.watermark_us)), "consumption": s.consumption,
                "held": held(s),
                "lines": [
                    {"key": line.key, "meter": line.meter, "quantity": plain(line.quantity), "amount": amount(s, line.amount_minor)}
                    for line in s.lines
                ],
            } for s in statements
        ],
    }


def amount(statement: StatementMessage, minor: int) -> str:
    return format_minor(minor, currency(statement.currency))
