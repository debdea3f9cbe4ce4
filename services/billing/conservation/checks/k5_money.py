"""K5: what rating settled is what billing documents, waives or still holds, line by line, in minor units
before tax.

Left: rating.periods and rating.statements. Right: billing.documents, what they are made from and their lines,
the statements as billing heard them, the journal, the number series. A document may have lines of several
contracts and periods, so what is billed is summed by the contract and period that each line names. A draft
speaks through the statements it was heard from (`statements`), a finalized document for itself.
"""

from collections.abc import Sequence
from datetime import datetime

import asyncpg

from services.billing.conservation.checks.k1_transport import Heads
from services.billing.conservation.checks.listing import listed
from services.billing.conservation.domain.breaks import Break, Checked, K, Row
from shared.runtime.clock import to_us

#: Machine clock: after so long a final statement has its document, or is held.
OVERDUE_S = 15 * 60

SCOPE = "scope as (select * from unnest($1::text[], $2::timestamptz[]) as s (contract, period_start))"
#: Documents of a service period: those that make a balance (commitment, prepayment) are not usage of the
#: period.
OF_PERIOD = "d.kind not in ('commitment', 'prepayment')"
#: The statements that are on a finalized document, after SCOPE.
DOCUMENTED = f"""documented as materialized (
        select made_from.statement_id
        from scope join billing.document_statements made_from using (contract, period_start)
        join billing.documents d using (document_id)
        where d.status = 'finalized' and {OF_PERIOD}
    )"""
#: The account of what customers owe: every document posts its total there.
RECEIVABLE = "receivable"

ALL_PERIODS = """
    select contract, period_start from rating.periods
    union select contract, period_start from rating.statements
    union select contract, period_start from billing.statements
    union select contract, period_start from billing.documents
    order by contract, period_start
"""

#: SQL: the lines of the document of a statement, which is told as this JSON.
_LINES_OF = """jsonb_array_elements(coalesce(case when {0} ->> 'occasion' like 'note:%' then {0} -> 'asked'
    else {0} -> 'lines' end, '[]'))"""

#: After SCOPE. `told`: every statement that a document is made of; corrections that were carried or waived have none.
TOLD = f"""told as materialized (
        select contract, period_start, 'period' as occasion, statement_id, revision, final, s.currency,
            s.subtotal_minor, s.document
        from scope join rating.statements s using (contract, period_start)
        union all
        select contract, period_start, c.document ->> 'occasion', statement_id, revision, true, c.currency,
            c.subtotal_minor, c.document
        from scope join rating.corrections c using (contract, period_start) where c.outcome = 'note'
    ),
    asked_of as materialized (
        select statement_id, coalesce(sum((line ->> 'amount_minor')::bigint), 0)::bigint as asked_minor
        from told left join lateral {_LINES_OF.format("told.document")} line on true group by 1
    )"""

#: After SCOPE. `last`: what each period comes to: its last correction or, without one, its statement.
LAST = """last as materialized (
        select contract, period_start, coalesce(c.document, s.document) as document,
            coalesce(c.subtotal_minor, s.subtotal_minor) as subtotal_minor, s.currency
        from scope join rating.statements s using (contract, period_start)
        left join lateral (select document, subtotal_minor from rating.corrections c
            where c.contract = scope.contract and c.period_start = scope.period_start
            order by run desc limit 1) c on true
    )"""

#: After SCOPE. `settled_without`: corrections whose difference no document asks for: waived, or carried to the next run,
#: which says anew what differs by then, or that nothing does.
SETTLED_WITHOUT = """settled_without as materialized (
        select contract, period_start, c.run, c.outcome, c.document, (
            select coalesce(sum((line ->> 'amount_minor')::bigint), 0)::bigint
            from jsonb_array_elements(coalesce(c.document -> 'asked', '[]')) line) as asked_minor
        from scope join rating.corrections c using (contract, period_start)
        where c.outcome = 'waived' or c.outcome = 'carried' and not exists (
            select from rating.corrections later where later.contract = c.contract
                and later.period_start = c.period_start and later.run > c.run)
    )"""

