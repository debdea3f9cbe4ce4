"""One line over the last periods of its contract: what it came to on each period's document, and what notes added."""

from decimal import Decimal

import msgspec
import pytest

from services.billing.documents.usecases import DocumentNotFound
from services.billing.finalization.usecases.finalize import finalize_due
from services.billing.tracing.answers import LinePeriodsAnswer
from services.billing.tracing.usecases.follow import follow_line
from services.billing.tracing.usecases.trace import LineNotFound
from shared.db.unit_of_work import Database
from shared.topics.rating import AskedLine, StatementMessage
from shared.values.made_from import made_from
from tests.services.billing.conftest import Hear
from tests.services.billing.gates import OpenGate
from tests.services.billing.statements import NOW, ZONE, statement_of

AMOUNTS = {1: (100, 7), 2: (200,), 3: (0, 9), 4: (400, 8)}


def note_about(statement: StatementMessage, more: int) -> StatementMessage:
    """A correction that asks for so much more of the first line."""
    first = statement.lines[0]
    asked = made_from(
        AskedLine,
        msgspec.structs.replace(first, amount_minor=more),
        meter=first.meter,
        description=first.description,
    )
    return msgspec.structs.replace(
        statement,
        statement_id="00000000-0000-5000-8000-000000000009",
        occasion="note:1",
        revision=statement.revision + 1,
        asked=(asked,),
    )


async def test_a_line_is_followed_over_the_periods_of_its_contract(
    db: Database, hear: Hear, hear_customers: Hear
) -> None:
    await hear_customers()
    statements = {
        month: statement_of(month=month, amounts=amounts, final=month < 4)
        for month, amounts in AMOUNTS.items()
    }
    await hear(*statements.values(), statement_of("other", amounts=(999,)))
    await finalize_due(db, OpenGate(), NOW, ZONE)
    await hear(note_about(statements[2], 30))
    await finalize_due(db, OpenGate(), NOW, ZONE)
    ids = {
        (row["contract"], row["start_date"].month): row["document_id"]
        for row in await db.pool.fetch("select * from billing.documents where occasion = 'period'")
    }
    async with db.transaction() as uow:
        of_april = statements[4].lines
        found = [await follow_line(uow, ids["ua-2013", 4], of_april[n].line_id, 12) for n in (0, 1)]
        short = await follow_line(uow, ids["ua-2013", 3], statements[3].lines[0].line_id, 2)
    first, second = [
        [[one.start_date.month, one.quantity, one.amount_minor, one.noted_minor] for one in periods]
        for _, periods in found
    ]
    assert first == [[1, 1, 100, 0], [2, 1, 200, 30], [3, 1, 0, 0], [4, 1, 400, 0]]
    assert second == [[1, 11, 7, 0], [2, None, 0, 0], [3, 11, 9, 0], [4, 11, 8, 0]]
    assert [one.start_date.month for one in short[1]] == [2, 3]
    shown = LinePeriodsAnswer.of(*found[0]).as_json()
    february, april = shown["periods"][1], shown["periods"][3]
    assert (february["amount"], february["noted"], len(february["notes"]), february["status"]) == (
        "2.00",
        "0.30",
        1,
        "finalized",
    )
    assert (april["number"], april["status"], april["document"]) == (None, "draft", ids["ua-2013", 4])
    in_all = sum((Decimal(one["amount"]) + Decimal(one["noted"]) for one in shown["periods"]), Decimal(0))
    assert in_all == Decimal("7.30")


async def test_a_line_nobody_has_is_said_to_be_none(db: Database, hear: Hear) -> None:
    await hear(statement_of())
    [document_id] = [
        row["document_id"] for row in await db.pool.fetch("select document_id from billing.documents")
    ]
    async with db.transaction() as uow:
        with pytest.raises(LineNotFound, match="the document has"):
            await follow_line(uow, document_id, "none", 12)
        with pytest.raises(DocumentNotFound):
            await follow_line(uow, "inv_none", "none", 12)
