"""Finalized documents are told once more, the same in every word; a draft is nobody's business."""

from typing import Any

import msgspec
import pytest

from services.billing.documents import snapshots
from services.billing.finalization.usecases.finalize import finalize_due
from shared.db.unit_of_work import Database
from shared.runtime.retelling import retell
from shared.topics.billing import DOCUMENTS
from tests.services.billing.conftest import Hear
from tests.services.billing.gates import OpenGate
from tests.services.billing.statements import NOW, ZONE, customer_of, statement_of


async def told(db: Database) -> list[tuple[bytes, Any]]:
    """What the outbox holds, in order."""
    return [
        (row["key"], DOCUMENTS.decode(row["value"]))
        for row in await db.pool.fetch("select key, value from billing.outbox order by outbox_id")
    ]


async def test_each_finalized_document_is_told_once_more_and_says_the_same(
    db: Database,
    hear: Hear,
    hear_customers: Hear,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(snapshots, "A_PAGE", 2)
    await hear_customers(*(customer_of(f"C{n}", f"Customer {n}") for n in range(5)))
    draft = statement_of("contract-0", "C0", month=2)
    await hear(
        *(statement_of(f"contract-{n}", f"C{n}", final=True, amounts=(n + 1, 20)) for n in range(5)), draft
    )
    assert await finalize_due(db, OpenGate(), NOW, ZONE) == 5
    first = await told(db)
    await retell(db, snapshots.SNAPSHOTS)
    again = (await told(db))[len(first) :]
    assert {key for key, _ in again} == {key for key, _ in first} == {
        message.document_id.encode() for _, message in first
    } and len(again) == 5
    said = {message.document_id: message for _, message in first}
    for _, message in again:
        before = said[message.document_id]
        assert message.revision < before.revision, (
            "older: whoever has it keeps it, whoever lost it takes this"
        )
        assert msgspec.structs.replace(message, revision=before.revision) == before
    await retell(db, snapshots.SNAPSHOTS)
    assert len(await told(db)) == 10, "once"
