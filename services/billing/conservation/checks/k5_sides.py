"""K5, side by side: every statement that rating told has been heard, and is documented, or is a draft that says the same."""

from datetime import datetime

import asyncpg

from services.billing.conservation.checks.k5_told import LAST, OF_PERIOD, SCOPE, SETTLED_WITHOUT, TOLD, money
from services.billing.conservation.domain.breaks import Break, Row
from shared.runtime.clock import to_us

#: Machine clock: after so long a final statement has its document, or is held.
OVERDUE_S = 15 * 60

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


def count(figures: dict[str, int], row: asyncpg.Record) -> None:
    figures["statements"] += row["statement_id"] is not None
    figures["documents"] += row["finalized"]
    figures["under_way"] += (
        row["statement_id"] is not None and not row["finalized"] and row["revision"] != row["heard_revision"]
    )


def add(amounts: dict[str, dict[str, int]], row: asyncpg.Record) -> None:
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


def sides(row: asyncpg.Record, now: datetime | None, drained: bool) -> list[Break]:
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
            money(
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
            money(
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
            money(
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
            money(
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
            money(
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
            money(
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
        money(
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
            money(
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
            money(
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
            money(
                row,
                "document_overdue",
                where,
                f"a finalized document within {OVERDUE_S // 60} minutes",
                "a draft that nobody holds",
                "the statement is final and was not invoiced; see the log of billing's job `finalize`",
            )
        ]
    return []