# One row a statement that is told: what each side has of it.
SIDES = f"""
    with {SCOPE}, {TOLD}, {LAST}, {SETTLED_WITHOUT},
    heard as materialized (
        select h.* from scope join billing.statements h using (contract, period_start)
        where h.occasion = 'period' or h.occasion like 'note:%'
    ),
    side as (
        select contract, period_start, coalesce(t.occasion, h.occasion) as occasion, t.statement_id, t.revision,
            t.final, t.currency, t.subtotal_minor, t.document, h.contract is not null as has_heard,
            h.revision as heard_revision, h.final as heard_final, h.statement_id as heard_statement
        from told t full join heard h using (contract, period_start, statement_id)
    )
    select contract, period_start, coalesce(s.occasion, 'period') as occasion,
           p.contract is not null as has_period, p.close_due_at,
           coalesce(p.retry_at is not null, false) as pricing_held, coalesce(s.has_heard, false) as has_heard,
           exists (select from rating.stale a where a.contract = scope.contract
               and a.period_start = scope.period_start) as asked,
           s.statement_id, s.revision, s.final, s.currency, s.subtotal_minor, a.asked_minor,
               (s.document ->> 'subtotal_minor')::bigint as document_subtotal,
           coalesce(s.occasion = 'period' and (s.document ->> 'skip_zero_invoices')::boolean, false) as skip_zero,
           (select coalesce(sum((line ->> 'amount_minor')::bigint), 0)::bigint
            from jsonb_array_elements(coalesce(s.document -> 'lines', '[]')) line) as lines_minor,
           s.heard_revision, s.heard_final, s.heard_statement,
           d.documents, d.finalized, d.held, d.drafted_minor, d.said_minor,
               d.document_id, l.documented_minor, l.documented_currency, last.subtotal_minor as settled_minor,
               w.waived_minor, w.carried_minor
    from scope
    left join side s using (contract, period_start)
    left join asked_of a using (statement_id)
    left join rating.periods p using (contract, period_start)
    left join last using (contract, period_start)
    left join lateral (
        select coalesce(sum(asked_minor) filter (where outcome = 'waived'), 0)::bigint as waived_minor,
            coalesce(sum(asked_minor) filter (where outcome = 'carried'), 0)::bigint as carried_minor
        from settled_without w where w.contract = scope.contract and w.period_start = scope.period_start
    ) w on true
    left join lateral (
        select count(*) as documents,
               count(*) filter (where d.status = 'finalized') as finalized, count(d.held_until) as held,
               sum(d.subtotal_minor) filter (where d.said_minor is not null)::bigint as drafted_minor,
               sum(d.said_minor)::bigint as said_minor, min(d.document_id) as document_id
        from (
            select d.*, (
                select sum(of_draft.asked_minor) filter (where d.status = 'draft')
                from billing.document_statements part
                left join lateral (
                    select subtotal_minor as asked_minor from rating.statements
                    where (statement_id, revision) = (part.statement_id, part.revision)
                    union all
                    select (select sum((line ->> 'amount_minor')::bigint)
                        from jsonb_array_elements(c.document -> 'asked') line)
                    from rating.corrections c where (statement_id, revision) = (part.statement_id, part.revision)
                ) of_draft on true
                where part.document_id = d.document_id having count(*) = count(of_draft.asked_minor)
            ) as said_minor
            from billing.document_statements made_from join billing.documents d using (document_id)
            where made_from.contract = scope.contract and made_from.period_start = scope.period_start
                and made_from.occasion = coalesce(s.occasion, 'period') and {OF_PERIOD}
        ) d
    ) d on true
    left join lateral (
        select coalesce(sum(l.amount_minor), 0)::bigint as documented_minor, max(d.currency) as documented_currency
        from billing.document_lines l join billing.documents d using (document_id)
        where l.contract = scope.contract and l.period_start = scope.period_start
            and d.status = 'finalized' and {OF_PERIOD}
    ) l on true
    order by contract, period_start, occasion = 'period' desc, s.revision
"""

