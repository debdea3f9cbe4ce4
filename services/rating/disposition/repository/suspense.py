"""SQL of the usage that nobody pays for yet. Whose it may be is kept (`suspense_candidates`); what of it waits is asked anew."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import asyncpg

from services.rating.disposition.repository.events import FOLDED
from services.rating.disposition.rows import SuspenseFilter, SuspenseRow
from services.rating.metering.repository.batches import is_in
from shared.db.filters import Where, narrowed
from shared.db.listing import begins, counted

#: A path has up to four names.
_STEPS = [" -> p[1]", " -> p[2]", " -> p[3]", " -> p[4]"]
_AT = (
    "case cardinality(p) "
    + " ".join(f"when {n} then e.data{''.join(_STEPS[:n])}" for n in range(1, 5))
    + " end"
)
#: What a filter reads of event `e` at a path `p` (text[]), as metering does: lists have no names, "" for no
#: scalar, long texts as their hash.
LABEL = f"""(select case when octet_length(text) <= 128 then text
    else 'sha256:' || encode(sha256(convert_to(text, 'UTF8')), 'hex') end
    from (select {_AT} as value) found
    cross join lateral (select case when jsonb_typeof(value) in ('string', 'number', 'boolean')
        then value #>> '{{}}' else '' end as text) said)"""
# A meter takes an event when the type is its own and every filter matches.
_TAKEN = f"""exists (select from rating.meters m where m.event_type = e.type and not exists (
    select from jsonb_each(m.filters) f cross join lateral string_to_array(f.key, '.') p
        where not f.value ? {LABEL}))"""
_COVERED = """exists (select from rating.contracts c join rating.periods p using (contract)
    where c.customer_id = s.customer_id and p.period_start <= e.time and e.time < p.period_end)"""
#: What a final statement charged before its subject left is no suspense, whoever the subject means now.
_CHARGED = f"""e.subject in (select subject from rating.departed_subjects) and exists (
    select from rating.last_subjects k join rating.contracts kc using (contract)
    join rating.periods p on p.contract = k.contract and p.period_start = k.period_start
    join rating.last_statements st on st.contract = k.contract and st.period_start = k.period_start
    where k.subject = e.subject and kc.customer_id is distinct from s.customer_id and p.period_start <= e.time
        and e.time < p.period_end
        and e.batch_id <= coalesce((coalesce(k.batches, st.watermark) ->> e.partition::text)::bigint, 0)
        and not {is_in("k.taken_out", "e")}
        and exists (select from rating.meters m join jsonb_array_elements(st.document -> 'lines') line
            on line ->> 'meter' = m.meter
                    where m.event_type = e.type))"""
_OF_EVENTS = {
    "start": "e.time >= {}",
    "end": "e.time < {}",
    "type": "e.type = {}",
    "customer": "",
    "subject": "",
    "reason": "",
    "q": "",
}
_OF_OWNERS = {
    "customer": "cu.external_id = {}",
    "subject": "n.subject = {}",
    # a customer goes by its external id, whichever of its subjects an event has
    "q": f"({begins('cu.external_id')} or s.customer_id is null and {begins('n.subject')})",
    "start": "",
    "end": "",
    "type": "",
    "reason": "",
}
_OWNER = 'coalesce(cu.external_id, n.subject) collate "C"'
_AFTER = (
    """(owner, type, to_char(month at time zone 'UTC', 'YYYY-MM') collate "C", reason) > ({}, {}, {}, {})"""
)
#: The types of events of a subject, found in the index without the events between, of which some event may be in suspense:
#: all others are known by customer `s`, taken by a meter without a filter, and all within periods.
_DOUBTFUL = """
    with recursive types as (
        (select e.type from rating.events e where e.subject = {of} order by e.type limit 1)
        union all
        select next.type from types t cross join lateral (
            select e.type from rating.events e where e.subject = {of} and e.type > t.type
            order by e.type limit 1) next)
    select t.type from types t where s.customer_id is null
        or not exists (select from rating.meters m where m.event_type = t.type and m.filters = '{{}}')
        or not coalesce((
            select range_agg(tstzrange(p.period_start, p.period_end))
                from rating.contracts c join rating.periods p using (contract) where c.customer_id = s.customer_id
            ) @> tstzrange(
                (select e.time from rating.events e where e.subject = {of} and e.type = t.type
                    order by e.time limit 1),
                (select e.time from rating.events e where e.subject = {of} and e.type = t.type
                    order by e.time desc limit 1),
                '[]'), false)"""
#: Owner by owner, so that who asks for the first rows waits for no more.
_WAITING = """
select * from (
    select s.owner, s.customer_id, w.type, w.month, w.reason, w.events
    from (select {owner} as owner, s.customer_id, array_agg(n.subject) as subjects
        from {subjects} n left join rating.subjects s using (subject) left join rating.customers cu using (customer_id)
        where {owners} group by 1, 2 order by 1) s
    cross join lateral (
        select e.type, date_trunc('month', e.time, 'UTC') as month,
            case when s.customer_id is null then 'no_customer' when not {taken} then 'no_meter'
                else 'no_contract' end collate "C" as reason,
            count(*) as events
        from unnest(s.subjects) own (subject) {events}
        where {asked} and {event_folded}
            and (s.customer_id is null or not {taken} or not {covered})
            and not exists (select from rating.voids v where v.key = e.key and {void_folded})
            and not ({charged})
        group by 1, 2, 3) w) found
where {following} order by owner, type, month, reason"""
_CANDIDATES = "(select subject from rating.suspense_candidates union select subject from rating.marks)"
_ALL_EVENTS = "join rating.events e on e.subject = own.subject"
#: `offset 0`: the types come first, so that of a subject with much usage no event of another type is looked at.
_DOUBTFUL_EVENTS = f"""cross join lateral ({_DOUBTFUL.format(of="own.subject")}) doubted
    cross join lateral (select * from rating.events e
        where e.subject = own.subject and e.type = doubted.type and [asked] offset 0) e"""


def _waiting(wanted: SuspenseFilter, after: Sequence[str] | None) -> Where:
    """The query of suspense, after a place. Of one owner all events are looked at; of all owners those that may be in
    suspense."""
    owners = narrowed(wanted, _OF_OWNERS).also(f"{_OWNER} >= {{}}", after[0] if after else None)
    asked = narrowed(wanted, _OF_EVENTS, following=owners)
    following = Where(parameters=asked.parameters).also("reason = {}", wanted.reason)
    subjects, events = _CANDIDATES, _DOUBTFUL_EVENTS
    if wanted.customer is not None:
        subjects, events = "(select subject from rating.subjects)", _ALL_EVENTS
    elif wanted.subject is not None:
        following, said = following.given(wanted.subject)
        subjects, events = f"(select {said}::text as subject)", _ALL_EVENTS
    if after:
        following = following.also(_AFTER, *after)
    return Where(
        _WAITING.format(
            owner=_OWNER,
            subjects=subjects,
            owners=owners.sql,
            events=events.replace("[asked]", asked.sql),
            asked=asked.sql,
            taken=_TAKEN,
            covered=_COVERED,
            charged=_CHARGED,
            event_folded=FOLDED.format("e"),
            void_folded=FOLDED.format("v"),
            following=following.sql,
        ),
        following.parameters,
    )


@dataclass(frozen=True, slots=True)
class Look:
    """Candidates that somebody looks at, all under one number."""

    number: int
    subjects: Sequence[str]


class SuspenseRepository:
    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection

    async def waiting(
        self, wanted: SuspenseFilter, after: Sequence[str] | None, limit: int
    ) -> list[SuspenseRow]:
        """Return suspense by owner, type, month and reason, after a place named by these four; as far as the
        fold has come, like the quantities beside it."""
        asked = _waiting(wanted, after)
        rows = await self._connection.fetch(f"{asked.sql} limit {limit:d}", *asked.parameters)
        return [SuspenseRow(**row) for row in rows]

    async def count(self, wanted: SuspenseFilter) -> int:
        """How many rows suspense has, or one more than are counted."""
        asked = _waiting(wanted, None)
        return await counted(self._connection, f"({asked.sql}) s", Where(parameters=asked.parameters))

    async def covered(self, customer_ids: Sequence[str]) -> dict[str, list[tuple[datetime, datetime]]]:
        """Customer id → the periods of its contracts, by start."""
        rows = await self._connection.fetch(
            """select c.customer_id, p.period_start, p.period_end from rating.contracts c
                join rating.periods p using (contract)
               where c.customer_id = any($1::text[]) order by p.period_start""",
            list(customer_ids),
        )
        found: dict[str, list[tuple[datetime, datetime]]] = {}
        for row in rows:
            found.setdefault(row["customer_id"], []).append((row["period_start"], row["period_end"]))
        return found

    async def begin_look(self, subjects_max: int, again_after_s: float) -> Look | None:
        """Take candidates that nobody has looked at for so long; None where there is none. Who notes one of them once this
        has committed keeps it."""
        rows = await self._connection.fetch(
            """with chosen as materialized (
                   select subject from rating.suspense_candidates
                   where looked_at < clock_timestamp() - make_interval(secs => $2)
                   order by looked_at, subject limit $1 for update skip locked)
               update rating.suspense_candidates k
                   set looked_at = clock_timestamp(), look = pg_current_xact_id()::text::bigint
               from chosen where k.subject = chosen.subject returning k.subject, k.look""",
            subjects_max,
            again_after_s,
        )
        return Look(rows[0]["look"], [row["subject"] for row in rows]) if rows else None

    async def end_look(self, look: Look) -> None:
        """Remove those of which no event may wait. The transaction must begin after that of the look's beginning."""
        await self._connection.execute(
            f"""delete from rating.suspense_candidates k using rating.subjects s
                where k.subject = any($2::text[]) and k.look = $1 and s.subject = k.subject
                    and not exists ({_DOUBTFUL.format(of="k.subject")})""",
            look.number,
            list(look.subjects),
        )
        await self._connection.execute(
            "update rating.suspense_candidates set look = null where subject = any($2::text[]) and look = $1",
            look.number,
            list(look.subjects),
        )
