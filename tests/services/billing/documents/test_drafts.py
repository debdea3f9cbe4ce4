"""A draft follows its statement: the newest revision, whole, and nothing else."""

from typing import Any

import msgspec

from services.billing.documents.answers import DocumentAnswer
from services.billing.documents.domain.document import Document
from services.billing.documents.domain.filters import DocumentFilter
from services.billing.documents.page import page_of
from services.billing.finalization.usecases.finalize import finalize_due
from shared.db.unit_of_work import Database
from shared.runtime.clock import to_us
from shared.topics.rating import EventName, StatementHeld
from tests.services.billing.conftest import Hear
from tests.services.billing.gates import Broken, OpenGate
from tests.services.billing.reading import get_document, list_documents
from tests.services.billing.statements import NOW, ZONE, pages_of, statement_of


def shown_document(document: Document) -> dict[str, Any]:
    shown: dict[str, Any] = DocumentAnswer.of(document).as_json()
    return shown


async def only_draft(db: Database) -> dict[str, Any]:
    (document,) = await list_documents(db, DocumentFilter(), None, 10)
    return shown_document(await get_document(db, document.document_id))


async def test_a_draft_says_what_its_statement_says_and_names_its_watermark(db: Database, hear: Hear) -> None:
    await hear(statement_of(watermark={"0": 7, "3": 9}))
    draft = await only_draft(db)
    assert draft["status"] == "draft" and draft["number"] is None and draft["issued_on"] is None
    assert draft["total"] == "636550.00" and [line["amount"] for line in draft["lines"]] == [
        "25000.00",
        "611550.00",
    ]
    assert draft["period"] == {"start": "2013-01-01", "end": "2013-01-31"}
    assert (
        draft["statements"][0]["watermark"] == {"0": 7, "3": 9}
        and draft["statements"][0]["watermark_us"] == 1000
    )
    assert draft["lines"][1]["segments"][0]["start"] == "2013-01-01T05:00:00Z"


async def test_a_newer_revision_replaces_the_whole_and_an_older_one_is_ignored(
    db: Database, hear: Hear
) -> None:
    assert (await hear(statement_of(revision=5))).new == 1
    before = await only_draft(db)
    assert (await hear(statement_of(revision=9, amounts=(100,)))).new == 1
    assert (await hear(statement_of(revision=7, amounts=(1, 2, 3)))).duplicate == 1
    after = await only_draft(db)
    assert after["id"] == before["id"]
    assert (
        [line["amount"] for line in after["lines"]] == ["1.00"]
        and after["total"] == "1.00"
        and after["statements"][0]["revision"] == 9
    )


async def test_within_a_batch_only_the_newest_revision_counts(db: Database, hear: Hear) -> None:
    counts = await hear(
        *(statement_of(revision=revision, amounts=(revision,)) for revision in (3, 8, 1, 8, 5)),
        statement_of(month=2),
    )
    assert (counts.new, counts.duplicate) == (2, 4)
    january = (await list_documents(db, DocumentFilter(contract="ua-2013"), None, 10))[-1]
    assert {d.total_minor for d in await list_documents(db, DocumentFilter(), None, 10)} == {
        8,
        63_655_000,
    } and january.contract == "ua-2013"


async def test_a_revision_after_the_final_one_is_refused_and_seen(db: Database, hear: Hear) -> None:
    await hear(statement_of(revision=5, final=True))
    assert (await hear(statement_of(revision=6, amounts=(1,)))).duplicate == 1
    assert (await only_draft(db))["total"] == "636550.00"
    (exception,) = await db.pool.fetch(
        "select kind, reference, owner from billing.exceptions where resolved_at is null"
    )
    assert tuple(exception) == ("statement_after_final", "ua-2013:2013-01-01", "billing operations")


async def test_a_redelivered_final_statement_is_a_plain_duplicate(db: Database, hear: Hear) -> None:
    await hear(statement_of(revision=5, final=True))
    assert (await hear(statement_of(revision=5, final=True))).duplicate == 1
    assert await db.pool.fetchval("select count(*) from billing.exceptions") == 0


async def test_pages_are_swapped_in_when_they_are_complete_and_not_before(db: Database, hear: Hear) -> None:
    await hear(statement_of(revision=1))
    long = statement_of(revision=2, amounts=tuple(range(1, 12)))
    first, second, third = pages_of(long, 4)
    assert (await hear(third, first)).new == 2
    assert (await only_draft(db))["statements"][0]["revision"] == 1
    assert (await hear(second)).new == 1
    draft = await only_draft(db)
    assert [line["amount"] for line in draft["lines"]] == [f"0.{n:02}" for n in range(1, 12)] and draft[
        "total"
    ] == "0.66"
    assert await db.pool.fetchval("select count(*) from billing.statement_pages") == 0
    assert (await hear(first, second, third)).duplicate == 3


async def test_pages_of_an_overtaken_revision_are_never_joined_with_newer_ones(
    db: Database, hear: Hear
) -> None:
    old, new = (pages_of(statement_of(revision=revision, amounts=(revision,) * 4), 2) for revision in (1, 2))
    await hear(old[0], new[1])
    assert await db.pool.fetchval("select count(*) from billing.documents") == 0
    await hear(new[0], old[1])
    assert (await only_draft(db))["total"] == "0.08"