# What is documented of each line, waived, carried, or not billed yet. A statement that is on no finalized document
# speaks as billing heard it, so that the gate sees it before there is a number; what billing has not heard is under
# way, and speaks as it was told.
ASKED = f"""
    {TOLD}, {LAST}, {SETTLED_WITHOUT}, {DOCUMENTED},
    asked as materialized (
        select l.contract, l.period_start, l.line_id, l.key as line_key, l.amount_minor, l.quantity, l.draws,
               'billing.document_lines' as place, l.document_id, l.position
        from scope join billing.document_lines l using (contract, period_start)
        join billing.documents d using (document_id)
        where d.status = 'finalized' and {OF_PERIOD}
        union all
        select t.contract, t.period_start, line ->> 'line_id', line ->> 'key', (line ->> 'amount_minor')::bigint,
            (line ->> 'quantity')::numeric, coalesce(line -> 'draws', '[]'),
            case when h.statement_id is null then 'rating.statements' else 'billing.statements' end,
            t.statement_id::text, null
        from told t left join billing.statements h using (statement_id, revision)
        cross join lateral {_LINES_OF.format("coalesce(h.document, t.document)")} line
        where t.statement_id not in (select statement_id from documented)
        union all
        select w.contract, w.period_start, line ->> 'line_id', line ->> 'key', (line ->> 'amount_minor')::bigint,
            (line ->> 'quantity')::numeric, coalesce(line -> 'draws', '[]'), 'rating.corrections', null, null
        from settled_without w cross join lateral jsonb_array_elements(coalesce(w.document -> 'asked', '[]')) line
    )"""

# Line by line: what the period comes to against what is asked for it. A line of nothing is on the first document, and on
# no note.
LINES = f"""
    with {SCOPE}, {ASKED},
    settled as (
        select s.contract, s.period_start, line ->> 'line_id' as line_id, line ->> 'key' as line_key,
               (line ->> 'amount_minor')::bigint as amount_minor, (line ->> 'quantity')::numeric as quantity
        from last s cross join lateral jsonb_array_elements(coalesce(s.document -> 'lines', '[]')) line
    ),
    first as (
        select s.contract, s.period_start, line ->> 'line_id' as line_id
        from scope join rating.statements s using (contract, period_start)
        cross join lateral jsonb_array_elements(coalesce(s.document -> 'lines', '[]')) line
    ),
    billed as (
        select contract, period_start, line_id, min(line_key) as line_key, count(*) as parts,
            sum(amount_minor)::bigint as amount_minor, sum(quantity) as quantity,
               min(place) as place, min(document_id) as document_id, min(position) as position
        from asked group by 1, 2, 3
    )
    select contract, period_start, line_id, coalesce(s.line_key, b.line_key) as line_key,
        s.amount_minor as settled, b.amount_minor as billed,
           s.quantity as settled_quantity, b.quantity as billed_quantity, b.place, b.document_id, b.position
    from settled s full join billed b using (contract, period_start, line_id)
    where (coalesce(s.amount_minor, 0), coalesce(s.quantity, 0))
            <> (coalesce(b.amount_minor, 0), coalesce(b.quantity, 0))
        or b.line_id is null and (contract, period_start, line_id) in (select * from first)
        or s.line_id is null and b.parts = 1 and (contract, period_start, line_id) not in (select * from first)
    order by contract, period_start, line_key, line_id
"""

# Draw by draw: what rating paid of each line from each block against what is said of it.
DRAWS = f"""
    with {SCOPE}, {ASKED},
    settled as (
        select s.contract, s.period_start, line ->> 'line_id' as line_id, draw ->> 'block' as block,
            draw ->> 'kind' as kind, sum((draw ->> 'amount_minor')::bigint)::bigint as amount_minor
        from last s
        cross join lateral jsonb_array_elements(coalesce(s.document -> 'lines', '[]')) line
        cross join lateral jsonb_array_elements(line -> 'draws') draw
        group by 1, 2, 3, 4, 5
    ),
    billed as (
        select contract, period_start, line_id, draw ->> 'block' as block, draw ->> 'kind' as kind,
            sum((draw ->> 'amount_minor')::bigint)::bigint as amount_minor,
            min(document_id) filter (where position is not null) as document_id, min(position) as position
        from asked cross join lateral jsonb_array_elements(draws) draw group by 1, 2, 3, 4, 5
    )
    select contract, period_start, line_id, block, kind, coalesce(s.amount_minor, 0) as settled,
        coalesce(b.amount_minor, 0) as billed, b.document_id, b.position
    from settled s full join billed b using (contract, period_start, line_id, block, kind)
    where coalesce(s.amount_minor, 0) <> coalesce(b.amount_minor, 0)
    order by contract, period_start, line_id, block, kind
"""

