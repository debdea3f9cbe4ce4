"""K5, the books: documents are their lines and have their entries, numbers and dates rise, and the journal books nothing
else."""

import asyncpg

from services.billing.conservation.checks.k5_told import SCOPE, money
from services.billing.conservation.checks.listing import listed
from services.billing.conservation.domain.breaks import Break, Checked, K, Row

#: The account of what customers owe: every document posts its total there.
RECEIVABLE = "receivable"
#: The account that line `b` of document `d` is a credit of.
CREDITED = """case when d.kind in ('commitment', 'prepayment') then 'credits_liability'
        else 'revenue.' || b.kind end"""
# Documents against their statements, their own lines and the journal: the customer, the currency and the days to pay are
# those that rating told, the customer owes the total, the entry balances, each line is booked once, as what it is.
BOOKS = f"""
    with {SCOPE},
    document as (
        select d.document_id, d.number, d.kind, d.customer_id, d.customer, d.currency, d.subtotal_minor, d.total_minor,
            d.issued_on, d.due_on, made_from.contract, made_from.period_start, made_from.statement_id
        from scope join billing.document_statements made_from using (contract, period_start)
        join billing.documents d using (document_id)
        where d.status = 'finalized'
    )
    select d.*, l.lines_minor, l.drawn_minor, l.strange, j.entry_id, coalesce(j.off, 0) as off,
        coalesce(j.receivable, 0) as receivable, coalesce(j.unbooked, 0) as unbooked, j.of_another,
        t.customer_id as told_customer, t.currency as told_currency, d.issued_on + t.net_days as told_due,
        (t.customer_id, t.currency, d.issued_on + t.net_days) <> (d.customer_id, d.currency, d.due_on) as misaddressed
    from document d
    left join lateral (
        select told.document ->> 'customer_id' as customer_id, told.document ->> 'currency' as currency,
            (told.document ->> 'net_days')::integer as net_days
        from (
            select s.document from rating.statements s
            where (s.contract, s.period_start, s.statement_id) = (d.contract, d.period_start, d.statement_id)
            union all
            select c.document from rating.corrections c
            where (c.contract, c.period_start, c.statement_id) = (d.contract, d.period_start, d.statement_id)
            union all
            select a.said::jsonb from rating.asked_beforehand a
            where (a.contract, a.period_start, a.statement_id) = (d.contract, d.period_start, d.statement_id)
        ) told limit 1
    ) t on true
    left join lateral (
        select coalesce(sum(amount_minor), 0)::bigint as lines_minor,
            coalesce(sum((select sum((draw ->> 'amount_minor')::bigint)
                from jsonb_array_elements(l.draws) draw)), 0)::bigint as drawn_minor,
            min(position) filter (where not exists (select from billing.document_statements made_from
                where (made_from.statement_id, made_from.document_id, made_from.contract, made_from.period_start)
                    = (l.statement_id, l.document_id, l.contract, l.period_start))) as strange
        from billing.document_lines l where l.document_id = d.document_id
    ) l on true
    left join lateral (
        select e.entry_id, (select sum(p.amount_minor) from billing.journal_postings p
            where p.entry_id = e.entry_id)::bigint as off,
               (select sum(p.amount_minor) from billing.journal_postings p
                where p.entry_id = e.entry_id and p.account = '{RECEIVABLE}')::bigint as receivable,
               (select count(*) from (
                    select line_id, kind, sum(amount_minor) as asked_minor, sum(amount_minor - (
                        select coalesce(sum((draw ->> 'amount_minor')::bigint), 0)
                        from jsonb_array_elements(draws) draw)) as amount_minor
                    from billing.document_lines where document_id = d.document_id group by line_id, kind) b
                cross join lateral (
                    select coalesce(-sum(p.amount_minor), 0) as amount_minor,
                        coalesce(-sum(p.amount_minor) filter (where p.account = {CREDITED}), 0) as asked_minor
                    from billing.journal_postings p where p.entry_id = e.entry_id and p.line_id = b.line_id) posted
                where (b.amount_minor, b.asked_minor) <> (posted.amount_minor, posted.asked_minor)) as unbooked,
               (e.customer, e.currency) is distinct from (d.customer, d.currency) as of_another
        from billing.journal_entries e
        where (e.source_kind, e.source_id, e.event) = ('document', d.document_id, 'finalized')
    ) j on true
    where l.lines_minor <> d.subtotal_minor or l.lines_minor - l.drawn_minor <> d.total_minor
        or l.strange is not null or j.entry_id is null
        or coalesce(j.off, 0) <> 0 or coalesce(j.receivable, 0) <> d.total_minor or j.unbooked <> 0
        or j.of_another or (t.customer_id, t.currency, d.issued_on + t.net_days) <> (d.customer_id, d.currency, d.due_on)
    order by d.document_id, d.contract, d.period_start
"""

NUMBERS = """
    with taken as (
        select series, number, document_id, substring(number from '([0-9]+)$')::bigint as counter
        from billing.documents where status = 'finalized'
    ),
    promised as (select series, counter from billing.number_series
        cross join lateral generate_series(1, next - 1) counter)
    select series, counter, t.number, t.document_id, p.counter is null as beyond
    from promised p full join taken t using (series, counter)
    where (t.number is null or p.counter is null)
      and (t.number is not null or not exists (select from billing.withdrawn_numbers w
          where w.series = p.series and w.counter = p.counter))
    order by series, counter
"""

