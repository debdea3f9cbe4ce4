"""Planted faults: each damages one row of a real book, inside a transaction that is rolled back, and says
which break must name it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import asyncpg

from services.billing.conservation.domain.breaks import Break, K, Row


@dataclass(frozen=True, slots=True)
class Sabotage:
    """`find` picks a row worth damaging (null: the book has none, `needs` says what is missing), `harm`
    damages it."""

    k: K
    fault: str
    table: str
    find: str
    harm: str
    needs: str


@dataclass(frozen=True, slots=True)
class Planted:
    """What was damaged: the break must have this fault, this table and at least this key."""

    kind: str
    sabotage: Sabotage
    row: Row

    def named_by(self, found: Break) -> bool:
        return (
            found.k is self.sabotage.k
            and found.fault == self.sabotage.fault
            and found.where.table == self.row.table
            and all(str(found.where.key.get(name)) == str(value) for name, value in self.row.key.items())
        )


class NothingToSabotage(Exception):
    """The book has no row of this kind yet: it `needs` one first."""

    def __init__(self, kind: str, needs: str) -> None:
        super().__init__(f"{kind} needs {needs}, and this book has none.")
        self.kind, self.needs = kind, needs


#: Joins: the meter, group and subject of an element of packed row (or item) `p` that readers see and K4 asks for.
SEEN = """join rating.usage_series n using (series_no)
            join rating.series_read r on r.meter = n.meter and r.since = n.since
            join rating.meters m on m.meter = n.meter and m.backfilled
            join rating.usage_subjects s on s.subject_no = p.subject_no"""
#: The numbers of subject $1 and of the series of meter $2 and group $3.
NUMBERS = """select s.subject_no, n.series_no from rating.usage_subjects s, rating.usage_series n
            join rating.series_read using (meter, since)
            where s.subject = $1 and n.meter = $2 and n.grp = $3"""


#: An hour of a series with usage, in a row of whole numbers.
ELEMENT = f"""select s.subject, n.meter, n.grp, p.hour from rating.usage_packed_hours p
            cross join lateral unnest(p.series, p.events) u (series_no, events) {SEEN}
            where u.events > 0 and p.vals is not null
            order by u.events desc, s.subject, n.meter, n.grp, p.hour limit 1"""


def off_by_one(column: str) -> str:
    """SQL: one too many in the element of subject $1, meter $2 and group $3 of the packed hour $4."""
    element = "array_position(p.series, named.series_no)"
    return f"""update rating.usage_packed_hours p set {column}[{element}] = p.{column}[{element}] + 1
            from ({NUMBERS}) named where p.subject_no = named.subject_no and p.hour = $4"""


#: What was paid, and lapsed.
LAPSED = """select source_id, event from billing.journal_entries
            where source_kind = 'block' and event like 'expiry:%' order by 1, 2 limit 1"""

KINDS: Mapping[str, Sabotage] = {
    "event-deleted": Sabotage(
        K.DISPOSITION,
        "event_missing",
        "rating.events",
        """select e.batch_id, e.seq from rating.events e
           order by exists (select from rating.voids v where v.key = e.key),
               not exists (select from rating.subjects s where s.subject = e.subject)
           limit 1""",
        "delete from rating.events where batch_id = $1 and seq = $2",
        "a stored event",
    ),
    "packed-off": Sabotage(
        K.QUANTITY,
        "aggregate_off",
        "rating.usage_packed_hours",
        ELEMENT,
        off_by_one("events"),
        "an hour of folded usage",
    ),
    "aggregate-off": Sabotage(
        K.QUANTITY,
        "aggregate_off",
        "rating.usage_packed_hours",
        ELEMENT,
        off_by_one("vals"),
        "an hour of folded usage",
    ),
    "item-off": Sabotage(
        K.QUANTITY,
        "aggregate_off",
        "rating.usage_items",
        f"""select s.subject, n.meter, n.grp, p.hour, p.item from rating.usage_items p {SEEN}
            order by p.events desc, s.subject, n.meter, p.hour, p.item limit 1""",
        f"""update rating.usage_items set events = events + 1 where (subject_no, series_no) = ({NUMBERS})
            and hour = $4 and item = $5""",
        "an item that a meter counts once",
    ),
    "fold-skipped": Sabotage(
        K.QUANTITY,
        "fold_skipped",
        "rating.usage_deltas",
        """select b.partition, b.batch_id from bus.batches b
            left join rating.usage_deltas d using (partition, batch_id)
            where b.grp = 'rating' and b.topic = 'usage.events'
            order by d.batch_id is null, b.batch_id desc limit 1""",
        """with waiting as (insert into rating.usage_deltas (partition, batch_id, body)
                values ($1, $2, '') on conflict do nothing)
            update rating.fold_state
            set watermark = jsonb_set(watermark, array[$1::smallint::text], to_jsonb($2::bigint))""",
        "a metered batch",
    ),
    "admission-removed": Sabotage(
        K.QUANTITY,
        "admission_missing",
        "rating.admitted_groups",
        f"""select a.meter, a.meter_revision, a.month, a.subject, a.grp from rating.admitted_groups a
            join rating.meters m on m.meter = a.meter and m.counts_since = a.meter_revision
            where a.subject = '' and not exists (
                select from rating.admitted_groups o where o.meter = a.meter and o.subject = ''
                    and o.meter_revision = a.meter_revision and o.month = a.month
                    and o.grp = '{{"other":"true"}}')
            and exists (
                select from rating.usage_packed_hours p
                cross join lateral unnest(p.series, p.events) u (series_no, events) {SEEN}
                where n.meter = a.meter and n.grp = a.grp
                    and p.hour >= a.month::timestamp at time zone 'UTC'
                    and p.hour < (a.month + interval '1 month')::timestamp at time zone 'UTC')
            order by 1, 3, 5 limit 1""",
        """delete from rating.admitted_groups where meter = $1 and meter_revision = $2 and month = $3
            and subject = $4 and grp = $5""",
        "usage that a meter counts by groups, in a month that is not crowded",
    ),
    "statement-dropped": Sabotage(
        K.MONEY,
        "statement_missing",
        "rating.statements",
        """select s.contract, s.period_start from rating.statements s
            join billing.statements h using (contract, period_start)
           order by s.final desc, s.subtotal_minor desc, s.contract, s.period_start limit 1""",
        "delete from rating.statements where contract = $1 and period_start = $2",
        "a statement that billing has heard",
    ),
    "line-changed": Sabotage(
        K.MONEY,
        "line_differs",
        "billing.document_lines",
        """select l.document_id, l.position from billing.document_lines l
            join billing.documents d using (document_id)
           where d.status = 'finalized' and d.kind = 'invoice'
               order by l.amount_minor desc, l.document_id, l.position limit 1""",
        "update billing.document_lines set amount_minor = amount_minor + 1 where document_id = $1 and position = $2",
        "a finalized document",
    ),
    "draw-doubled": Sabotage(
        K.MONEY,
        "draw_rows_differ",
        "rating.block_rows",
        """select block_id, line_id::text from rating.block_rows where kind = 'draw'
           group by 1, 2 having count(*) = 1 order by 1, 2 limit 1""",
        """insert into rating.block_rows (block_id, kind, amount_minor, at, recorded_at, contract, period_start,
               statement_id, line_id, slice_start, cause)
           select block_id, kind, amount_minor, at, recorded_at, contract, period_start, statement_id, line_id,
               slice_start, cause
           from rating.block_rows where block_id = $1 and line_id = $2::uuid and kind = 'draw'""",
        "a line that a block pays",
    ),
    "block-row-removed": Sabotage(
        K.MONEY,
        "block_off",
        "rating.block_rows",
        """select block_id from rating.block_rows where kind = 'grant' and period_start is null
           group by 1 having count(*) = 1 order by 1 limit 1""",
        "delete from rating.block_rows where block_id = $1 and kind = 'grant' and period_start is null",
        "a granted block",
    ),
    "cost-shifted": Sabotage(
        K.MONEY,
        "block_cost_off",
        "rating.block_rows",
        """select block_id from rating.block_rows where kind = 'grant' and period_start is null and cost_minor is not null
               and cause not in ('rolled_over', 'returned')
           group by 1 having count(*) = 1 order by 1 limit 1""",
        """update rating.block_rows set cost_minor = cost_minor + 1 where block_id = $1 and kind = 'grant'
               and period_start is null and cause not in ('rolled_over', 'returned')""",
        "a block that was sold below its amount",
    ),
    "breakage-dropped": Sabotage(
        K.MONEY,
        "block_row_not_posted",
        "billing.journal_entries",
        LAPSED,
        "delete from billing.journal_entries where source_kind = 'block' and (source_id, event) = ($1, $2)",
        "a block of which something lapsed that was paid",
    ),
    "breakage-doubled": Sabotage(
        K.MONEY,
        "block_entry_differs",
        "billing.journal_entries",
        LAPSED,
        """update billing.journal_postings p set amount_minor = 2 * p.amount_minor
            from billing.journal_entries e where e.entry_id = p.entry_id and p.block_id is not null
                and (e.source_kind, e.source_id, e.event) = ('block', $1, $2)""",
        "a block of which something lapsed that was paid",
    ),
    "lapse-unasked": Sabotage(
        K.MONEY,
        "block_entry_differs",
        "billing.journal_entries",
        LAPSED,
        """update rating.block_rows set unasked_minor = amount_minor
            where block_id = $1 and kind || ':' || row_id = $2""",
        "a block of which something lapsed that was paid",
    ),
    "correction-dropped": Sabotage(
        K.MONEY,
        "statement_missing",
        "rating.corrections",
        """select contract, period_start from rating.corrections c join billing.statements h
                using (contract, period_start, statement_id)
           where c.outcome = 'note' order by c.asked_minor desc, contract, period_start limit 1""",
        """delete from rating.corrections c where contract = $1 and period_start = $2
            and outcome = 'note' and run = (select max(run) from rating.corrections n
                where n.contract = c.contract and n.period_start = c.period_start and n.outcome = 'note')""",
        "a note that billing has heard of",
    ),
    "note-doubled": Sabotage(
        K.MONEY,
        "line_differs",
        "billing.document_lines",
        """select l.line_id from billing.document_lines l join billing.documents d using (document_id)
           where d.status = 'finalized' and d.kind in ('debit_note', 'credit_note') and l.amount_minor <> 0
           order by abs(l.amount_minor) desc, l.document_id, l.position limit 1""",
        """insert into billing.document_lines
            select (jsonb_populate_record(l, jsonb_build_object('position', l.position + 1000,
                'corrects_line', 'doubled'))).*
            from billing.document_lines l join billing.documents d using (document_id)
            where l.line_id = $1 and d.kind in ('debit_note', 'credit_note') and l.corrects_document is not null
                and l.amount_minor <> 0
            order by abs(l.amount_minor) desc limit 1""",
        "a finalized note",
    ),
    "waiver-forged": Sabotage(
        K.DISPOSITION,
        "waiver_without_decision",
        "rating.late_decisions",
        """select contract, period_start from rating.periods where final order by 1, 2 limit 1""",
        """insert into rating.late_decisions (contract, period_start, sequence, decision, reason, after, up_to,
                subjects, decided_at)
            values ($1, $2, 1000, 'waive', 'sabotage', '{}', '{}', '{}', clock_timestamp())""",
        "a final period",
    ),
    "batch-row-removed": Sabotage(
        K.TRANSPORT,
        "batch_row_missing",
        "bus.batches",
        """select b.grp, b.topic, b.partition, b.from_offset from bus.batches b
           order by b.grp = 'rating' and b.topic = 'usage.events' desc, b.to_offset desc, b.partition
               limit 1""",
        "delete from bus.batches where grp = $1 and topic = $2 and partition = $3 and from_offset = $4",
        "a batch that some group has consumed",
    ),
    "message-set-aside": Sabotage(
        K.DOOR,
        "message_set_aside",
        "bus.dead_letters",
        "select 'rating' as grp, 'usage.events' as topic, 'sabotaged' as source from rating.events limit 1",
        """insert into bus.dead_letters (grp, topic, partition, offset_, index_, key, value, error, batch_id)
           select $1, $2, e.partition, b.from_offset, 2147483647, e.key,
                  convert_to(jsonb_build_object('source', $3::text, 'id', e.id, 'type', e.type, 'data',
                      e.data)::text, 'UTF8'), 'sabotage', e.batch_id
           from rating.events e join bus.batches b using (batch_id) order by e.batch_id desc, e.seq
               limit 1""",
        "a stored event",
    ),
}


async def plant(connection: asyncpg.Connection, kind: str) -> Planted:
    """Damage a row, in the caller's transaction, past every trigger; the connection is an administrator's.
    Raises NothingToSabotage."""
    sabotage = KINDS[kind]
    row: Any = await connection.fetchrow(sabotage.find)
    if row is None:
        raise NothingToSabotage(kind, sabotage.needs)
    await connection.execute("set local session_replication_role = replica")
    done = await connection.execute(sabotage.harm, *row.values())
    assert done.endswith(" 1"), f"{kind} must damage one row: {done}"
    await connection.execute("set local session_replication_role = origin")
    return Planted(kind, sabotage, Row(sabotage.table, dict(row)))