# Documents against their statements, their own lines and the journal: the customer owes the total, the entry
# balances, each line is booked once.
BOOKS = f"""
    with {SCOPE},
    document as (
        select d.document_id, d.number, d.customer, d.currency, d.subtotal_minor, d.total_minor,
            made_from.contract, made_from.period_start
        from scope join billing.document_statements made_from using (contract, period_start)
        join billing.documents d using (document_id)
        where d.status = 'finalized'
    )
    select d.*, l.lines_minor, l.drawn_minor, l.strange, j.entry_id, coalesce(j.off, 0) as off,
        coalesce(j.receivable, 0) as receivable, coalesce(j.unbooked, 0) as unbooked, j.of_another
    from document d
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
                    select line_id, sum(amount_minor - (
                        select coalesce(sum((draw ->> 'amount_minor')::bigint), 0)
                        from jsonb_array_elements(draws) draw)) as amount_minor
                    from billing.document_lines where document_id = d.document_id group by line_id) b
                where b.amount_minor <> coalesce((
                    select -sum(p.amount_minor) from billing.journal_postings p
                        where p.entry_id = e.entry_id and p.line_id = b.line_id), 0)) as unbooked,
               (e.customer, e.currency) is distinct from (d.customer, d.currency) as of_another
        from billing.journal_entries e
        where (e.source_kind, e.source_id, e.event) = ('document', d.document_id, 'finalized')
    ) j on true
    where l.lines_minor <> d.subtotal_minor or l.lines_minor - l.drawn_minor <> d.total_minor
        or l.strange is not null or j.entry_id is null
        or coalesce(j.off, 0) <> 0 or coalesce(j.receivable, 0) <> d.total_minor or j.unbooked <> 0
        or j.of_another
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
    left join billing.documents d on e.source_kind = 'document' and e.event = 'finalized'
        and d.document_id = e.source_id and d.status = 'finalized'
    where d.document_id is null order by e.entry_id
"""

# Whether nothing of rating.statements is under way: then what billing has not heard was dropped.
DRAINED = """
    select not exists (select from rating.outbox where topic = 'rating.statements') as outbox_empty,
           (select coalesce(sum(position), 0)::bigint from bus.positions
               where grp = 'billing' and topic = 'rating.statements') as consumed,
           (select coalesce(sum(head), 0)::bigint from bus.heads where topic = 'rating.statements') as written
"""


async def all_periods(connection: asyncpg.Connection) -> list[tuple[str, datetime]]:
    """Every contract and period that either side knows of."""
    return [(row["contract"], row["period_start"]) for row in await connection.fetch(ALL_PERIODS)]


async def is_drained(connection: asyncpg.Connection, heads: Heads | None = None) -> bool:
    """Whether billing has heard every statement that rating told. `heads` as in K1."""
    [row] = await connection.fetch(DRAINED)
    written = sum((await heads("rating.statements")).values()) if heads else row["written"]
    return bool(row["outbox_empty"]) and row["consumed"] >= written


async def money_of(
    connection: asyncpg.Connection,
    periods: Sequence[tuple[str, datetime]],
    now: datetime | None,
    *,
    drained: bool,
    listed_max: int | None = None,
) -> Checked:
    """K5 of some contracts and periods. Unless `drained`, what billing has not heard yet counts as under way.

    All breaks, or at most `listed_max` of each kind.
    With the machine's `now`, a final statement that waits too long for its document is a break too.
    """
    contracts, starts = [contract for contract, _ in periods], [start for _, start in periods]
    figures = dict.fromkeys(("statements", "documents", "under_way"), 0)
    amounts: dict[str, dict[str, int]] = {}
    breaks: list[Break] = []
    for row in await connection.fetch(SIDES, contracts, starts):
        _count(figures, row)
        _add(amounts, row)
        breaks += _sides(row, now, drained)
    lines = await listed(connection, LINES, contracts, starts, rows_max=listed_max)
    draws = await listed(connection, DRAWS, contracts, starts, rows_max=listed_max)
    books = await listed(connection, BOOKS, contracts, starts, rows_max=listed_max)
    breaks += map(_line_differs, lines.rows)
    breaks += map(_draw_differs, draws.rows)
    breaks += [found for row in books.rows for found in _books(row)]
    return Checked(K.MONEY, figures, tuple(breaks), amounts, lines.more + draws.more + books.more)


