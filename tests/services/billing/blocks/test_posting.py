"""What changes of blocks post: once each, balanced, with block and row."""

from datetime import date

import msgspec
import pytest

from services.billing.blocks.domain.posting import entry_of
from services.billing.blocks.usecases import hear_block_rows
from services.billing.journal.rows import Entry, EntryFilter
from services.billing.journal.usecases import list_entries
from shared.db.unit_of_work import Database
from shared.runtime.consumer import BatchCounts
from shared.topics.rating import BlockRowMessage
from shared.values.instants import to_us
from tests.services.billing.statements import NOW, batch_of

ZONE = "UTC"
ROW = BlockRowMessage(
    row=17,
    block="blk_1",
    kind="expiry",
    amount_minor=-300,
    block_kind="prepaid",
    contract="ua-2013",
    customer_id="cus_UA",
    customer="UA",
    currency="USD",
    at_us=to_us(NOW),
    recorded_us=to_us(NOW),
    cause="ended",
)
LIABILITY = "credits_liability"


@pytest.mark.parametrize(
    ("kind", "minor", "against"),
    [
        ("grant", 300, "opening_balance"),
        ("adjustment", 300, "opening_balance"),
        ("adjustment", -300, "opening_balance"),
        ("expiry", -300, "revenue.breakage"),
        ("void", -300, "revenue.breakage"),
        ("revived", 300, "revenue.breakage"),
        ("refund", -300, "customer_credit"),
    ],
)
def test_what_a_row_adds_is_owed_and_what_it_takes_is_not(kind: str, minor: int, against: str) -> None:
    entry = entry_of(msgspec.structs.replace(ROW, kind=kind, amount_minor=minor), ZONE)
    assert entry is not None
    assert (entry.source.kind, entry.source.id, entry.source.event) == ("block", "blk_1", f"{kind}:17")
    assert {(one.account, one.amount_minor, one.block_id) for one in entry.postings} == {
        (against, minor, None),
        (LIABILITY, -minor, "blk_1"),
    }
    assert (entry.contract, entry.customer, entry.posted_on) == ("ua-2013", "UA", NOW.date())


def test_what_was_sold_below_its_amount_is_owed_at_what_was_paid() -> None:
    """Half of what lapses was never asked for."""
    entry = entry_of(msgspec.structs.replace(ROW, cost_minor=-240, unasked_minor=-120), ZONE)
    assert entry is not None
    assert {(one.account, one.amount_minor, one.block_id) for one in entry.postings} == {
        ("revenue.breakage", -120, None),
        (LIABILITY, 120, "blk_1"),
    }


@pytest.mark.parametrize(
    ("block_kind", "given_up", "rest"),
    [
        ("prepaid", 300, []),
        ("prepaid", 200, [("revenue.promotional", 100, None)]),
        ("roll_over", 0, [("revenue.shortfall", 300, None)]),
    ],
    ids=["refill", "at least so much", "short of a commitment"],
)
def test_what_is_handed_on_moves_from_block_to_block(
    block_kind: str, given_up: int, rest: list[tuple[str, int, str | None]]
) -> None:
    """The rest is what a statement asked for as short, or what a refill guarantees."""
    row = msgspec.structs.replace(
        ROW,
        kind="grant",
        amount_minor=300,
        block_kind=block_kind,
        period_start_us=0,
        carried_from="blk_0" if given_up else None,
        carried_minor=given_up,
    )
    entry = entry_of(row, ZONE)
    assert entry is not None
    moved = [(LIABILITY, given_up, "blk_0")] if given_up else []
    found = [(one.account, one.amount_minor, one.block_id) for one in entry.postings]
    assert found == [*moved, *rest, (LIABILITY, -300, "blk_1")]


@pytest.mark.parametrize(
    "changed",
    [{"block_kind": "promotional"}, {"block_kind": "shortfall"}, {"kind": "grant", "asked_for": True}],
)
def test_a_gift_posts_as_it_is_drawn_and_what_documents_ask_for_by_them(changed: dict[str, object]) -> None:
    assert entry_of(msgspec.structs.replace(ROW, **changed), ZONE) is None


def test_it_is_posted_on_the_day_of_the_legal_entity() -> None:
    late = msgspec.structs.replace(ROW, recorded_us=to_us(NOW.replace(hour=3, minute=0)))
    entry = entry_of(late, "America/New_York")
    assert entry is not None and (NOW.date() - entry.posted_on).days == 1


async def test_what_is_told_again_posts_nothing(db: Database) -> None:
    rows = [ROW, msgspec.structs.replace(ROW, row=18, kind="revived", amount_minor=100)]

    async def heard(*messages: BlockRowMessage) -> BatchCounts:
        async with db.transaction() as uow:
            return await hear_block_rows(batch_of(messages, "rating.block_rows"), uow, ZONE)

    assert await heard(rows[0]) == BatchCounts(new=1)
    assert await heard(*rows, rows[1]) == BatchCounts(new=1, duplicate=2)
    assert await heard(*rows) == BatchCounts(duplicate=2)
    assert await heard(msgspec.structs.replace(ROW, block_kind="promotional")) == BatchCounts(duplicate=1)
    found = await entries(db, EntryFilter(block_id="blk_1"))
    assert [entry.event for entry in found] == ["revived:18", "expiry:17"]
    assert {entry.posted_on for entry in found} == {date(NOW.year, NOW.month, NOW.day)}
    assert await entries(db, EntryFilter(block_id="blk_0")) == []


async def entries(db: Database, asked: EntryFilter) -> list[Entry]:
    async with db.transaction(isolation="repeatable_read") as uow:
        return await list_entries(uow, asked, None, 10)
