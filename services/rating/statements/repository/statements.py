"""All SQL of statements: marks fanned out, statements claimed, replaced and read."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import asyncpg
import msgspec

from services.rating.statements.rows import (
    ClaimedPeriod,
    DuePeriod,
    FinalPeriod,
    SaidStatement,
    StatementFilter,
    StoredStatement,
)
from shared.db.columns import names_of
from shared.db.filters import narrowed
from shared.topics.rating import STATEMENTS, StatementMessage

#: One fans out at a time: whoever comes second takes nothing, and no mark is locked before it is deleted.
FAN_OUT = 0x7532632E66616E
#: Of the machine clock: a period that cannot be priced is tried again so much later, and whenever something
#: new asks for it.
RETRY_AFTER_S = 30

_CLAIM = """
    select p.contract, p.period_start, p.period_end, p.start_date, p.end_date, p.whole_days, p.close_due_at,
        p.retry_at is not null as held,
        c.customer_id, cu.external_id, coalesce(st.revision, 0) as revision,
            coalesce(st.closing, '[]'::jsonb) as closing, st.subtotal_minor,
        coalesce((select before.closing from rating.statements before
                  where before.contract = p.contract and before.period_start < p.period_start
                      order by before.period_start desc limit 1),
                 '[]'::jsonb) as opening
    from {source} p
    join rating.contracts c on c.contract = p.contract
    join rating.customers cu on cu.customer_id = c.customer_id
    left join rating.statements st on st.contract = p.contract and st.period_start = p.period_start
"""
_STALE = """
    (select x.* from rating.periods x
     join (select contract, period_start, min(stale_id) as oldest, bool_or(not retry) as is_new
         from rating.stale where priced_us <= $1
           group by contract, period_start order by oldest) s
        on s.contract = x.contract and s.period_start = x.period_start
     where not x.final and (x.retry_at is null or s.is_new or x.retry_at <= clock_timestamp())
     order by s.oldest limit $2 for no key update of x skip locked)
"""
_CHOSEN = """
    (select x.* from rating.periods x join unnest($1::text[], $2::timestamptz[]) as chosen
        (contract, period_start)
        on chosen.contract = x.contract and chosen.period_start = x.period_start
     where not x.final order by x.contract, x.period_start for no key update of x)
