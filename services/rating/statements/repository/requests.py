"""All SQL of what asks for a statement to be priced: marks of touched usage, and the requests they become."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

import asyncpg

from services.rating.metering.repository.batches import is_in
from services.rating.metering.repository.candidates import NOTED
from services.rating.statements.rows import StatementName
from shared.db.floor import SNAPSHOT, Look

#: One fans out at a time: no mark is locked before it is deleted.
FAN_OUT = 0x7532632E66616E
#: Of the machine clock: a period that cannot be priced is tried again so much later, and whenever something
#: new asks for it.
RETRY_AFTER_S = 30
NEVER_US = 2**63 - 1
#: One instant a statement, so that an index can be searched by it.
NOW_US = "(extract(epoch from statement_timestamp()) * 1000000)::bigint"
#: The instant at which a row is written: by then its transaction is in every snapshot.
_WRITTEN_US = "(extract(epoch from clock_timestamp()) * 1000000)::bigint"
_RETRY_US = "(extract(epoch from retry_at) * 1000000)::bigint"

#: After an insert into `late_periods`: who has looked at it before does not remove it.
LOOKED_AT_AGAIN = """on conflict (contract, period_start)
    do update set noted_at = clock_timestamp(), looked_at = false"""
_ON_DAY = """p.period_start < (d.day + 1)::timestamp at time zone 'UTC'
            and p.period_end > d.day::timestamp at time zone 'UTC'"""
_DAY = "tstzrange(day::timestamp at time zone 'UTC', (day + 1)::timestamp at time zone 'UTC')"
#: Whether usage of that day that stays with final period `p` of whom subject `d` has left was taken back since.
_TAKEN_BACK = f"""exists (select from rating.last_subjects k join rating.last_statements st using (contract, period_start)
        join rating.events e on e.subject = k.subject and e.type = any (array(select event_type from rating.meters))
            and e.time >= p.period_start and e.time >= d.day::timestamp at time zone 'UTC'
            and e.time < p.period_end and e.time < (d.day + 1)::timestamp at time zone 'UTC'
            and e.batch_id <= coalesce((coalesce(k.batches, st.watermark) ->> e.partition::text)::bigint, 0)
            and not {is_in("k.taken_out", "e")}
        join rating.voids v using (key)
        where k.contract = p.contract and k.period_start = p.period_start and k.subject = d.subject
            and v.batch_id > coalesce((st.watermark ->> v.partition::text)::bigint, 0) offset 0)"""
# A request that waits is renewed, one row a statement, unless its pricing is under way: that one may not see
# what was marked, so it gets another. What a final statement lacks marks its period to be corrected, in the same way.
# The planner takes a CTE for a row or two and joins two of them row by row against row: what is known brings along
# what renews it, and what is new is told by `not in`, which is hashed.
_FAN_OUT = f"""
with taken as (
    delete from rating.marks where mark_id = any (array(
        select mark_id from rating.marks where mark_id > $1 order by mark_id limit $2))
    returning mark_id, subject, day, marked_at, at_once),
days as materialized (
    select subject, day, min(marked_at) as since, bool_or(at_once) as at_once from taken group by 1, 2),
spans as materialized (
    select d.subject, d.day, p.contract, p.period_start, p.period_end, p.final, p.retry_at, p.accept_until, d.since,
        d.at_once
    from days d join rating.subjects s on s.subject = d.subject
    join rating.contracts c on c.customer_id = s.customer_id
    join rating.periods p on p.contract = c.contract and {_ON_DAY}),
doubted as (
    insert into rating.suspense_candidates (subject)
    select distinct subject from (
        select subject from (
            select subject, day, null::tstzrange as span from days
            union all
            select subject, day, tstzrange(period_start, period_end) from spans) of_day
        group by subject, day having not coalesce(range_agg(span) @> {_DAY}, false)) waiting
    where not exists (select from rating.suspense_candidates k where k.subject = waiting.subject and k.look is null)
    order by 1 {NOTED}),
met as materialized (
    select contract, period_start, final, retry_at, accept_until, min(since) as since, bool_or(at_once) as at_once
    from (
        select contract, period_start, final, retry_at, accept_until, since, at_once from spans
        union all
        select p.contract, p.period_start, p.final, p.retry_at, p.accept_until, d.since, d.at_once
        from days d join rating.departed_subjects s on s.subject = d.subject
        join rating.contracts c on c.customer_id = s.customer_id
        join rating.periods p on p.contract = c.contract and p.final and {_ON_DAY}
        where {_TAKEN_BACK}) of_day
    group by 1, 2, 3, 4, 5),