async def test_a_revision_that_is_told_again_in_other_pages_is_not_joined_with_those_of_before(
    db: Database, hear: Hear
) -> None:
    """As after an upgrade that cuts otherwise: of three pages two had come, and now there are two."""
    long = statement_of(revision=2, amounts=tuple(range(1, 13)))
    await hear(*pages_of(long, 4)[:2])
    first, second = pages_of(long, 6)
    await hear(second)
    assert await db.pool.fetchval("select count(*) from billing.documents") == 0
    await hear(first)
    assert [line["amount"] for line in (await only_draft(db))["lines"]] == [f"0.{n:02}" for n in range(1, 13)]
    assert await db.pool.fetchval("select count(*) from billing.statement_pages") == 0


async def test_minor_units_are_those_of_the_currency(db: Database, hear: Hear) -> None:
    await hear(statement_of(currency="JPY", amounts=(1_000_000,)))
    draft = await only_draft(db)
    assert draft["total"] == "1000000" and draft["lines"][0]["amount"] == "1000000"


HELD = StatementHeld(
    "pricing_failed",
    to_us(NOW),
    "exc_1",
    "finance",
    "ua-2013:2013-01-01 cannot be priced and is held: no rate for region=EU. In the way: door e-1.",
    1,
    (EventName("door", "e-1"),),
)


async def test_a_draft_whose_statement_is_held_says_so_alone_and_in_a_list(db: Database, hear: Hear) -> None:
    await hear(statement_of(revision=3), statement_of(month=2))
    await hear(statement_of(revision=4, held=HELD))
    listed = [shown_document(document) for document in await list_documents(db, DocumentFilter(), None, 10)]
    assert [document["held"] and document["held"]["reason"] for document in listed] == [
        None,
        "pricing_failed",
    ]
    draft = shown_document(await get_document(db, listed[1]["id"]))
    assert (
        draft["held"]
        == listed[1]["held"]
        == {
            "reason": "pricing_failed",
            "since": "2013-02-04T12:00:00Z",
            "events": 1,
            "named": [{"source": "door", "id": "e-1"}],
            "exception": "exc_1",
            "service": "rating",
            "owner": "finance",
            "detail": HELD.detail,
        }
    )
    page = page_of(await get_document(db, listed[1]["id"]))
    assert (
        "On hold since 4 February 2013: these figures are not whole." in page
        and "In the way: door e-1." in page
        and "exc_1" in page
    )
    await hear(statement_of(revision=5))
    assert shown_document(await get_document(db, listed[1]["id"]))["held"] is None


async def test_a_held_statement_in_pages_is_a_held_draft(db: Database, hear: Hear) -> None:
    for page in pages_of(statement_of(held=HELD), 1):
        await hear(page)
    assert (await only_draft(db))["held"]["exception"] == "exc_1"


async def test_a_draft_the_gate_holds_says_what_it_found_until_that_is_gone(
    db: Database, hear: Hear, hear_customers: Hear
) -> None:
    await hear_customers()
    await hear(statement_of(final=True))
    await finalize_due(db, Broken("ua-2013"), NOW, ZONE)
    (listed,) = await list_documents(db, DocumentFilter(), None, 10)
    held = shown_document(listed)["held"]
    exception = await db.pool.fetchval(
        "select exception_id from billing.exceptions where resolved_at is null"
    )
    assert held == {
        "reason": "conservation_k4",
        "since": "2013-02-04T12:00:00Z",
        "events": None,
        "named": [],
        "exception": exception,
        "service": "billing",
        "owner": "rating",
        "detail": "off by one",
    }
    page = page_of(await get_document(db, listed.document_id))
    assert "it cannot become an invoice yet" in page and "off by one" in page
    await db.pool.execute("update billing.documents set held_until = clock_timestamp()")
    await finalize_due(db, OpenGate(), NOW, ZONE)
    assert (await only_draft(db))["held"] is None and await db.pool.fetchval(
        "select count(*) from billing.exceptions where resolved_at is null"
    ) == 0


async def test_an_obstacle_of_any_kind_resolves_when_it_is_gone(
    db: Database, hear: Hear, hear_customers: Hear
) -> None:
    """K1 stops every close, and its exception must not outlive it."""
    await hear_customers()
    await hear(statement_of(final=True))
    await finalize_due(db, Broken("ua-2013", kind="conservation_k1"), NOW, ZONE)
    assert (await only_draft(db))["held"]["reason"] == "conservation_k1"
    await db.pool.execute("update billing.documents set held_until = clock_timestamp()")
    await finalize_due(db, OpenGate(), NOW, ZONE)
    assert await db.pool.fetchval("select count(*) from billing.exceptions where resolved_at is null") == 0


async def test_segments_that_are_not_here_are_absent_and_not_empty(db: Database, hear: Hear) -> None:
    whole = statement_of()
    await hear(
        msgspec.structs.replace(
            whole, lines=tuple(msgspec.structs.replace(line, segments=()) for line in whole.lines)
        )
    )
    (listed,) = await list_documents(db, DocumentFilter(), None, 10)
    assert all(
        not {"segments", "steps", "steps_kept"} & set(line)
        for line in [*shown_document(listed)["lines"], *(await only_draft(db))["lines"]]
    )