"""
_IN_ORDER = " order by p.contract, p.period_start"
_CONDITIONS = {
    "customer": """s.contract in (select contract from rating.contracts join rating.customers
        using (customer_id) where external_id = {})"""
}


@dataclass(frozen=True, slots=True)
class Replacement:
    """A new revision of a statement, the balances it opens and closes with, and the newest version of the
    contract it knew."""

    message: StatementMessage
    period_start: datetime
    opening: Sequence[Any]
    closing: Sequence[Any]
    known_version: int


class StatementRepository:
    def __init__(self, connection: "asyncpg.Connection | asyncpg.Pool") -> None:
        self.connection = connection

    async def anything_asked(self) -> bool:
        found: bool = await self.connection.fetchval(
            "select exists (select from rating.marks) or exists (select from rating.stale)"
        )
        return found

    async def fan_out(self, marks_max: int) -> int:
        """Turn up to `marks_max` marks into requests for the statements they touch; return how many marks
        were taken. A request is as old as its oldest mark, so that who waits for what was marked before a
        moment sees it. A UTC day can touch two periods and a customer have several contracts. Marks of
        subjects nobody knows go: when their customer, alias or contract comes, it leaves marks or requests of
        its own. A held statement is asked for like any other, and rests since it was tried last: what mends
        it is priced at once, and usage that does not is no reason to try all the time.
        """
        taken: int = await self.connection.fetchval(
            """with taken as (
                   delete from rating.marks
                   where ctid = any (array(select ctid from rating.marks
                       where (select pg_try_advisory_xact_lock($2)) limit $1))
                   returning subject, day, marked_at),
               touched as (
                   select p.contract, p.period_start, p.retry_at, min(d.since) as since
                   from (select subject, day, min(marked_at) as since from taken group by 1, 2) d
                   join rating.subjects s on s.subject = d.subject
                   join rating.contracts c on c.customer_id = s.customer_id
                   join rating.periods p on p.contract = c.contract and not p.final
                       and p.period_start < (d.day + 1)::timestamp at time zone 'UTC'
                           and p.period_end > d.day::timestamp at time zone 'UTC'
                   group by 1, 2, 3),
               asked as (insert into rating.stale (contract, period_start, priced_us, since)
                   select contract, period_start,
                       greatest(coalesce(st.revision, 0),
                                coalesce((extract(epoch from retry_at - make_interval(secs => $3)) *
                                    1000000)::bigint, 0)), since
                   from touched left join rating.statements st using (contract, period_start))
               select count(*) from taken""",
            marks_max,
            FAN_OUT,
            RETRY_AFTER_S,
        )
        return taken

    async def hold_ownership(self) -> None:
        """Let no subject leave its customer until the transaction ends. It comes first: the snapshot is then
        taken behind whoever changed that."""
        await self.connection.execute("lock table rating.departed_subjects in row share mode")

    async def claim(self, priced_before_us: int, limit: int) -> list[ClaimedPeriod]:
        """Hold up to `limit` statements that are asked for and whose revision then was no later, longest
        waiting first."""
        rows = await self.connection.fetch(_CLAIM.format(source=_STALE) + _IN_ORDER, priced_before_us, limit)
        return [ClaimedPeriod(**row) for row in rows]

    async def hold(self, contracts: Sequence[str], period_starts: Sequence[datetime]) -> list[ClaimedPeriod]:
        """Hold these statements, waiting for whoever prices them; the final ones among them are left out."""
        rows = await self.connection.fetch(
            _CLAIM.format(source=_CHOSEN) + _IN_ORDER, list(contracts), list(period_starts)
        )
        return [ClaimedPeriod(**row) for row in rows]

    async def forget_requests(self, contracts: Sequence[str], period_starts: Sequence[datetime]) -> None:
        """Delete the requests this transaction's snapshot sees for these statements: they are answered by
        what it writes."""
        await self.connection.execute(
            """delete from rating.stale s using unnest($1::text[], $2::timestamptz[]) as done
                (contract, period_start)
               where s.contract = done.contract and s.period_start = done.period_start""",
            list(contracts),
            list(period_starts),
        )

    async def forget_requests_of_final(self, limit: int) -> int:
        """Delete requests for final statements: what came late stays stored and is held late, the statement
        stays."""
        return len(
            await self.connection.fetch(
                """delete from rating.stale where stale_id in (
                   select stale_id from rating.stale s join rating.periods p using (contract, period_start)
                       where p.final
                   limit $1 for update of s skip locked)
               returning stale_id""",
                limit,
            )
        )

    async def ask_again(self, contracts: Sequence[str], period_starts: Sequence[datetime]) -> None:
        """Ask for these statements again: they could not be priced now, and nothing new has come for them."""
        await self.connection.execute(
            "insert into rating.stale (contract, period_start, retry) select *, true from unnest($1::text[], $2::timestamptz[])",
            list(contracts),
            list(period_starts),
        )

    async def ask_next(self, contracts: Sequence[str], period_starts: Sequence[datetime]) -> None:
        """Ask for the statement after each of these to be priced again: what they hand over has changed."""
        await self.connection.execute(
            """insert into rating.stale (contract, period_start)
               select p.contract, p.period_start from unnest($1::text[], $2::timestamptz[]) as changed
                   (contract, period_start)
               join lateral (select contract, period_start, final from rating.periods x
                   where x.contract = changed.contract
                   and x.period_start > changed.period_start order by x.period_start limit 1) p
                       on not p.final""",
            list(contracts),
            list(period_starts),
        )

    async def replace(self, replacements: Sequence[Replacement]) -> None:
        """Write the revisions over the older ones. A final row refuses (trigger)."""
        said = [replacement.message for replacement in replacements]
        await self.connection.execute(
            """insert into rating.statements (contract, period_start, statement_id, revision, final,
                watermark, watermark_us, subtotal_minor,
                   currency, said, opening, closing, known_version)
               select * from unnest($1::text[], $2::timestamptz[], $3::uuid[], $4::bigint[], $5::boolean[],
                   $6::jsonb[], $7::bigint[], $8::bigint[],
                   $9::text[], $10::text[], $11::jsonb[], $12::jsonb[], $13::int[])
               on conflict (contract, period_start) do update set revision = excluded.revision,
                   final = excluded.final,
                   watermark = excluded.watermark, watermark_us = excluded.watermark_us,
                       subtotal_minor = excluded.subtotal_minor,
                   currency = excluded.currency, said = excluded.said, opening = excluded.opening,
                       closing = excluded.closing,
                   known_version = excluded.known_version""",
            [m.contract for m in said],
            [r.period_start for r in replacements],
            [m.statement_id for m in said],
            [m.revision for m in said],
            [m.final for m in said],
            [m.watermark for m in said],
            [m.watermark_us for m in said],
            [m.subtotal_minor for m in said],
            [m.currency for m in said],
            [STATEMENTS.encode(m).decode() for m in said],
            [_json(r.opening) for r in replacements],
            [_json(r.closing) for r in replacements],
            [r.known_version for r in replacements],
        )

    async def say_held(self, message: StatementMessage, period_start: datetime) -> None:
        """Write that the statement is on hold; what it was priced from stays."""
        await self.connection.execute(
            "update rating.statements set revision = $3, said = $4 where contract = $1 and period_start = $2",
            message.contract,
            period_start,
            message.revision,
            STATEMENTS.encode(message).decode(),
        )

    async def stored(
        self, contracts: Sequence[str], period_starts: Sequence[datetime]
    ) -> dict[tuple[str, datetime], StatementMessage]:
        """(contract, period start) → the statement as it stands, of those there are."""
        rows = await self.connection.fetch(
            """select contract, period_start, said from rating.statements
               join unnest($1::text[], $2::timestamptz[]) as asked (contract, period_start) using
                   (contract, period_start)""",
            list(contracts),
            list(period_starts),
        )
        return {
            (row["contract"], row["period_start"]): STATEMENTS.decode(row["said"].encode()) for row in rows
        }

    async def close_periods(self, contracts: Sequence[str], period_starts: Sequence[datetime]) -> None:
        await self.connection.execute(
            """update rating.periods p set final = true, retry_at = null
                from unnest($1::text[], $2::timestamptz[]) as done (contract, period_start)
               where p.contract = done.contract and p.period_start = done.period_start""",
            list(contracts),
            list(period_starts),
        )

    async def set_retry(
        self, contracts: Sequence[str], period_starts: Sequence[datetime], retry_after_s: int | None
    ) -> None:
        """Do not price these again before so many seconds of the machine clock (None: whenever asked)."""
        await self.connection.execute(
            """update rating.periods p set retry_at = clock_timestamp() + make_interval(secs => $3)
               from unnest($1::text[], $2::timestamptz[]) as held (contract, period_start)
               where p.contract = held.contract and p.period_start = held.period_start""",
            list(contracts),
            list(period_starts),
            retry_after_s,
        )

    async def backlog(self) -> int:
        """How many statements are asked for and not priced yet."""
        found: int = await self.connection.fetchval(
            "select count(*) from (select distinct contract, period_start from rating.stale) asked"
        )
        return found

    async def overdue_s(self, now: datetime) -> float:
        """Seconds since the oldest open period was due to close; 0 when none is."""
        found: float = await self.connection.fetchval(
            """select coalesce(extract(epoch from $1 - min(close_due_at))::float8, 0) from rating.periods
               where not final and close_due_at <= $1""",
            now,
        )
        return found

    async def open_marks(self) -> int:
        found: int = await self.connection.fetchval("select count(*) from rating.marks")
        return found

    async def database_time(self) -> datetime:
        found: datetime = await self.connection.fetchval("select clock_timestamp()")
        return found

    async def has_mark_before(self, moment: datetime) -> bool:
        found: bool = await self.connection.fetchval(
            "select exists (select from rating.marks where marked_at < $1)", moment
        )
        return found

    async def has_request_before(self, moment: datetime) -> bool:
        """Whether a request older than `moment` waits; that to try a held statement again is none: it has an
        exception of its own."""
        found: bool = await self.connection.fetchval(
            """select exists (select from rating.stale s join rating.periods p using (contract, period_start)
                              where s.since < $1 and not p.final and not s.retry)""",
            moment,
        )
        return found

    async def first_open(self, contracts: Sequence[str]) -> dict[str, datetime]:
        """Contract → start of its oldest period that is not final: the only one that may become so next."""
        rows = await self.connection.fetch(
            """select contract, min(period_start) as first from rating.periods
               where contract = any($1::text[]) and not final group by contract""",
            list(contracts),
        )
        return {row["contract"]: row["first"] for row in rows}

    async def due_to_close(self, now: datetime, limit: int) -> list[DuePeriod]:
        """Periods whose grace has ended, oldest deadline first."""
        rows = await self.connection.fetch(
            """select p.contract, p.period_start, p.start_date, p.close_due_at, p.retry_at, s.subtotal_minor,
                s.currency
               from rating.periods p left join rating.statements s using (contract, period_start)
               where not p.final and p.close_due_at <= $1 order by p.close_due_at, p.contract, p.period_start
                   limit $2""",
            now,
            limit,
        )
        return [DuePeriod(**row) for row in rows]

    async def closable_left(self, now: datetime) -> bool:
        """Whether a due period is open that nothing holds: neither it nor an older one of its contract failed
        to be priced."""
        found: bool = await self.connection.fetchval(
            """select exists (select from rating.periods p where not final and close_due_at <= $1
                 and not exists (select from rating.periods held
                     where held.contract = p.contract and not held.final and held.retry_at is not null
                                 and held.period_start <= p.period_start))""",
            now,
        )
        return found

    async def open_exceptions(self, kind: str, references: Sequence[str]) -> list[str]:
        """Those of these references with an open exception of this kind."""
        rows = await self.connection.fetch(
            "select reference from rating.exceptions where kind = $1 and resolved_at is null and reference = any($2::text[])",
            kind,
            list(references),
        )
        return [row["reference"] for row in rows]

    async def unfinished_meters(self, meters: Sequence[str]) -> set[str]:
        """Those of these meters whose older events are still being added."""
        rows = await self.connection.fetch(
            "select meter from rating.meters where meter = any($1::text[]) and not backfilled", list(meters)
        )
        return {row["meter"] for row in rows}

    async def recounting(self, contracts: Sequence[str]) -> set[str]:
        """Those of these contracts whose customer has usage that is about to be counted again, by other
        groups."""
        rows = await self.connection.fetch(
            """select distinct c.contract from rating.recounts r join rating.subjects s using (subject)
                join rating.contracts c using (customer_id)
               where c.contract = any($1::text[])""",
            list(contracts),
        )
        return {row["contract"] for row in rows}

    async def statement(self, contract: str, start_date: date) -> StoredStatement | None:
        row = await self.connection.fetchrow(
            """select s.document, s.opening, s.known_version, p.period_start, p.period_end, p.start_date,
                p.end_date, p.whole_days
               from rating.periods p join rating.statements s using (contract, period_start)
               where p.contract = $1 and p.start_date = $2""",
            contract,
            start_date,
        )
        return StoredStatement(**{**row, "document": _message(row)}) if row else None

    async def final_periods_of_meter(self, meter: str, event_type: str, limit: int) -> list[FinalPeriod]:
        """The first final periods whose statements charge the meter and which have events of its type."""
        rows = await self.connection.fetch(
            """select p.contract, p.start_date from rating.statements st
                join rating.periods p using (contract, period_start)
               where st.final and (st.document -> 'meters' ? $1 or exists (
                       select from jsonb_array_elements(coalesce(st.document -> 'lines', '[]')) line
                           where line ->> 'meter' = $1))
                   and exists (select from rating.closed_subjects k
                       join rating.events e on e.subject = k.subject and e.type = $2
                           and e.time >= p.period_start and e.time < p.period_end
                       where k.contract = p.contract and k.period_start = p.period_start)
               order by p.contract, p.period_start limit $3""",
            meter,
            event_type,
            limit,
        )
        return [FinalPeriod(**row) for row in rows]

    async def version_of(self, contract: str, period_start: datetime, meter: str) -> int | None:
        """The version a statement counts a meter by: the one it names, or, where it names none, the newest
        there was. None: not known."""
        found: int | None = await self.connection.fetchval(
            """select coalesce((st.document -> 'meters' ->> $3)::bigint, (
                   select max(v.revision) from rating.meter_versions v
                       where v.meter = $3 and v.revision <= st.revision))
               from rating.statements st where st.contract = $1 and st.period_start = $2""",
            contract,
            period_start,
            meter,
        )
        return found

    async def closed_subjects(self, contract: str, period_start: datetime) -> list[str]:
        """The subjects a final statement closed with."""
        rows = await self.connection.fetch(
            "select subject from rating.closed_subjects where contract = $1 and period_start = $2 order by subject",
            contract,
            period_start,
        )
        return [row["subject"] for row in rows]

    async def statements(
        self, limit: int, after: tuple[str, datetime] | None, wanted: StatementFilter
    ) -> list[StatementMessage]:
        """Statements by contract and period, after the (contract, period start) of the page before."""
        where = narrowed(wanted, _CONDITIONS, "s")
        if after:
            where = where.also("(s.contract > {0} or (s.contract = {0} and s.period_start > {1}))", *after)
        rows = await self.connection.fetch(
            f"""select s.document from rating.statements s where {where.sql}
                order by s.contract, s.period_start limit {limit:d}""",
            *where.parameters,
        )
        return list(map(_message, rows))

    async def said_after(self, after: tuple[str, datetime] | None, limit: int) -> list[SaidStatement]:
        """Statements by contract and period, after this one, each held until the transaction ends."""
        contract, period_start = after or ("", None)
        rows = await self.connection.fetch(
            f"""select {names_of(SaidStatement)} from rating.statements
                where contract > $1 or (contract = $1 and period_start > $2)
                order by contract, period_start limit $3 for share""",
            contract,
            period_start,
            limit,
        )
        return [SaidStatement(**row) for row in rows]

    async def current_of_customer(self, external_id: str, now: datetime) -> list[StatementMessage] | None:
        """The statements of the periods that hold `now`; None when there is no such customer."""
        if not await self.connection.fetchval(
            "select true from rating.customers where external_id = $1", external_id
        ):
            return None
        rows = await self.connection.fetch(
            """select s.document from rating.customers cu
                join rating.contracts c using (customer_id)
               join rating.periods p using (contract) join rating.statements s using (contract, period_start)
               where cu.external_id = $1 and p.period_start <= $2 and p.period_end > $2
                   order by p.contract""",
            external_id,
            now,
        )
        return list(map(_message, rows))


def _message(row: asyncpg.Record) -> StatementMessage:
    """The statement that the row has as `document`."""
    return msgspec.convert(row["document"], StatementMessage, strict=False)


def _json(value: Sequence[Any]) -> msgspec.Raw:
    """One element of an array of jsonb: a bare list would be taken for a further dimension."""
    return msgspec.Raw(msgspec.json.encode(value))
