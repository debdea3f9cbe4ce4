"""All SQL of corrections and of the marks that ask for them."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Any

import asyncpg
import msgspec

from services.rating.corrections.domain.counted import CountedRow
from services.rating.corrections.domain.late import Decided, Late
from services.rating.corrections.rows import (
    AskedLate,
    CorrectionRow,
    EndedContract,
    FinalPeriod,
    NewDecision,
    NotedLate,
    Place,
    SaidCorrection,
    StoredCorrection,
)
from services.rating.metering.domain.apart import Left
from services.rating.metering.domain.stretches import Stretches, TakenOut
from services.rating.metering.repository.batches import is_in
from services.rating.statements.repository.requests import LOOKED_AT_AGAIN
from services.rating.statements.rows import ClaimedPeriod
from shared.db.columns import insert, names_of
from shared.db.filters import Where
from shared.topics.rating import STATEMENTS, StatementMessage
from shared.topics.statement_steps import together

CORRECTIONS = insert("rating.corrections", CorrectionRow)
_PLACES = "unnest($1::text[], $2::timestamptz[]) as asked (contract, period_start)"
_NOTED = """unnest($1::text[], $2::timestamptz[], $3::timestamptz[]) n (contract, period_start, noted_at)
    where (l.contract, l.period_start, l.noted_at) = (n.contract, n.period_start, n.noted_at)"""
_OUR_RUNS = """from rating.corrections c where c.contract = p.contract and c.period_start = p.period_start"""
_FINAL = f"""
    select p.contract, p.period_start, p.period_end, p.start_date, p.end_date, p.whole_days, p.close_due_at,
        p.accept_until, st.known_version as final_version, k.customer_id, cu.external_id, l.revision, l.closing,
        l.subtotal_minor, l.opening, (select count(*)::int {_OUR_RUNS}) as runs,
        (select count(c.number)::int {_OUR_RUNS}) as numbers,
        coalesce((select min(o.period_start) from rating.periods o where o.contract = p.contract and not o.final),
            k.next_period_at) as next_open
    from (select x.* from rating.periods x join {_PLACES} using (contract, period_start)
          where x.final order by x.contract, x.period_start {{held}}) p
    join rating.statements st using (contract, period_start)
    join rating.last_statements l using (contract, period_start)
    join rating.contracts k using (contract)
    join rating.customers cu using (customer_id)
    order by p.contract, p.period_start
