"""SQL of dispositions: an event's whole story, and the usage that nobody pays for yet."""

from collections.abc import Sequence
from datetime import datetime

import asyncpg
import msgspec

from services.rating.disposition.domain.covering import Covering
from services.rating.disposition.rows import (
    ConflictRow,
    DeliveryRow,
    EventRow,
    OwnerRow,
    SuspenseFilter,
    SuspenseRow,
    VoidRow,
)
from services.rating.metering.repository.batches import batch_is_in, is_in
from services.rating.metering.repository.usage import stored_event
from services.rating.statements.domain.message import PRICING_FAILED
from shared.db.filters import Where, narrowed

#: Whether the fold has passed row `{0}` of `events` or `voids`; aggregates know nothing of what comes after.
_FOLDED = """{0}.batch_id <= coalesce(
    ((select watermark from rating.fold_state) ->> {0}.partition::text)::bigint, 0)"""
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
_CONDITIONS = {
    "start": "e.time >= {}",
    "end": "e.time < {}",
    "customer": "cu.external_id = {}",
    "subject": "e.subject = {}",
}
_AFTER = (
    """(owner, type, to_char(month at time zone 'UTC', 'YYYY-MM') collate "C", reason) > ({}, {}, {}, {})"""
)
#: Whether it was decided that a batch is never of a final period.
_WAIVED = """exists (select from rating.late_decisions d where d.contract = c.contract
            and d.period_start = p.period_start and d.decision = 'waive'
            and {0}::bigint > (d.after ->> {1}::text)::bigint and {0}::bigint <= (d.up_to ->> {1}::text)::bigint)"""
#: The contracts of customer $1 or of whoever had subject $5, with the period over $2 and the version in force.
_TERMS_AT = f"""
select c.contract, p.start_date, p.end_date, p.final, v.version,
     c.customer_id is distinct from $1 as left,
        cu.customer_id, cu.external_id, case when p.final then coalesce(st.document -> 'meters', (
            select jsonb_object_agg(w.meter, w.revision) from (
                select meter, max(revision) as revision from rating.meter_versions
                    where revision <= st.revision group by meter) w),
            '{{}}') else '{{}}' end as counted_by,
        p.final and not exists (
            select from rating.last_subjects k
            where k.contract = c.contract and k.period_start = p.period_start and k.subject = $5
                and $3::bigint <= coalesce((coalesce(k.batches, st.watermark) ->> $4::text)::bigint, 0)
                and not {batch_is_in("k.taken_out", "$4", "$3::bigint")}) as late,
        p.final and coalesce($6::bigint > coalesce((st.watermark ->> $7::text)::bigint, 0)
            or {batch_is_in("st.taken_out", "$7", "$6::bigint")}, false) as void_late,
        p.final and {_WAIVED.format("$3", "$4")} as waived,
        p.final and {_WAIVED.format("$6", "$7")} as void_waived,
        (select jsonb_build_object('id', x.exception_id, 'kind', x.kind, 'detail', x.detail,
            'owner', x.owner)
         from rating.exceptions x where x.kind = $8 and x.resolved_at is null and not p.final
             and x.reference = c.contract || ':' || to_char(p.start_date, 'YYYY-MM-DD')) as
                 exception,
        array(select line ->> 'meter' from jsonb_array_elements(v.terms -> 'lines') line
            where line ->> 'kind' = 'usage') as meters,
        array(select jsonb_build_object('line_id', line ->> 'line_id', 'key', line ->> 'key',
            'meter', line ->> 'meter')
              from jsonb_array_elements(st.document -> 'lines') line
                  where line ->> 'kind' = 'usage') as lines
    from (select contract from rating.contracts where customer_id = $1
          union select contract from rating.closed_subjects where subject = $5
          union select contract from rating.corrected_subjects where subject = $5) asked
    join rating.contracts c using (contract)
        join rating.customers cu on cu.customer_id = c.customer_id
    join rating.periods p using (contract)
    left join rating.last_statements st using (contract, period_start)
    join lateral (select version, terms from rating.contract_versions w
        where w.contract = c.contract
                  order by (w.effective_at <= $2) desc, case when w.effective_at <= $2
                      then w.version else -w.version end desc
                  limit 1) v on true
    where p.period_start <= $2 and $2 < p.period_end order by c.contract
"""


