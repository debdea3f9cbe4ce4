"""Statements, customers and batches as tests say them."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from shared.runtime.clock import to_us
from shared.runtime.consumer import Batch
from shared.topics.rating import (
    ContractVersion,
    ContractVersionMessage,
    CustomerMessage,
    Explanation,
    StatementLine,
    StatementMessage,
    StatementSegment,
    StatementStep,
)
from shared.values.ids import clause_id, line_id, statement_id
from shared.values.money import currency as currency_of
from shared.values.money import to_decimal
from shared.values.period import period_between

NOW = datetime(2013, 2, 4, 12, tzinfo=UTC)
ZONE = "America/New_York"


def line_of(
    contract: str, period_start: datetime, key: str, quantity: str, amount_minor: int, kind: str = "usage"
) -> StatementLine:
    clause = clause_id(contract, "lines", key)
    segment = StatementSegment(
        to_us(period_start),
        to_us(period_start + timedelta(days=31)),
        1,
        "hash",
        Decimal(quantity),
        Decimal(0),
        Decimal(quantity),
        Decimal(amount_minor),
    )
    return StatementLine(
        line_id(contract, clause, period_start, kind),
        key,
        clause,
        1,
        "hash",
        kind,
        Decimal(quantity),
        amount_minor,
        meter=key if kind == "usage" else None,
        description=f"{key} used",
        segments=(segment,),
    )


def explanation_of(lines: Sequence[StatementLine], of_currency: str) -> Explanation:
    """One step a line, which leads to all of its amount."""
    found: Explanation = {}
    for line in lines:
        amount = to_decimal(line.amount_minor, currency_of(of_currency))
        said = {"quantity": f"{line.quantity:f}", "count": "1", "at": f"{amount:f}", "flat": "0", "reach": ""}
        found[line.line_id] = (StatementStep("price", (line.clause_id,), said, amount, amount),)
    return found


def statement_of(
    contract: str = "ua-2013",
    customer: str = "UA",
    *,
    revision: int = 1,
    month: int = 1,
    final: bool = False,
    amounts: Sequence[int] = (2_500_000, 61_155_000),
    currency: str = "USD",
    legal_entity: str = "default",
    watermark: dict[str, int] | None = None,
    **changes: Any,
) -> StatementMessage:
    """A statement of one month of 2013 in New York, with one line an amount."""
    last = date(2013, month, 28)
    period = period_between(
        date(2013, month, 1), (last.replace(day=1) + timedelta(days=32)).replace(day=1), ZONE
    )
    lines = tuple(
        line_of(contract, period.start, f"meter_{n}", str(n * 10 + 1), amount)
        for n, amount in enumerate(amounts)
    )
    said = {
        "statement_id": statement_id(contract, period.start),
        "revision": revision,
        "contract": contract,
        "customer_id": f"cus_{customer}",
        "customer": customer,
        "legal_entity": legal_entity,
        "currency": currency,
        "timezone": ZONE,
        "period_start_us": to_us(period.start),
        "period_end_us": to_us(period.end),
        "period_start_date": period.start_date.isoformat(),
        "period_end_date": period.end_date.isoformat(),
        "lines": lines,
        "subtotal_minor": sum(amounts),
        "watermark": watermark or {"0": revision},
        "watermark_us": revision * 1000,
        "final": final,
        "priced_us": to_us(NOW),
        "close_due_us": to_us(period.end) + 72 * 3600 * 10**6,
        "net_days": 30,
        "contract_versions": (1,),
        "explanation": explanation_of(lines, currency) if final else None,
    }
    return StatementMessage(**{**said, **changes})


def pages_of(statement: StatementMessage, lines_max: int) -> list[StatementMessage]:
    """The statement as it travels when it is long."""
    cuts = range(0, len(statement.lines), lines_max)
    said = {name: getattr(statement, name) for name in statement.__struct_fields__}
    return [
        StatementMessage(
            **{
                **said,
                "lines": statement.lines[cut : cut + lines_max],
                "explanation": statement.explanation if page == 1 else statement.explanation and {},
                "page": page,
                "pages": len(cuts),
            }
        )
        for page, cut in enumerate(cuts, 1)
    ]


def customer_of(customer: str = "UA", name: str = "United Air Lines", revision: int = 1) -> CustomerMessage:
    return CustomerMessage(f"cus_{customer}", revision, customer, name, (), "default", ZONE)


def contract_of(contract: str = "ua-2013", customer: str = "UA", revision: int = 1) -> ContractVersionMessage:
    terms = {
        "contract": contract,
        "lines": [{"key": "meter_0", "kind": "usage", "price": {"model": "per_unit", "unit": "1.00"}}],
    }
    return ContractVersionMessage(
        contract, revision, f"cus_{customer}", customer, (ContractVersion(1, 0, 0, "hash", terms),)
    )


def batch_of(messages: Sequence[Any], topic: str = "rating.statements") -> Batch[Any]:
    return Batch(
        topic,
        0,
        0,
        len(messages),
        1,
        list(messages),
        range(len(messages)),
        [()] * len(messages),
        [b""] * len(messages),
    )