async def numbers(connection: asyncpg.Connection, listed_max: int | None) -> Checked:
    """K5, the series and the journal: every number up to a series' next one belongs to exactly one document,
    dates rise with numbers, and every entry books something that happened."""
    off = await listed(connection, NUMBERS, rows_max=listed_max)
    falling = await listed(connection, DATES, rows_max=listed_max)
    stray = await listed(connection, STRAY, rows_max=listed_max)
    series = await connection.fetchval("select count(*) from billing.number_series")
    breaks = (*map(_number, off.rows), *map(_falling, falling.rows), *map(_stray, stray.rows))
    return Checked(K.MONEY, {"series": series}, breaks, more=off.more + falling.more + stray.more)


def _count(figures: dict[str, int], row: asyncpg.Record) -> None:
    figures["statements"] += row["statement_id"] is not None
    figures["documents"] += row["finalized"]
    figures["under_way"] += (
        row["statement_id"] is not None and not row["finalized"] and row["revision"] != row["heard_revision"]
    )


def _add(amounts: dict[str, dict[str, int]], row: asyncpg.Record) -> None:
    """Currency → what → minor units: settled by rating; documented, waived, carried and not yet billed."""
    of_period = row["occasion"] == "period"
    for code in sorted({row["currency"], row["documented_currency"]} - {None}):
        of = amounts.setdefault(
            code, dict.fromkeys(("settled", "documented", "waived", "carried", "unbilled"), 0)
        )
        if code == row["currency"]:
            of["unbilled"] += 0 if row["finalized"] else row["asked_minor"]
            if of_period:
                for name in ("settled", "waived", "carried"):
                    of[name] += row[f"{name}_minor"]
        if code == row["documented_currency"] and of_period:
            of["documented"] += row["documented_minor"]


def _sides(row: asyncpg.Record, now: datetime | None, drained: bool) -> list[Break]:
    """What is on one side only, and what one side says of itself."""
    if row["statement_id"] is None:
        return _without_statement(row, drained)
    where = Row(
        _told_by(row),
        {
            "contract": row["contract"],
            "period_start": row["period_start"],
            "statement_id": row["statement_id"],
        },
    )
    found = []
    if not row["lines_minor"] == row["subtotal_minor"] == row["document_subtotal"]:
        found.append(
            _money(
                row,
                "statement_not_its_lines",
                where,
                row["lines_minor"],
                f"{row['subtotal_minor']} / {row['document_subtotal']}",
                "the statement's subtotal is not the sum of its lines; price it again",
            )
        )
    if not row["has_period"]:
        found.append(
            _money(
                row,
                "period_missing",
                where,
                "an open or closed period",
                "none",
                "the statement's period is gone from rating.periods; restore it",
            )
        )
    under_way = row["heard_revision"] is None or row["heard_revision"] < row["revision"]
    if under_way and drained:
        heard = Row("billing.statements", {**where.key})
        found.append(
            _money(
                row,
                "statement_not_heard",
                heard,
                f"revision {row['revision']}",
                f"revision {row['heard_revision'] or 'none'}",
                "rating told this statement, nothing is under way, and billing has not heard it: its message was lost; tell it again",
            )
        )
    if row["heard_revision"] is not None and row["heard_revision"] > row["revision"]:
        found.append(
            _money(
                row,
                "statement_behind",
                where,
                f"revision {row['heard_revision']}",
                f"revision {row['revision']}",
                "billing heard a newer revision than rating has: rating was restored to an older state; price the period again",
            )
        )
    if not under_way:
        found += _undocumented(row, now)
    if row["finalized"] and not row["final"]:
        found.append(
            _money(
                row,
                "finalized_too_early",
                where,
                "a final statement",
                "an open one",
                f"document {row['document_id']} is finalized and its statement is not; close the period, then correct by a note",
            )
        )
    return found


def _told_by(row: asyncpg.Record) -> str:
    """The table of what is told."""
    return "rating.statements" if row["occasion"] == "period" else "rating.corrections"


