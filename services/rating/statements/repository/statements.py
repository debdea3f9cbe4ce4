"""All SQL of statements: claimed, replaced, closed and read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import asyncpg
import msgspec

from services.rating.statements.repository.requests import NOW_US
from services.rating.statements.rows import (
    ClaimedPeriod,
    DuePeriod,
    FinalPeriod,
    SaidStatement,
    StatementFilter,
    StatementName,
    StoredStatement,
)
from shared.db.columns import names_of
from shared.db.filters import narrowed
from shared.topics.rating import STATEMENTS, StatementMessage
from shared.topics.statement_steps import apart, together

_CLAIM = """
    select p.contract, p.period_start, p.period_end, p.start_date, p.end_date, p.whole_days, p.close_due_at,
        p.retry_at is not null as held, p.seldom,
        c.customer_id, cu.external_id, coalesce(st.revision, 0) as revision,
            coalesce(st.closing, '[]'::jsonb) as closing, st.subtotal_minor,
        coalesce(before.closing, '[]'::jsonb) as opening,
        coalesce((select jsonb_agg(n.handed_on order by n.period_start, n.run) from rating.corrections n
            where n.contract = p.contract and n.handed_to > before.period_start
                and n.handed_to <= p.period_start), '[]'::jsonb) as handed
    from {source} p
    join rating.contracts c on c.contract = p.contract
    join rating.customers cu on cu.customer_id = c.customer_id
    left join rating.statements st on st.contract = p.contract and st.period_start = p.period_start
    left join lateral (select x.period_start, x.closing from rating.statements x
        where x.contract = p.contract and x.period_start < p.period_start
        order by x.period_start desc limit 1) before on true
"""
# With `offset 0` around it, it is a walk along the instants from which requests are due, not one in the order
# of their statements over all that were deleted.
_STALE = f"""
    (select x.*, s.seldom from rating.periods x
     join (select contract, period_start, min(due_us) as due_us, bool_and(seldom) as seldom
         from (select * from rating.stale where due_us > $1 and (due_us <= {NOW_US} or $2 and not retry)
             offset 0) due
           group by contract, period_start) s
        on s.contract = x.contract and s.period_start = x.period_start
     where not x.final order by s.due_us limit $3 for no key update of x skip locked)
"""
_CHOSEN = """
    (select x.*, false as seldom from rating.periods x join unnest($1::text[], $2::timestamptz[]) as chosen
        (contract, period_start)
        on chosen.contract = x.contract and chosen.period_start = x.period_start
     where not x.final order by x.contract, x.period_start for no key update of x)