"""
#: Of period `p` of a contract `c`.
_SUBJECTS = """select s.subject from rating.subjects s where s.customer_id = c.customer_id
    union select k.subject from rating.last_subjects k
        where k.contract = p.contract and k.period_start = p.period_start"""
#: Of each period asked for the subjects that are its customer's no more, and in which batches came what stays with it.
_GONE = """select k.subject, true, coalesce(k.batches, l.watermark), k.taken_out
    from rating.last_statements l join rating.last_subjects k using (contract, period_start)
    where l.contract = asked.contract and l.period_start = asked.period_start and not exists (
        select from rating.subjects s join rating.contracts c using (customer_id)
        where c.contract = asked.contract and s.subject = k.subject)"""


class CorrectionRepository:
    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection

    async def mark(self, periods: Sequence[Place], not_before: Sequence[datetime] | None = None) -> None:
        """Ask for these final periods to be corrected: at the next run, or at the first from an instant on."""
        await self._connection.execute(
            """insert into rating.correction_marks (contract, period_start, not_before)
               select * from unnest($1::text[], $2::timestamptz[], $3::timestamptz[])""",
            *_columns(periods),
            [None] * len(periods) if not_before is None else list(not_before),
        )

    async def mark_requested(self, contracts: Sequence[str]) -> None:
        """Turn requests to price statements of these contracts that have become final meanwhile into marks."""
        await self._connection.execute(
            """with late as (
                   delete from rating.stale s using rating.periods p
                   where s.contract = any($1::text[]) and p.contract = s.contract
                       and p.period_start = s.period_start and p.final
                   returning s.contract, s.period_start)
               insert into rating.correction_marks (contract, period_start) select distinct * from late""",
            list(contracts),
        )

    async def marked(self, contracts: Sequence[str], now: datetime) -> list[Place]:
        """(contract, period start) of what is marked to be corrected now, of these contracts."""
        rows = await self._connection.fetch(
            """select distinct contract, period_start from rating.correction_marks
               where contract = any($1::text[]) and (not_before is null or not_before <= $2) order by 1, 2""",
            list(contracts),
            now,
        )
        return [(row["contract"], row["period_start"]) for row in rows]

    async def count_marked(self, contracts: Sequence[str], now: datetime) -> dict[str, int]:
        """Contract → how many of its periods are marked to be corrected now, of those of which one is."""
        rows = await self._connection.fetch(
            """select contract, count(distinct period_start)::int as periods from rating.correction_marks
               where contract = any($1::text[]) and (not_before is null or not_before <= $2) group by 1""",
            list(contracts),
            now,
        )
        return {row["contract"]: row["periods"] for row in rows}

    async def hold(self, periods: Sequence[Place]) -> list[FinalPeriod]:
        """Hold these periods, waiting for whoever corrects them; those that are open are left out."""
        return await self._final(periods, "for no key update of x")

    async def look(self, periods: Sequence[Place]) -> list[FinalPeriod]:
        """The same without holding them: they are shown as this snapshot has them."""
        return await self._final(periods, "")

    async def _final(self, periods: Sequence[Place], held: str) -> list[FinalPeriod]:
        rows = await self._connection.fetch(_FINAL.format(held=held), *_columns(periods))
        return [_period(row) for row in rows]

    async def left(self, periods: Sequence[Place]) -> dict[Place, tuple[Left, ...]]:
        """(contract, period start) → the subjects it was settled with that are its customer's no more, and what of them
        counts all the same."""
        rows = await self._connection.fetch(
            f"""select l.contract, l.period_start, k.subject, coalesce(k.batches, l.watermark) as batches,
                    k.taken_out
                from {_PLACES} join rating.last_statements l using (contract, period_start)
                join rating.last_subjects k using (contract, period_start)
                join rating.contracts c using (contract)
                where not exists (select from rating.subjects s
                    where s.subject = k.subject and s.customer_id = c.customer_id)
                order by 1, 2, 3""",
            *_columns(periods),
        )
        found: dict[Place, tuple[Left, ...]] = {}
        for row in rows:
            place = row["contract"], row["period_start"]
            left = _left(row["subject"], row["batches"], row["taken_out"])
            found[place] = (*found.get(place, ()), left)
        return found

    async def late(self, periods: Sequence[Place]) -> dict[Place, Late]:
        """(contract, period start) → what came after all was accepted, of those periods for which anything could have;
        and what was decided about it."""
        rows = await self._connection.fetch(
            f"""select p.contract, p.period_start, jsonb_object_agg(q.partition, greatest(
                    first.batch_id - 1, coalesce((st.watermark ->> q.partition::text)::bigint, 0))) as accepted,
                    coalesce((select jsonb_agg(jsonb_build_object('decision', d.decision, 'up_to', d.up_to,
                        'joined', array(select subject from ({_SUBJECTS}) s where subject <> all (d.subjects)))
                        order by d.sequence) from rating.late_decisions d
                        where d.contract = p.contract and d.period_start = p.period_start), '[]') as decisions
                from {_PLACES} join rating.periods p using (contract, period_start)
                join rating.statements st using (contract, period_start)
                join rating.contracts c using (contract)
                cross join (select partition from bus.positions where grp = 'rating' and topic = 'usage.events') q
                cross join lateral (select batch_id from rating.batch_times t
                    where t.partition = q.partition and t.at > p.accept_until
                    order by t.at, t.batch_id limit 1) first
                where p.final group by p.contract, p.period_start, c.customer_id""",
            *_columns(periods),
        )
        return {
            (row["contract"], row["period_start"]): Late(
                row["accepted"], tuple(msgspec.convert(row["decisions"], list[Decided]))
            )
            for row in rows
        }

    async def final_of(self, contracts: Sequence[str]) -> list[Place]:
        """(contract, period start) of the final periods of these contracts."""
        rows = await self._connection.fetch(
            """select contract, period_start from rating.periods
               where contract = any($1::text[]) and final order by 1, 2""",
            list(contracts),
        )
        return [(row["contract"], row["period_start"]) for row in rows]

    async def counted(self, contracts: Sequence[str]) -> list[CountedRow]:
        """What each final period of these contracts counts towards postpaid commitments: what it closed with of each beyond
        what it was opened with. One that ended before is in its opening alone."""
        rows = await self._connection.fetch(
            """select l.contract, l.period_start, closed.part ->> 'block' as block,
                    (closed.part ->> 'minor')::bigint - coalesce((
                        select sum((opened.part ->> 'minor')::bigint) from jsonb_array_elements(l.opening) opened (part)
                        where opened.part ->> 'row' = 'counted' and opened.part ->> 'block' = closed.part ->> 'block'
                    ), 0)::bigint as minor
                from rating.last_statements l cross join lateral jsonb_array_elements(l.closing) closed (part)
                where l.final and l.contract = any($1::text[]) and closed.part ->> 'row' = 'counted'""",
            list(contracts),
        )
        return [CountedRow(*row) for row in rows]

    async def late_events(self, asked: Sequence[AskedLate]) -> dict[Place, int]:
        """(contract, period start) → how many events of these types, and voids of such events, came for a period in these
        batches, folded or not: of a subject that has left the voids of what stays with the period."""
        if not asked:
            return {}
        among = "coalesce(asked.own -> w.subject, asked.among)"
        held_event, held_void = is_in(among, "e"), is_in(among, "v")
        rows = await self._connection.fetch(
            f"""select asked.contract, asked.period_start, late.events
                from unnest($1::text[], $2::timestamptz[], $3::jsonb[], $4::jsonb[], $5::jsonb[])
                    as asked (contract, period_start, among, types, own)
                cross join lateral (
                    with whose as (
                        select s.subject, false as gone, null::jsonb as batches, null::jsonb as taken_out
                        from rating.contracts c join rating.subjects s using (customer_id)
                        where c.contract = asked.contract
                        union all
                        {_GONE})
                    select count(*)::int as events from whose w join rating.periods p
                        on p.contract = asked.contract and p.period_start = asked.period_start
                    join rating.events e on e.subject = w.subject
                        and e.type = any (array(select jsonb_array_elements_text(asked.types -> 'of')))
                        and e.time >= p.period_start and e.time < p.period_end and (not w.gone
                            or e.batch_id <= coalesce((w.batches ->> e.partition::text)::bigint, 0)
                                and not {is_in("w.taken_out", "e")})
                    left join rating.voids v using (key)
                    where not w.gone and {held_event} or {held_void}) late""",
            *_columns([one.place for one in asked]),
            [one.among.batches.as_stored() for one in asked],
            # a list of lists is an array of two dimensions
            [{"of": list(one.types)} for one in asked],
            [one.among.own_as_stored() for one in asked],
        )
        return {(row["contract"], row["period_start"]): row["events"] for row in rows}

    async def decide(self, place: Place, made: NewDecision) -> None:
        await self._connection.execute(
            """insert into rating.late_decisions (contract, period_start, sequence, decision, reason, after, up_to,
                   subjects, decided_at)
               select $1, $2, coalesce(max(sequence), 0) + 1, $3, $4, $5, $6, $7, $8 from rating.late_decisions
               where contract = $1 and period_start = $2""",
            *place,
            made.decision,
            made.reason,
            made.after,
            made.up_to,
            made.subjects,
            made.decided_at,
        )

    async def subjects(self, places: Sequence[Place]) -> dict[Place, list[str]]:
        """(contract, period start) → the subjects that it is about: those of its customer, and those that it was settled
        with and that have left since."""
        rows = await self._connection.fetch(
            f"""select p.contract, p.period_start, array(select subject from ({_SUBJECTS}) s order by 1) as subjects
                from {_PLACES} join rating.periods p using (contract, period_start)
                join rating.contracts c using (contract)""",
            *_columns(places),
        )
        return {(row["contract"], row["period_start"]): row["subjects"] for row in rows}

    async def note_late(self, periods: Sequence[Place]) -> None:
        """Note that these final periods may have late usage."""
        await self._connection.execute(
            f"""insert into rating.late_periods (contract, period_start)
                select contract, period_start from {_PLACES} order by 1, 2
                {LOOKED_AT_AGAIN}""",
            *_columns(periods),
        )

    async def late_periods(self, after: Place | None, limit: int, contract: str | None) -> list[Place]:
        """Periods that may have late usage, by contract and start, after this one."""
        where = Where().also("(contract, period_start) > ({}, {})", *(after or (None, None)))
        where = where.also("contract = {}", contract)
        where, most = where.given(limit)
        rows = await self._connection.fetch(
            f"""select contract, period_start from rating.late_periods where {where.sql}
               order by 1, 2 limit {most}""",
            *where.parameters,
        )
        return [(row["contract"], row["period_start"]) for row in rows]

    async def not_looked_at(self, limit: int) -> list[NotedLate]:
        """Periods of which nobody has seen whether they have late usage, those longest noted, in the order in which all
        write them."""
        rows = await self._connection.fetch(
            f"""select * from (select {names_of(NotedLate)} from rating.late_periods where not looked_at
                order by noted_at, contract, period_start limit $1) longest order by contract, period_start""",
            limit,
        )
        return [NotedLate(**row) for row in rows]

    async def noted_late(self, place: Place) -> NotedLate | None:
        row = await self._connection.fetchrow(
            f"select {names_of(NotedLate)} from rating.late_periods where (contract, period_start) = ($1, $2)",
            *place,
        )
        return NotedLate(**row) if row else None

    async def keep_late(self, noted: Sequence[NotedLate]) -> None:
        """Say of these periods that they were looked at and have late usage, unless they were noted again since."""
        await self._connection.execute(
            f"update rating.late_periods l set looked_at = true from {_NOTED}", *_noted_columns(noted)
        )

    async def forget_late(self, noted: Sequence[NotedLate]) -> None:
        """Delete these periods, unless they were noted again since."""
        await self._connection.execute(
            f"delete from rating.late_periods l using {_NOTED}", *_noted_columns(noted)
        )

    async def final_period(self, contract: str, start_date: date) -> datetime | None:
        """The start of the final period of a contract that begins on a local day."""
        found: datetime | None = await self._connection.fetchval(
            "select period_start from rating.periods where contract = $1 and start_date = $2 and final",
            contract,
            start_date,
        )
        return found

    async def forget(self, periods: Sequence[Place]) -> None:
        """Delete the marks that this transaction's snapshot sees."""
        await self._connection.execute(
            f"delete from rating.correction_marks m using {_PLACES} where m.contract = asked.contract and m.period_start = asked.period_start",
            *_columns(periods),
        )

    async def told(self, periods: Sequence[Place]) -> list[SaidCorrection]:
        """The final statements of these periods, as run 0, and all their corrections that changed a line; oldest
        first."""
        rows = await self._connection.fetch(
            f"""select contract, period_start, 0 as run, 'note' as outcome, said, null as explanation,
                    null::jsonb as taken_out, null::jsonb as taken_out_of
                from rating.statements join {_PLACES} using (contract, period_start)
                union all
                select contract, period_start, run, outcome, said, null, taken_out, taken_out_of
                from rating.corrections join {_PLACES} using (contract, period_start) where outcome <> 'unchanged'
                order by 1, 2, 3""",
            *_columns(periods),
        )
        return [replace(_said(row), out=_out(row)) for row in rows]

    async def ended(self, contracts: Sequence[str]) -> list[EndedContract]:
        """Those of these contracts that have no open period and open none any more."""
        rows = await self._connection.fetch(
            """select c.contract, max(p.period_end) as last_end, max(p.accept_until) as accept_until,
                   exists (select from rating.correction_marks m where m.contract = c.contract) as marked
               from rating.contracts c join rating.periods p using (contract)
               where c.contract = any($1::text[]) and c.next_period_at is null
               group by c.contract having bool_and(p.final) order by c.contract""",
            list(contracts),
        )
        return [EndedContract(**row) for row in rows]

    async def unscheduled(self, limit: int) -> list[str]:
        """Contracts with a marked period that open no period any more, and that nothing looks at again."""
        rows = await self._connection.fetch(
            """select distinct contract from rating.correction_marks join rating.contracts using (contract)
               where next_period_at is null and correction_due_at is null
                   and not exists (select from rating.periods p
                       where p.contract = contracts.contract and not p.final)
               order by contract limit $1""",
            limit,
        )
        return [row["contract"] for row in rows]

    async def schedule(self, contracts: Sequence[str], due_at: Sequence[datetime | None]) -> None:
        """Let the business clock look for corrections of these contracts then; None: no more."""
        await self._connection.execute(
            """update rating.contracts c set correction_due_at = asked.due_at
               from unnest($1::text[], $2::timestamptz[]) as asked (contract, due_at)
               where c.contract = asked.contract and c.correction_due_at is distinct from asked.due_at""",
            list(contracts),
            list(due_at),
        )

    async def due(self, now: datetime, limit: int) -> list[str]:
        """Contracts without open periods that are to be looked at now."""
        rows = await self._connection.fetch(
            """select contract from rating.contracts where correction_due_at <= $1
               order by correction_due_at, contract limit $2""",
            now,
            limit,
        )
        return [row["contract"] for row in rows]

    async def notes(self, periods: Sequence[Place]) -> list[StatementMessage]:
        """The notes of these periods as they were told, with their explanations; oldest first."""
        rows = await self._connection.fetch(
            f"""select said, explanation from rating.corrections join {_PLACES} using (contract, period_start)
                where outcome = 'note' order by contract, period_start, run""",
            *_columns(periods),
        )
        return [together(STATEMENTS.decode(row["said"].encode()), row["explanation"]) for row in rows]

    async def correction(self, contract: str, start_date: date, number: int) -> StoredCorrection | None:
        """A correction of the period that begins on a local day, with its explanation, and whose usage it covers."""
        row = await self._connection.fetchrow(
            """select c.contract, c.period_start, c.run, c.outcome, c.said, c.explanation, c.watermark, c.taken_out,
                   c.taken_out_of, (
                   select jsonb_agg(jsonb_build_array(k.subject, k.batches, k.taken_out) order by k.subject)
                   from rating.corrected_subjects k
                   where (k.contract, k.period_start, k.run) = (c.contract, c.period_start, c.run)) as subjects
               from rating.corrections c join rating.periods p using (contract, period_start)
               where c.contract = $1 and p.start_date = $2 and c.number = $3""",
            contract,
            start_date,
            number,
        )
        if row is None:
            return None
        subjects = row["subjects"] or []
        return StoredCorrection(
            _said(row),
            tuple([subject for subject, _, _ in subjects]),
            tuple([_left(*one) for one in subjects if one[1] is not None]),
            _out(row),
        )

    async def corrections(self, contract: str, start_date: date) -> list[SaidCorrection]:
        """The corrections of a period that changed a line, oldest first, without their explanations."""
        rows = await self._connection.fetch(
            """select c.contract, c.period_start, c.run, c.outcome, c.said, null as explanation
               from rating.corrections c join rating.periods p using (contract, period_start)
               where c.contract = $1 and p.start_date = $2 and c.number is not null order by c.run""",
            contract,
            start_date,
        )
        return list(map(_said, rows))

    async def ask_who_takes_over(self, rows: Sequence[CorrectionRow]) -> None:
        """Ask for the open statements to be priced again that these corrections hand on to."""
        taking = sorted({(row.contract, row.handed_to) for row in rows if row.handed_to is not None})
        await self._connection.execute(
            f"""insert into rating.stale (contract, period_start) select contract, period_start
                from rating.periods join {_PLACES} using (contract, period_start) where not final""",
            *_columns(taking),
        )

    async def insert(self, rows: Sequence[CorrectionRow]) -> None:
        """Of a period the first, then what follows on it: who left is kept with each as with the one before, which must
        be there."""
        first: dict[Place, CorrectionRow] = {}
        for row in rows:
            first.setdefault((row.contract, row.period_start), row)
        await self._connection.execute(CORRECTIONS.sql, *CORRECTIONS.columns_of(list(first.values())))
        if others := [row for row in rows if first[row.contract, row.period_start] is not row]:
            await self.insert(others)


def _columns(periods: Sequence[Place]) -> tuple[list[str], list[datetime]]:
    return [contract for contract, _ in periods], [start for _, start in periods]


def _left(subject: str, batches: Mapping[str, int], taken_out: Mapping[str, Any] | None) -> Left:
    return Left(subject, Stretches.up_to(batches).without(Stretches.stored(taken_out)))


def _out(row: asyncpg.Record) -> TakenOut:
    return TakenOut.stored(row["taken_out"], row["taken_out_of"])


def _said(row: asyncpg.Record) -> SaidCorrection:
    return SaidCorrection(
        row["contract"],
        row["period_start"],
        row["run"],
        row["outcome"],
        together(STATEMENTS.decode(row["said"].encode()), row["explanation"]),
    )


def _noted_columns(noted: Sequence[NotedLate]) -> tuple[list[str], list[datetime], list[datetime]]:
    return (*_columns([one.place for one in noted]), [one.noted_at for one in noted])


def _period(row: asyncpg.Record) -> FinalPeriod:
    own = ("accept_until", "final_version", "runs", "numbers", "next_open")
    claimed = {name: value for name, value in row.items() if name not in own}
    return FinalPeriod(ClaimedPeriod(**claimed, held=False, seldom=False), *(row[name] for name in own))