touched as (select * from met where not final),
marked as materialized (
    select mark_id, contract, period_start, met.since from rating.correction_marks join met using (contract, period_start)
    where final and not_before is null order by mark_id for update of correction_marks skip locked),
late as (
    insert into rating.late_periods (contract, period_start)
    select contract, period_start from met where final and accept_until < greatest($5, (
        select max(newest.at) from bus.positions q cross join lateral (
            select t.at from rating.batch_times t where t.partition = q.partition order by t.at desc limit 1) newest
        where q.grp = 'rating' and q.topic = 'usage.events')) order by 1, 2 {LOOKED_AT_AGAIN}),
marked_again as (
    update rating.correction_marks m set since = least(m.since, k.since) from marked k where m.mark_id = k.mark_id),
marked_now as (
    insert into rating.correction_marks (contract, period_start, since)
    select contract, period_start, since from met
    where final and (contract, period_start) not in (select contract, period_start from marked)),
wanted as materialized (
    select contract, period_start, since, not at_once and retry_at is null as seldom,
        greatest({_WRITTEN_US}, case when at_once then 0
            when retry_at is not null then {_RETRY_US} - $3::bigint
            else coalesce($4::bigint + coalesce(st.revision, 0), {NEVER_US}) end) as due_us
    from touched left join rating.statements st using (contract, period_start)),
known as materialized (
    select stale_id, contract, period_start, w.since, w.due_us, w.seldom
    from rating.stale join wanted w using (contract, period_start) order by stale_id for update of stale skip locked),
renewed as (
    update rating.stale s set since = least(s.since, k.since), due_us = least(s.due_us, k.due_us),
        seldom = s.seldom and k.seldom, retry = false
    from known k where s.stale_id = k.stale_id),
asked as (
    insert into rating.stale (contract, period_start, since, due_us, seldom)
    select contract, period_start, since, due_us, seldom from wanted
    where (contract, period_start) not in (select contract, period_start from known))
select (select count(*) from taken)::int as taken, (select max(mark_id) from taken) as last,
    {SNAPSHOT}"""
_WAITING = f"""
with asked as (
    select p.contract, max(p.period_start) as last from unnest($1::text[], $2::date[]) a (contract, start_date)
        join rating.periods p using (contract, start_date) group by 1)
select p.contract, p.period_start, p.start_date, coalesce(st.revision, 0) as revision
from asked join rating.periods p on p.contract = asked.contract and p.period_start <= asked.last and not p.final
left join rating.statements st on st.contract = p.contract and st.period_start = p.period_start
where exists (select from rating.stale s where s.contract = p.contract and s.period_start = p.period_start
    and (not s.retry or s.due_us <= {NOW_US}))