# Dates rise with numbers, from the number on that a series says.
DATES = """
    select series, number, document_id, issued_on, before from (
        select d.*, lag(d.issued_on) over (partition by d.series order by d.counter) as before
        from (select series, number, document_id, issued_on,
                  substring(number from '([0-9]+)$')::bigint as counter
              from billing.documents where status = 'finalized') d
        join billing.number_series s using (series)
        where d.counter >= s.dated_from
    ) numbered where issued_on < before order by series, number
"""

# What the journal books must have happened.
STRAY = """
    select e.entry_id, e.source_kind, e.source_id, e.event, e.contract
    from billing.journal_entries e
    where not exists (select from billing.documents d where e.source_kind = 'document'
            and e.event in ('finalized', 'shortfall_moved') and d.document_id = e.source_id and d.status = 'finalized')
        and not exists (select from rating.block_rows r where e.source_kind = 'block'
            and r.block_id = e.source_id and r.kind || ':' || r.row_id = e.event)
    order by e.entry_id
"""


async def numbers(connection: asyncpg.Connection, listed_max: int | None) -> Checked:
    """K5, the series and the journal: every number up to a series' next one belongs to exactly one document,
    dates rise with numbers, and every entry books something that happened."""
    off = await listed(connection, NUMBERS, rows_max=listed_max)
    falling = await listed(connection, DATES, rows_max=listed_max)
    stray = await listed(connection, STRAY, rows_max=listed_max)
    series = await connection.fetchval("select count(*) from billing.number_series")
    breaks = (*map(_number, off.rows), *map(_falling, falling.rows), *map(_stray, stray.rows))
    return Checked(K.MONEY, {"series": series}, breaks, more=off.more + falling.more + stray.more)


def books(row: asyncpg.Record) -> list[Break]:
    where = Row("billing.documents", {"document_id": row["document_id"], "number": row["number"]})
    found = []
    total = row["lines_minor"] - row["drawn_minor"]
    if (row["lines_minor"], total) != (row["subtotal_minor"], row["total_minor"]):
        found.append(
            money(
                row,
                "document_not_its_lines",
                where,
                f"{row['lines_minor']}, less draws {total}",
                f"{row['subtotal_minor']}, less draws {row['total_minor']}",
                "the document's subtotal or total is not the sum of its lines; a document never changes, so one of its rows was altered",
            )
        )
    if row["strange"] is not None:
        found.append(
            money(
                row,
                "line_not_of_its_document",
                Row(
                    "billing.document_lines", {"document_id": row["document_id"], "position": row["strange"]}
                ),
                "the contract, period and statement of one that its document is made from",
                "another",
                "a line never changes, so it was altered, or the statement that it names was",
            )
        )
    if row["misaddressed"]:
        found.append(
            money(
                row,
                "document_not_as_told",
                where,
                f"{row['told_customer']}, {row['told_currency']}, due on {row['told_due']}",
                f"{row['customer_id']}, {row['currency']}, due on {row['due_on']}",
                "the document is not addressed, or due, as its statement says; a document never changes, so it was altered: "
                "correct it by a note",
            )
        )
    if row["entry_id"] is None:
        found.append(
            money(
                row,
                "entry_missing",
                Row("billing.journal_entries", {"source_id": row["document_id"]}),
                "an entry",
                "none",
                "the finalized document was never posted, or its entry is gone; post it",
            )
        )
        return found
    entry = Row("billing.journal_entries", {"entry_id": row["entry_id"], "source_id": row["document_id"]})
    if row["off"]:
        found.append(
            money(
                row,
                "entry_unbalanced",
                entry,
                0,
                row["off"],
                "debits and credits differ; reverse the entry and post the document again",
            )
        )
    if row["of_another"]:
        found.append(
            money(
                row,
                "entry_of_another",
                entry,
                f"{row['customer']}, {row['currency']}",
                "another customer or currency",
                "an entry never changes, so it was altered; reverse it and post the document again",
            )
        )
    if row["receivable"] != row["total_minor"] or row["unbooked"]:
        found.append(
            money(
                row,
                "entry_not_the_document",
                entry,
                row["total_minor"],
                row["receivable"],
                f"the entry does not book the document: {row['unbooked']} lines differ; reverse it and post the document again",
            )
        )
    return found


def _number(row: asyncpg.Record) -> Break:
    if row["beyond"]:
        return Break(
            K.MONEY,
            "number_beyond_series",
            Row("billing.documents", {"document_id": row["document_id"], "number": row["number"]}),
            "a number below the series' next",
            str(row["number"]),
            "the series does not know this number; move its `next` past it",
        )
    return Break(
        K.MONEY,
        "number_missing",
        Row("billing.documents", {"series": row["series"], "counter": row["counter"]}),
        "one document",
        "none",
        f"number {row['counter']} of {row['series']} was taken and no document carries it; find what was deleted",
    )


def _falling(row: asyncpg.Record) -> Break:
    return Break(
        K.MONEY,
        "number_before_its_day",
        Row("billing.documents", {"document_id": row["document_id"], "number": row["number"]}),
        f"issued on {row['before']} or later",
        str(row["issued_on"]),
        "the document before it in the series is of a later day; a document never changes, so one of the two was altered",
    )


def _stray(row: asyncpg.Record) -> Break:
    return Break(
        K.MONEY,
        "entry_of_nothing",
        Row("billing.journal_entries", {"entry_id": row["entry_id"], "source_id": row["source_id"]}),
        f"{row['source_kind']} {row['source_id']} {row['event']}",
        "no such thing",
        "the entry books what did not happen, or what it booked is gone; find what was deleted, or reverse it",
        row["contract"],
    )