def _suspense(asked: Where, following: Where) -> str:
    """The query of suspense: what is asked of events and their customers, and which of the sums follow."""
    return f"""
select * from (
    select coalesce(cu.external_id, e.subject) collate "C" as owner, s.customer_id, e.type,
        date_trunc('month', e.time, 'UTC') as month,
        case when s.customer_id is null then 'no_customer' when not {_TAKEN} then 'no_meter'
            else 'no_contract' end collate "C" as reason,
        count(*) as events
    from rating.events e
    left join rating.subjects s on s.subject = e.subject
    left join rating.customers cu on cu.customer_id = s.customer_id
    where {asked.sql} and {_FOLDED.format("e")}
        and (s.customer_id is null or not {_TAKEN} or not {_COVERED})
        and not exists (select from rating.voids v where v.key = e.key and {_FOLDED.format("v")})
        and not ({_CHARGED})
    group by 1, 2, 3, 4, 5) found
where {following.sql} order by owner, type, month, reason"""


class DispositionRepository:
    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection

    async def suspense(
        self, wanted: SuspenseFilter, after: Sequence[str] | None, limit: int
    ) -> list[SuspenseRow]:
        """Return suspense by owner, type, month and reason, after a place named by these four; as far as the
        fold has come, like the quantities beside it."""
        asked = narrowed(wanted, _CONDITIONS)
        following = Where(parameters=asked.parameters)
        if after:
            following = following.also(_AFTER, *after)
        rows = await self._connection.fetch(
            f"{_suspense(asked, following)} limit {limit:d}", *following.parameters
        )
        return [SuspenseRow(**row) for row in rows]

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

    async def position(self, group: str, topic: str, partition: int) -> int:
        """The next offset the group will take."""
        found: int | None = await self._connection.fetchval(
            "select position from bus.positions where grp = $1 and topic = $2 and partition = $3",
            group,
            topic,
            partition,
        )
        return found or 0

    async def event(self, key: bytes) -> EventRow | None:
        """The stored event with the run of the log its batch took."""
        row = await self._connection.fetchrow(
            f"""select e.key, e.batch_id, e.seq, e.partition, e.received_at, e.time, e.type, e.subject,
                e.data::text as body, b.topic, b.from_offset, b.to_offset, b.at as stored_at,
                {_FOLDED.format("e")} as folded
               from rating.event_keys k join rating.events e on e.batch_id = k.batch_id and e.seq = k.seq
               left join bus.batches b on b.batch_id = e.batch_id where k.key = $1""",
            key,
        )
        if row is None:
            return None
        columns = {name: value for name, value in row.items() if name != "key"}
        return EventRow(**columns, read=stored_event(row))

    async def void(self, key: bytes) -> VoidRow | None:
        row = await self._connection.fetchrow(
            f"""select v.batch_id, v.partition, v.received_at, {_FOLDED.format("v")} as folded
               from rating.voids v where v.key = $1""",
            key,
        )
        return VoidRow(**row) if row else None

    async def duplicates(self, key: bytes, limit: int) -> list[DeliveryRow]:
        """The first further deliveries of the same body."""
        rows = await self._connection.fetch(
            """select batch_id, seq, received_at, count(*) over () as total
               from rating.duplicates where key = $1 order by batch_id, seq limit $2""",
            key,
            limit,
        )
        return [DeliveryRow(**row) for row in rows]

    async def conflicts(self, key: bytes, limit: int) -> list[ConflictRow]:
        """The first deliveries of other bodies."""
        rows = await self._connection.fetch(
            """select batch_id, seq, received_at, body::text as body, count(*) over () as total
               from rating.conflicts where key = $1 order by batch_id, seq limit $2""",
            key,
            limit,
        )
        return [ConflictRow(**row) for row in rows]

    async def customer_of(self, subject: str) -> OwnerRow | None:
        row = await self._connection.fetchrow(
            """select c.customer_id, c.external_id, s.alias from rating.subjects s
                join rating.customers c using (customer_id)
               where s.subject = $1""",
            subject,
        )
        return OwnerRow(**row) if row else None

    async def terms_at(
        self, customer_id: str | None, event: EventRow, void: VoidRow | None
    ) -> list[Covering]:
        """The contracts with a period over the event's time: those of the customer, and those of whoever had
        the subject when a final statement over the event was cut."""
        rows = await self._connection.fetch(
            _TERMS_AT,
            customer_id,
            event.time,
            event.batch_id,
            str(event.partition),
            event.subject,
            void.batch_id if void else None,
            str(void.partition) if void else None,
            PRICING_FAILED,
        )
        return msgspec.convert([dict(row) for row in rows], list[Covering])
