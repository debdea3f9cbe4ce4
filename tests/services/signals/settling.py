"""Finalized documents for the tests of signals, as billing tells them."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from shared.topics.billing import DocumentLine, DocumentMessage
from shared.topics.rating import LineDraw
from shared.values.period import add_months


def line(amount_minor: int, kind: str = "usage", key: str = "", **more: Any) -> DocumentLine:
    """A line of its document's own contract and period; `draws`: kind of a block → minor units."""
    draws = tuple(LineDraw(f"blk_{of}", of, drawn) for of, drawn in more.pop("draws", {}).items())
    name = key or kind
    return DocumentLine(
        f"line-{name}", name, "c", 1, kind, Decimal(1), amount_minor=amount_minor, draws=draws, **more
    )


def document(
    document_id: str, month: date, *lines: DocumentLine, kind: str = "invoice", **over: Any
) -> DocumentMessage:
    """A finalized document of acme-2024 for the month, or for the months that `months` says, that begins there."""
    months = over.pop("months", 1)
    drawn = sum(draw.amount_minor for one in lines for draw in one.draws)
    subtotal = sum(one.amount_minor for one in lines)
    said: dict[str, Any] = {
        "document_id": document_id,
        "revision": 1,
        "kind": kind,
        "status": "finalized",
        "number": f"US-{document_id}",
        "contract": "acme-2024",
        "customer_id": "cus_acme",
        "customer": "acme",
        "legal_entity": "us",
        "currency": "USD",
        "period_start_date": month.isoformat(),
        "period_end_date": (add_months(month, months) - timedelta(days=1)).isoformat(),
        "issued_on": add_months(month, months).isoformat(),
        "due_on": add_months(month, months + 1).isoformat(),
        "lines": lines,
        "subtotal_minor": subtotal,
        "total_minor": subtotal - drawn,
    }
    return DocumentMessage(**{**said, **over})