"""
_FREE = _CHOSEN.replace("for no key update of x", "for no key update of x skip locked")
_IN_ORDER = " order by p.contract, p.period_start"
_CONDITIONS = {
    "customer": """s.contract in (select contract from rating.contracts join rating.customers
        using (customer_id) where external_id = {})""",
    "month": """p.end_date >= to_date({0}, 'YYYY-MM')
        and p.end_date < (to_date({0}, 'YYYY-MM') + interval '1 month')::date""",
    # as of now
    "state": "",
}


def state_at(now: str) -> str:
    """The state of period `p` at an instant, the number of a parameter."""
    return f"""case when p.final then 'final' when p.retry_at is not null then 'held'
        when p.close_due_at <= {now} then 'due' else 'open' end"""


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

    async def hold_ownership(self) -> None:
        """Let no subject leave its customer until the transaction ends. It comes first: the snapshot is then
        taken behind whoever changed that."""
        await self.connection.execute("lock table rating.departed_subjects in row share mode")

    async def claim(self, after_us: int, limit: int, *, whatever_the_pace: bool) -> list[ClaimedPeriod]:
        """Hold up to `limit` statements that are asked for, longest due first: those that are due since after
        `after_us`, or, `whatever_the_pace`, all."""
        rows = await self.connection.fetch(
            _CLAIM.format(source=_STALE) + _IN_ORDER, after_us, whatever_the_pace, limit
        )
        return [ClaimedPeriod(**row) for row in rows]

    async def wait_at_most(self, wait_s: float) -> None:
        """Let this transaction wait no longer for what others hold: it is refused then."""
        await self.connection.execute(f"set local lock_timeout = {max(1, round(wait_s * 1000)):d}")

    async def hold(self, contracts: Sequence[str], period_starts: Sequence[datetime]) -> list[ClaimedPeriod]:
        """Hold these statements, waiting for whoever prices them; the final ones among them are left out."""
        rows = await self.connection.fetch(
            _CLAIM.format(source=_CHOSEN) + _IN_ORDER, list(contracts), list(period_starts)
        )
        return [ClaimedPeriod(**row) for row in rows]

    async def open_of(self, contracts: Sequence[str]) -> list[StatementName]:
        """The open statements of these contracts."""
        rows = await self.connection.fetch(
            """select contract, start_date from rating.periods
               where contract = any($1::text[]) and not final order by 1, 2""",
            list(contracts),
        )
        return [StatementName(**row) for row in rows]

    async def first_asked(self, contracts: Sequence[str]) -> dict[str, datetime]:
        """Contract → the first of its open periods that is asked for, of those of which one is."""
        rows = await self.connection.fetch(
            """select contract, min(period_start) as first from rating.stale s
                join rating.periods p using (contract, period_start)
               where contract = any($1::text[]) and not p.final group by 1""",
            list(contracts),
        )
        return {row["contract"]: row["first"] for row in rows}

    async def open_from(self, first: Mapping[str, datetime]) -> list[tuple[str, datetime]]:
        """The open periods of these contracts from the one that begins at this instant on."""
        rows = await self.connection.fetch(
            """select p.contract, p.period_start from rating.periods p
                join unnest($1::text[], $2::timestamptz[]) as first (contract, period_start)
                    on p.contract = first.contract and p.period_start >= first.period_start
               where not p.final""",
            list(first),
            list(first.values()),
        )
        return [(row["contract"], row["period_start"]) for row in rows]

    async def hold_free(self, names: Sequence[tuple[str, datetime]]) -> list[ClaimedPeriod]:
        """Hold those of these statements that nobody else holds."""
        if not names:
            return []
        rows = await self.connection.fetch(
            _CLAIM.format(source=_FREE) + _IN_ORDER,
            [contract for contract, _ in names],
            [start for _, start in names],
        )
        return [ClaimedPeriod(**row) for row in rows]

    async def replace(self, replacements: Sequence[Replacement]) -> None:
        """Write the revisions over the older ones. A final row refuses (trigger)."""
        parts = [apart(replacement.message) for replacement in replacements]
        said = [message for message, _ in parts]
        await self.connection.execute(
            """insert into rating.statements (contract, period_start, statement_id, revision, final,
                watermark, watermark_us, subtotal_minor,
                   currency, said, explanation, opening, closing, known_version)
               select * from unnest($1::text[], $2::timestamptz[], $3::uuid[], $4::bigint[], $5::boolean[],
                   $6::jsonb[], $7::bigint[], $8::bigint[],
                   $9::text[], $10::text[], $11::text[], $12::jsonb[], $13::jsonb[], $14::int[])
               on conflict (contract, period_start) do update set revision = excluded.revision,
                   final = excluded.final,
                   watermark = excluded.watermark, watermark_us = excluded.watermark_us,
                       subtotal_minor = excluded.subtotal_minor,
                   currency = excluded.currency, said = excluded.said, explanation = excluded.explanation,
                       opening = excluded.opening,
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
            [explanation for _, explanation in parts],
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

    async def newer(
        self, contracts: Sequence[str], start_dates: Sequence[date], revisions: Sequence[int]
    ) -> dict[StatementName, StatementMessage | None]:
        """Those of these statements that there are, each as it stands if it is newer than the revision."""
        rows = await self.connection.fetch(
            """select contract, start_date, case when st.revision > known then said end as said, explanation
               from unnest($1::text[], $2::date[], $3::bigint[]) as asked (contract, start_date, known)
               join rating.periods p using (contract, start_date)
               join rating.statements st using (contract, period_start)""",
            list(contracts),
            list(start_dates),
            list(revisions),
        )
        return {
            StatementName(row["contract"], row["start_date"]): row["said"]
            and together(STATEMENTS.decode(row["said"].encode()), row["explanation"])
            for row in rows
        }

    async def close_periods(
        self,
        contracts: Sequence[str],
        period_starts: Sequence[datetime],
        accept_until: Sequence[datetime],
    ) -> None:
        """Make these periods final; what comes for them until `accept_until` (business clock) corrects them."""
        await self.connection.execute(
            """update rating.periods p set final = true, retry_at = null, accept_until = done.accept_until
                from unnest($1::text[], $2::timestamptz[], $3::timestamptz[])
                    as done (contract, period_start, accept_until)
               where p.contract = done.contract and p.period_start = done.period_start""",
            list(contracts),
            list(period_starts),
            list(accept_until),
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

    async def overdue_s(self, now: datetime) -> float:
        """Seconds since the oldest open period was due to close; 0 when none is."""
        found: float = await self.connection.fetchval(
            """select coalesce(extract(epoch from $1 - min(close_due_at))::float8, 0) from rating.periods
               where not final and close_due_at <= $1""",
            now,
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
            """select s.document, s.explanation, s.opening, s.known_version, p.period_start, p.period_end, p.start_date,
                p.end_date, p.whole_days
               from rating.periods p join rating.statements s using (contract, period_start)
               where p.contract = $1 and p.start_date = $2""",
            contract,
            start_date,
        )
        if row is None:
            return None
        found = {**row, "document": together(_message(row), row["explanation"])}
        del found["explanation"]
        return StoredStatement(**found)

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
        self, limit: int, after: tuple[str, datetime] | None, wanted: StatementFilter, now: datetime
    ) -> list[StatementMessage]:
        """Statements by contract and period, after the (contract, period start) of the page before."""
        where = narrowed(wanted, _CONDITIONS, "s")
        if wanted.state is not None:
            where = where.also(f"{state_at('{0}')} = {{1}}", now, wanted.state)
        if after:
            where = where.also("(s.contract > {0} or (s.contract = {0} and s.period_start > {1}))", *after)
        rows = await self.connection.fetch(
            f"""select s.document from rating.statements s
                join rating.periods p using (contract, period_start) where {where.sql}
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