order by 1, 2"""


@dataclass(frozen=True, slots=True)
class FannedOut:
    """How many marks were taken, and what the look knows of the rest."""

    taken: int
    look: Look


@dataclass(frozen=True, slots=True)
class Waiting:
    """A statement that is asked for, and its revision as it stands (0: none)."""

    contract: str
    period_start: datetime
    start_date: date
    revision: int

    @property
    def name(self) -> StatementName:
        return StatementName(self.contract, self.start_date)


class RequestRepository:
    """The tables `marks` and `stale`."""

    def __init__(self, connection: "asyncpg.Connection | asyncpg.Pool") -> None:
        self.connection = connection

    async def have_fan_out(self, *, waits: bool) -> bool:
        """Be the one who fans out, until the transaction ends; False when somebody else is, unless this
        `waits` for them."""
        if waits:
            await self.connection.execute("select pg_advisory_xact_lock($1)", FAN_OUT)
            return True
        taken: bool = await self.connection.fetchval("select pg_try_advisory_xact_lock($1)", FAN_OUT)
        return taken

    async def fan_out(
        self, after: int, marks_max: int, retry_rest_us: int, told_every_us: int | None, now: datetime
    ) -> FannedOut:
        """Turn up to `marks_max` marks with numbers greater than `after` into requests for the statements they
        touch. Its caller must `have_fan_out`.

        A request is as old as its oldest mark, so that who waits for what was marked before a moment sees it.
        A UTC day can touch two periods and a customer have several contracts. What is taken back of a subject that has
        left touches the final periods it stays with. Marks of subjects nobody knows go: when their customer, alias or
        contract comes, it leaves marks or requests of its own. Who has usage on a day that is not all within periods
        of its customer becomes a candidate of suspense.

        What usage touches is due `told_every_us` after its revision, or never by itself (None). A held
        statement is due `retry_rest_us` before it would be tried again: what mends it is priced soon, and usage
        that does not is no reason to try all the time.

        A final period may have late usage from `accept_until` on, by the clock here or by that of whoever metered a
        batch, which may be ahead.
        """
        row = await self.connection.fetchrow(_FAN_OUT, after, marks_max, retry_rest_us, told_every_us, now)
        assert row is not None, "an aggregate has a row"
        return FannedOut(row["taken"], Look(row["last"], row["oldest_xid"], row["next_xid"]))

    async def any_mark(self, after: int) -> bool:
        """Whether there is a mark with a number greater than `after`."""
        found: bool = await self.connection.fetchval(
            "select exists (select from rating.marks where mark_id > $1)", after
        )
        return found

    async def any_due(self, after_us: int) -> tuple[bool, Look]:
        """Whether a request is due now, and has been since after `after_us`; and what the look knows."""
        row = await self.connection.fetchrow(
            f"""select (select due_us from rating.stale where due_us > $1 order by due_us limit 1) as due_us,
                {NOW_US} as now_us, {SNAPSHOT}""",
            after_us,
        )
        assert row is not None, "an expression has a row"
        next_us = NEVER_US if row["due_us"] is None else row["due_us"]
        look = Look(min(next_us - 1, row["now_us"]), row["oldest_xid"], row["next_xid"])
        return next_us <= row["now_us"], look

    async def waiting(self, contracts: Sequence[str], start_dates: Sequence[date]) -> list[Waiting]:
        """Those of these statements, and of the older open ones of their contracts, that are asked for, by
        contract and period. One that could not be priced is left out until it is tried again."""
        rows = await self.connection.fetch(_WAITING, list(contracts), list(start_dates))
        return [Waiting(**row) for row in rows]

    async def waiting_of(self, customer_ids: Sequence[str]) -> list[StatementName]:
        """The open statements of these customers that are asked for."""
        rows = await self.connection.fetch(
            """select p.contract, p.start_date from rating.contracts c join rating.periods p using (contract)
               where c.customer_id = any($1::text[]) and not p.final and exists (select from rating.stale s
                   where s.contract = p.contract and s.period_start = p.period_start)
               order by 1, 2""",
            list(customer_ids),
        )
        return [StatementName(**row) for row in rows]

    async def forget(self, contracts: Sequence[str], period_starts: Sequence[datetime]) -> None:
        """Delete the requests this transaction's snapshot sees for these statements: they are answered by
        what it writes."""
        await self.connection.execute(
            """delete from rating.stale s using unnest($1::text[], $2::timestamptz[]) as done
                (contract, period_start)
               where s.contract = done.contract and s.period_start = done.period_start""",
            list(contracts),
            list(period_starts),
        )

    async def mark_of_final(self, limit: int) -> None:
        """Turn requests for statements that have become final into marks of periods to be corrected."""
        await self.connection.execute(
            """with late as (
                   delete from rating.stale where stale_id in (
                       select stale_id from rating.stale s join rating.periods p using (contract, period_start)
                           where p.final
                       limit $1 for update of s skip locked)
                   returning contract, period_start)
               insert into rating.correction_marks (contract, period_start) select distinct * from late""",
            limit,
        )

    async def ask_again(self, contracts: Sequence[str], period_starts: Sequence[datetime]) -> None:
        """Ask for these statements again in a while: they could not be priced now, and nothing new has come
        for them."""
        await self.connection.execute(
            f"""insert into rating.stale (contract, period_start, due_us, retry)
                select contract, period_start, {_WRITTEN_US} + $3, true
                from unnest($1::text[], $2::timestamptz[]) as held (contract, period_start)""",
            list(contracts),
            list(period_starts),
            RETRY_AFTER_S * 1_000_000,
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

    async def backlog(self) -> int:
        """How many statements are due and not priced yet."""
        found: int = await self.connection.fetchval(
            f"""select count(*) from (select distinct contract, period_start from rating.stale
                    where due_us <= {NOW_US} and not retry) due"""
        )
        return found

    async def waiting_to_be_told(self) -> int:
        """How many statements usage alone asks for, due or not."""
        found: int = await self.connection.fetchval(
            "select count(*) from (select distinct contract, period_start from rating.stale where seldom) told"
        )
        return found

    async def open_marks(self) -> int:
        found: int = await self.connection.fetchval("select count(*) from rating.marks")
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