def _without_statement(row: asyncpg.Record, drained: bool) -> list[Break]:
    if row["has_heard"] or row["documents"]:
        where = Row(
            _told_by(row),
            {
                "contract": row["contract"],
                "period_start": row["period_start"],
                "statement_id": row["heard_statement"],
            },
        )
        return [
            _money(
                row,
                "statement_missing",
                where,
                "a statement",
                "none",
                "billing has heard this statement, and rating no longer has it: it was dropped; restore it from billing's copy",
            )
        ]
    if row["asked"] or row["pricing_held"] or not drained:
        return []
    where = Row("rating.statements", {"contract": row["contract"], "period_start": row["period_start"]})
    return [
        _money(
            row,
            "period_without_statement",
            where,
            "a statement",
            "none, and nobody was asked to price it",
            "every period has a statement, also without usage; ask for it to be priced",
        )
    ]


def _undocumented(row: asyncpg.Record, now: datetime | None) -> list[Break]:
    """A statement that was heard has a document: a draft that says what it says or, once final, a finalized
    one within its time."""
    where = Row(
        "billing.documents",
        {
            "contract": row["contract"],
            "period_start": row["period_start"],
            "statement_id": row["statement_id"],
        },
    )
    if row["final"] and row["skip_zero"] and row["subtotal_minor"] == 0:
        return []
    if not row["documents"]:
        return [
            _money(
                row,
                "document_missing",
                where,
                "a draft or a document",
                "none",
                "billing heard the statement and has no document of it; it was deleted: let billing hear the statement again",
            )
        ]
    if row["finalized"]:
        return []
    if row["drafted_minor"] != row["said_minor"]:
        return [
            _money(
                row,
                "draft_differs",
                where,
                row["said_minor"],
                row["drafted_minor"],
                "the draft does not say what its statements say; draft it again",
            )
        ]
    if (
        now is not None
        and row["final"]
        and not row["held"]
        and to_us(now) - row["revision"] > OVERDUE_S * 1_000_000
    ):
        return [
            _money(
                row,
                "document_overdue",
                where,
                f"a finalized document within {OVERDUE_S // 60} minutes",
                "a draft that nobody holds",
                "the statement is final and was not invoiced; see the log of billing's job `finalize`",
            )
        ]
    return []


def _line_differs(row: asyncpg.Record) -> Break:
    settled, billed = (_amount(row[f"{side}"], row[f"{side}_quantity"]) for side in ("settled", "billed"))
    where = Row(
        row["place"] or "billing.document_lines",
        {
            **(
                {"document_id" if row["position"] else "statement_id": row["document_id"]}
                if row["document_id"]
                else {}
            ),
            **({"position": row["position"]} if row["position"] else {}),
            "line_id": row["line_id"],
            "key": row["line_key"],
            "contract": row["contract"],
            "period_start": row["period_start"],
        },
    )
    return _money(
        row,
        "line_differs",
        where,
        settled,
        billed,
        f"rating settled line {row['line_key']} at {settled} and billing documents {billed} (minor units); "
        "a draft is drafted again, a finalized document is corrected by a note",
    )


def _draw_differs(row: asyncpg.Record) -> Break:
    where = Row(
        "billing.document_lines",
        {
            **(
                {"document_id": row["document_id"], "position": row["position"]} if row["document_id"] else {}
            ),
            "line_id": row["line_id"],
            "block": row["block"],
        },
    )
    return _money(
        row,
        "draw_differs",
        where,
        row["settled"],
        row["billed"],
        f"rating drew {row['settled']} of block {row['block']} for the line and billing documents {row['billed']} "
        "(minor units); a finalized document is corrected by a note",
    )


def _amount(minor: int | None, quantity: object) -> str:
    return "no line" if minor is None else f"{minor} for {quantity}"


def _books(row: asyncpg.Record) -> list[Break]:
    where = Row("billing.documents", {"document_id": row["document_id"], "number": row["number"]})
    found = []
    total = row["lines_minor"] - row["drawn_minor"]
    if (row["lines_minor"], total) != (row["subtotal_minor"], row["total_minor"]):
        found.append(
            _money(
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
            _money(
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
    if row["entry_id"] is None:
        found.append(
            _money(
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
            _money(
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
            _money(
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
            _money(
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


def _money(row: asyncpg.Record, fault: str, where: Row, expected: object, found: object, says: str) -> Break:
    return Break(K.MONEY, fault, where, str(expected), str(found), says, row["contract"], row["period_start"])
