"""Every planted fault is named with its row: those of `u2c verify --sabotage`, and those a determined vandal
would think of."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import asyncpg
import pytest

from services.billing.conservation.checks.k1_transport import transport
from services.billing.conservation.checks.sabotage import KINDS, plant
from services.billing.conservation.domain.breaks import Break
from services.billing.conservation.usecases.check import breaks_of, check_all

#: What harms notes is planted where there are some: tests/system/corrections/test_notes.py.
OF_NOTES = {"correction-dropped", "note-doubled"}
#: And what harms what lapsed: tests/system/blocks/test_journal.py.
OF_BREAKAGE = {"breakage-dropped", "breakage-doubled", "lapse-unasked"}
#: What harms what was paid for a block: tests/system/blocks/test_cost_basis.py.
OF_COSTS = {"cost-shifted"}


@pytest.mark.parametrize("kind", sorted(KINDS.keys() - OF_NOTES - OF_BREAKAGE - OF_COSTS))
async def test_every_sabotage_is_named_with_its_row(vandal: asyncpg.Connection, kind: str) -> None:
    planted = await plant(vandal, kind)
    found = (await check_all(vandal)).breaks
    assert any(planted.named_by(broken) for broken in found), (planted, found)


@dataclass(frozen=True)
class Fault:
    """SQL that harms the book, and the fault, table and part of the key that must be named."""

    harm: str
    fault: str
    table: str
    k: str


ACME, BOLT, LITE = ("contract = 'acme-2025'", "contract = 'bolt-2025'", "contract = 'lite-2025'")
RATING = "grp = 'rating' and topic = 'usage.events'"
VANDALISM = {
    "an event and its key": Fault(
        """with gone as (delete from rating.events where source = 'book' and id = 'bare-2' returning key)
           delete from rating.event_keys where key in (select key from gone)""",
        "batch_not_stored",
        "bus.batches",
        "K3",
    ),
    "an event stored twice": Fault(
        """insert into rating.events (batch_id, seq, partition, received_at, key, source, id, type, subject,
            time, data)
           select batch_id, seq + 100000, partition, received_at, key, source, id, type, subject, time, data
           from rating.events where id = 'acme-1'""",
        "event_unkeyed",
        "rating.event_keys",
        "K3",
    ),
    "a void that points nowhere": Fault(
        "update rating.voids set event_seq = event_seq + 1 where id = 'acme-3'",
        "void_unlinked",
        "rating.voids",
        "K3",
    ),
    "a unique item counted once too often": Fault(
        """update rating.usage_items set events = events + 1 where (subject_no, series_no, hour, item) in (
               select subject_no, series_no, hour, item from rating.usage_items order by 1, 2, 3, 4 limit 1)""",
        "aggregate_off",
        "rating.usage_items",
        "K4",
    ),
    "an hour that vanishes": Fault(
        """delete from rating.usage_packed_hours where (subject_no, hour) = (
               select subject_no, hour from rating.usage_packed_hours join rating.usage_subjects
                   using (subject_no) where subject = 'bolt' and 0 < any (events) limit 1)""",
        "aggregate_off",
        "rating.usage_packed_hours",
        "K4",
    ),
    "a day that is not its hours": Fault(
        """update rating.usage_packed_days set vals[1] = vals[1] + 1 where (subject_no, day) = (
               select subject_no, day from rating.usage_packed_days limit 1)""",
        "day_off",
        "rating.usage_packed_days",
        "K4",
    ),
    "days that are not rolled up and taken for it": Fault(
        "update rating.fold_state set rolled_before = 'infinity', rolling_before = 'infinity'",
        "day_off",
        "rating.usage_packed_days",
        "K4",
    ),
    "a meter whose readers see another version": Fault(
        "update rating.series_read set since = since - 1 where meter = 'calls'",
        "aggregate_off",
        "rating.usage_packed_hours",
        "K4",
    ),
    "a batch whose delta is gone": Fault(
        """update rating.fold_state set watermark = (
               select jsonb_object_agg(partition, batch_id::bigint - 1)
               from jsonb_each_text(watermark) w (partition, batch_id))""",
        "delta_missing",
        "rating.usage_deltas",
        "K4",
    ),
    "a final statement with another quantity": Fault(
        f"""update rating.statements set said = jsonb_set(document, '{{lines,1,segments,0,quantity}}',
            '"99"')::text where {ACME} and final""",
        "segment_off",
        "rating.statements",
        "K4",
    ),
    "a statement without one of its lines": Fault(
        f"update rating.statements set said = (document #- '{{lines,1}}')::text where {ACME} and final",
        "usage_not_stated",
        "rating.statements",
        "K4",
    ),
    "a subtotal": Fault(
        f"update rating.statements set subtotal_minor = subtotal_minor + 1 where {BOLT} and final",
        "statement_not_its_lines",
        "rating.statements",
        "K5",
    ),
    "a statement billing never heard": Fault(
        f"delete from billing.statements where {BOLT} and final",
        "statement_not_heard",
        "billing.statements",
        "K5",
    ),
    "a document that is gone": Fault(
        f"delete from billing.documents where {LITE} and status = 'finalized'",
        "document_missing",
        "billing.documents",
        "K5",
    ),
    "a gap in the numbers": Fault(
        f"delete from billing.documents where {LITE} and status = 'finalized'",
        "number_missing",
        "billing.documents",
        "K5",
    ),
    "a line that is gone": Fault(
        f"""delete from billing.document_lines where key = 'platform' and document_id in (
               select document_id from billing.documents where {ACME} and status = 'finalized')""",
        "line_differs",
        "billing.document_lines",
        "K5",
    ),
    "an entry that is gone": Fault(
        "delete from billing.journal_entries where source_id = (select min(source_id) from billing.journal_entries)",
        "entry_missing",
        "billing.journal_entries",
        "K5",
    ),
    "a posting that is off": Fault(
        """update billing.journal_postings set amount_minor = amount_minor + 1
           where account = 'receivable' and entry_id = (select min(entry_id)
               from billing.journal_postings)""",
        "entry_unbalanced",
        "billing.journal_entries",
        "K5",
    ),
    "a period without a statement": Fault(
        f"""with gone as (delete from rating.statements where {BOLT} and final
            returning contract, period_start),
                heard as (delete from billing.statements h using gone
                    where h.contract = gone.contract and h.period_start = gone.period_start)
           delete from billing.documents d using gone
               where d.contract = gone.contract and d.period_start = gone.period_start""",
        "period_without_statement",
        "rating.statements",
        "K5",
    ),
    "a position moved back": Fault(
        f"update bus.positions set position = position - 1 where {RATING} and position > 0",
        "position_behind_batches",
        "bus.positions",
        "K1",
    ),
    "a line that moves to another month": Fault(
        f"""update billing.document_lines set period_start = period_start + interval '1 month'
            where {ACME} and position = 1""",
        "line_differs",
        "billing.document_lines",
        "K5",
    ),
    "a line of a statement that its document is not made from": Fault(
        f"update billing.document_lines set statement_id = gen_random_uuid() where {BOLT} and position = 1",
        "line_not_of_its_document",
        "billing.document_lines",
        "K5",
    ),
    "a document that forgets its statement": Fault(
        f"delete from billing.document_statements where {ACME} and final",
        "document_missing",
        "billing.documents",
        "K5",
    ),
    "an entry in another customer's name": Fault(
        """update billing.journal_entries set customer = 'nobody' where entry_id = (
               select min(entry_id) from billing.journal_entries)""",
        "entry_of_another",
        "billing.journal_entries",
        "K5",
    ),
    "a document in another customer's name": Fault(
        f"""update billing.documents set customer_id = (select max(customer_id) from billing.customers
                where customer_id <> documents.customer_id)
            where document_id = (select min(document_id) from billing.documents where {ACME} and status = 'finalized')""",
        "document_not_as_told",
        "billing.documents",
        "K5",
    ),
    "a document that is due on another day": Fault(
        f"""update billing.documents set due_on = due_on + 1
            where document_id = (select min(document_id) from billing.documents where {ACME} and status = 'finalized')""",
        "document_not_as_told",
        "billing.documents",
        "K5",
    ),
    "a fee booked as usage": Fault(
        """update billing.journal_postings set account = 'revenue.usage' where (entry_id, position) = (
               select entry_id, position from billing.journal_postings where account = 'revenue.recurring'
               order by 1, 2 limit 1)""",
        "entry_not_the_document",
        "billing.journal_entries",
        "K5",
    ),
    "an entry of a document that nobody made": Fault(
        """insert into billing.journal_entries (entry_id, source_kind, source_id, event, customer, currency,
               posted_on, description)
           values ('jou_x', 'document', 'inv_x', 'finalized', 'acme', 'USD', '2025-02-04', 'x')""",
        "entry_of_nothing",
        "billing.journal_entries",
        "K5",
    ),
    "a document that is older than the one before it": Fault(
        """update billing.documents set issued_on = issued_on - 1 where number = (
               select max(number) from billing.documents where status = 'finalized')""",
        "number_before_its_day",
        "billing.documents",
        "K5",
    ),
    "a position past the head": Fault(
        "update bus.heads set head = head - 1 where topic = 'usage.events' and head > 0",
        "position_past_head",
        "bus.positions",
        "K1",
    ),
    "a batch that took what another took": Fault(
        f"""update bus.batches set from_offset = from_offset - 1, duplicate = duplicate + 1 where batch_id = (
               select max(batch_id) from bus.batches b where {RATING} and from_offset > 0 and not exists (
                   select from bus.batches o
                   where (o.grp, o.topic, o.partition, o.from_offset) =
                       (b.grp, b.topic, b.partition, b.from_offset - 1)))""",
        "batch_overlaps",
        "bus.batches",
        "K1",
    ),
    "a receipt that promises more than the bus has": Fault(
        """update usage_ingest.receipts set received = received + 1000000, published = published + 1000000
           where receipt_id = (select min(receipt_id) from usage_ingest.receipts)""",
        "receipts_exceed_bus",
        "usage_ingest.receipts",
        "K2",
    ),
    "a void that is gone": Fault(
        "delete from rating.voids where id = 'late-3'", "void_missing", "rating.voids", "K3"
    ),
    "a receipt that is gone": Fault(
        "delete from usage_ingest.receipts where receipt_id = (select min(receipt_id) from usage_ingest.receipts)",
        "hour_off",
        "usage_ingest.door_hours",
        "K2",
    ),
    "a quarantined event nobody sent": Fault(
        """insert into usage_ingest.quarantine (quarantine_id, code, detail, raw, source, id, type, subject,
            key_id, request_id, index_,
               received_at, business_at)
           values ('qua_x', 'x', '', '', '', '', '', '', '', '', 0, now(), now())""",
        "quarantine_row_missing",
        "usage_ingest.quarantine",
        "K2",
    ),
}


@pytest.mark.parametrize("what", VANDALISM)
async def test_what_a_vandal_would_think_of_is_named(vandal: asyncpg.Connection, what: str) -> None:
    wanted = VANDALISM[what]
    assert not (await vandal.execute(wanted.harm)).endswith(" 0"), "the harm must harm something"
    found = (await check_all(vandal)).breaks
    assert (wanted.k, wanted.fault, wanted.table) in {
        (broken.k, broken.fault, broken.where.table) for broken in found
    }, found


async def test_a_break_stops_the_contract_it_touches_and_no_other(vandal: asyncpg.Connection) -> None:
    await vandal.execute("delete from rating.events where source = 'book' and id = 'acme-1'")
    periods = await _final(vandal)
    stopped = await breaks_of(vandal, periods)
    assert {contract for contract, _ in stopped} == {"acme-2025"}
    assert {broken.fault for broken in _all(stopped)} == {"segment_off"}


async def test_a_k1_break_stops_them_all(vandal: asyncpg.Connection) -> None:
    await vandal.execute(
        """insert into billing.exceptions (exception_id, kind, reference, detail, owner, opened_at,
            deadline_at)
           values ('exc_x', 'conservation_break_k1', 'batch_row_missing: …',
               'messages 1 to 2 are in no batch', 'platform', now(), now())"""
    )
    periods = await _final(vandal)
    stopped = await breaks_of(vandal, periods)
    assert set(stopped) == set(periods) and {broken.k for broken in _all(stopped)} == {"K1"}


async def test_k1_goes_on_from_what_was_verified(vandal: asyncpg.Connection) -> None:
    verified = (await transport(vandal)).verified
    assert (await transport(vandal, since=verified)).checked.holds
    await vandal.execute(f"update bus.positions set position = position + 1 where {RATING} and partition = 0")
    await vandal.execute(
        "update bus.heads set head = head + 1 where topic = 'usage.events' and partition = 0"
    )
    [broken] = (await transport(vandal, since=verified)).checked.breaks
    assert (
        broken.fault == "batch_row_missing"
        and broken.where.key["from_offset"] == verified["rating", "usage.events", 0]
    )


async def _final(connection: asyncpg.Connection) -> list[tuple[str, datetime]]:
    rows = await connection.fetch("select contract, period_start from rating.statements where final")
    return [(row["contract"], row["period_start"]) for row in rows]


def _all(stopped: Mapping[tuple[str, datetime], list[Break]]) -> list[Break]:
    return [broken for breaks in stopped.values() for broken in breaks]
