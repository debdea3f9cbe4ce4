"""Documents made from what pricing returns, as billing has them once the statement has travelled."""

from datetime import UTC, date, datetime

import msgspec

from services.billing.documents.domain.document import Document, Line
from services.billing.documents.domain.kinds import INVOICE
from shared.pricing import PricedLine, PricedPeriod
from shared.topics.rating import PERIOD, Explanation, LineDraw
from shared.topics.statement_steps import told
from shared.values.made_from import made_from

_encode = msgspec.json.Encoder(decimal_format="string").encode


def document_of(priced: PricedPeriod, *, currency: str = "USD", kept: bool = True) -> Document:
    """A finalized document of January 2026. `kept`: the steps were kept with it."""
    now = datetime(2026, 2, 4, tzinfo=UTC)
    explanation = _travelled(priced)
    return Document(
        "inv_1",
        INVOICE,
        "finalized",
        "X-2026-000001",
        "acme-2026",
        "acme",
        "Acme",
        "default",
        currency,
        "UTC",
        date(2026, 1, 1),
        date(2026, 1, 31),
        PERIOD,
        date(2026, 2, 4),
        date(2026, 3, 6),
        priced.subtotal_minor,
        priced.total_minor,
        None,
        (),
        now,
        now,
        tuple(_line(line, priced, explanation if kept else None) for line in priced.lines),
    )


def _line(line: PricedLine, priced: PricedPeriod, explanation: Explanation | None) -> Line:
    kinds = {block.id: block.kind for block in priced.blocks}
    draws = [
        LineDraw(draw.block, kinds[draw.block], draw.amount_minor)
        for draw in priced.draws
        if draw.line_id == line.line_id
    ]
    return made_from(
        Line,
        line,
        contract="acme-2026",
        period_start=datetime(2026, 1, 1, tzinfo=UTC),
        start_date=date(2026, 1, 1),
        end_date=date(2026, 1, 31),
        statement_id="",
        meter=line.meter,
        description=line.description,
        draws=tuple(draws),
        segments=(),
        steps=None if explanation is None else explanation[line.line_id],
    )


def _travelled(priced: PricedPeriod) -> Explanation:
    return msgspec.json.decode(_encode(told(priced.explanation)), type=Explanation)
