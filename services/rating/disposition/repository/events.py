"""SQL of events: the whole story of one, and the newest."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import asyncpg
import msgspec

from services.rating.disposition.domain.covering import Covering
from services.rating.disposition.rows import (
    AskedEvent,
    ConflictRow,
    DeliveryRow,
    EventRow,
    FoundNewest,
    NewestFilter,
    OwnerRow,
    VoidRow,
)
from services.rating.metering.repository.batches import batch_is_in
from services.rating.metering.repository.usage import stored_event
from services.rating.statements.domain.message import PRICING_FAILED
from shared.db.columns import given, types_of
from shared.db.filters import Where, narrowed

#: Whether the fold has passed row `{0}` of `events` or `voids`; aggregates know nothing of what comes after.
FOLDED = """{0}.batch_id <= coalesce(
    ((select watermark from rating.fold_state) ->> {0}.partition::text)::bigint, 0)"""
_DECISIONS = "rating.late_decisions d where d.contract = c.contract and d.period_start = p.period_start"
#: Whether it was decided that a batch of the event's subject is never of a final period: the first decision about it does.
#: The first about a partition begins after what was accepted.
_WAIVED = f"""coalesce((select d.decision = 'waive' from {_DECISIONS} and said.subject = any (d.subjects)
                and {{0}}::bigint <= (d.up_to ->> {{1}}::text)::bigint order by d.sequence limit 1)
            and {{0}}::bigint > (select (d.after ->> {{1}}::text)::bigint from {_DECISIONS} and d.after ? {{1}}::text
                order by d.sequence limit 1), false)"""
#: Of each event, the contracts of its customer or of whoever had its subject, with the period over its time and the version
#: in force.
_TERMS_AT = f"""
select said.n, t.* from {given(AskedEvent)}
cross join lateral (select c.contract, p.start_date, p.end_date, p.final, v.version,
     c.customer_id is distinct from said.customer_id as left,
        cu.customer_id, cu.external_id, st.statement_id::text as statement, case when p.final then coalesce(st.document -> 'meters', (
            select jsonb_object_agg(w.meter, w.revision) from (
                select meter, max(revision) as revision from rating.meter_versions
                    where revision <= st.revision group by meter) w),
            '{{}}') else '{{}}' end as counted_by,
        p.final and not exists (
            select from rating.last_subjects k
            where k.contract = c.contract and k.period_start = p.period_start and k.subject = said.subject
                and said.batch_id <= coalesce((coalesce(k.batches, st.watermark) ->> said.partition::text)::bigint, 0)
                and not {batch_is_in("k.taken_out", "said.partition", "said.batch_id")}) as late,
        p.final and coalesce(said.void_batch_id > coalesce((st.watermark ->> said.void_partition::text)::bigint, 0)
            or {batch_is_in("coalesce(st.taken_out_of -> said.subject, st.taken_out)", "said.void_partition", "said.void_batch_id")},
            false) as void_late,
        p.final and {_WAIVED.format("said.batch_id", "said.partition")} as waived,
        p.final and {_WAIVED.format("said.void_batch_id", "said.void_partition")} as void_waived,
        (select jsonb_build_object('id', x.exception_id, 'kind', x.kind, 'detail', x.detail,
            'owner', x.owner)
         from rating.exceptions x where x.kind = $9 and x.resolved_at is null and not p.final
             and x.reference = c.contract || ':' || to_char(p.start_date, 'YYYY-MM-DD')) as
                 exception,
        array(select line ->> 'meter' from jsonb_array_elements(v.terms -> 'lines') line
            where line ->> 'kind' = 'usage') as meters,
        {{lines}} as lines
    from (select contract from rating.contracts where customer_id = said.customer_id
          union select contract from rating.closed_subjects where subject = said.subject
          union select contract from rating.corrected_subjects where subject = said.subject) asked
    join rating.contracts c using (contract)
        join rating.customers cu on cu.customer_id = c.customer_id
    join rating.periods p using (contract)
    left join rating.last_statements st using (contract, period_start)
    join lateral (select version, terms from rating.contract_versions w
        where w.contract = c.contract
                  order by (w.effective_at <= said.time) desc, case when w.effective_at <= said.time
                      then w.version else -w.version end desc
                  limit 1) v on true
    where p.period_start <= said.time and said.time < p.period_end) t
order by said.n, t.contract
"""


#: The lines of a statement that charge usage. To read them is to read the whole statement.
_LINES = """array(select jsonb_build_object('line_id', line ->> 'line_id', 'key', line ->> 'key', 'meter', line ->> 'meter')
    from jsonb_array_elements(st.document -> 'lines') line where line ->> 'kind' = 'usage')"""
_NO_LINES = "array[]::jsonb[]"
_EVENT = f"""e.key, e.source, e.id, e.batch_id, e.seq, e.partition, e.received_at, e.time, e.type, e.subject,
    e.data::text as body, {FOLDED.format("e")} as folded"""
#: So many of the newest events are looked through for those that are asked for.
LOOKED_MAX = 10_000
_NEWEST = f"""
with found as materialized (
    select e.* from rating.events e where e.batch_id > $2 order by e.batch_id desc, e.seq desc limit {{limit}} + 1),
looked as (select * from found order by batch_id desc, seq desc limit {{limit}})
select (select count(*) from found) > {{limit}} as beyond, shown.*
from (select) one left join lateral (
    select {_EVENT}, null as topic, null::bigint as from_offset, null::bigint as to_offset, null::timestamptz as stored_at
    from looked e where e.batch_id > coalesce(($1::jsonb ->> e.partition::text)::bigint, 0) and {{where}}
    order by e.batch_id desc, e.seq desc limit {{shown}}) shown on true
order by shown.batch_id desc, shown.seq desc"""


class DispositionRepository:
    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection

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
            f"""select {_EVENT}, b.topic, b.from_offset, b.to_offset, b.at as stored_at
               from rating.event_keys k join rating.events e on e.batch_id = k.batch_id and e.seq = k.seq
               left join bus.batches b on b.batch_id = e.batch_id where k.key = $1""",
            key,
        )
        return _event(row) if row else None

    async def newest(
        self, wanted: NewestFilter, after: Mapping[str, int], taken: Mapping[str, int], limit: int
    ) -> FoundNewest:
        """Events of batches after these (partition → batch id), the newest first: of the newest LOOKED_MAX those that are
        wanted. `taken`: the last batch of each partition."""
        behind = [after.get(one, 0) for one, last in taken.items() if last > after.get(one, 0)]
        if not behind:
            return FoundNewest([], beyond=False)
        where = narrowed(wanted, table="e", following=Where(parameters=(dict(after), min(behind))))
        rows = await self._connection.fetch(
            _NEWEST.format(
                limit=LOOKED_MAX if after or where.sql != "true" else limit, where=where.sql, shown=limit
            ),
            *where.parameters,
        )
        found = [dict(row) for row in rows]
        beyond = {row.pop("beyond") for row in found}
        return FoundNewest([_event(row) for row in found if row["key"] is not None], beyond=beyond == {True})

    async def voids(self, keys: Sequence[bytes]) -> dict[bytes, VoidRow]:
        """Key → the void in force for it."""
        rows = await self._connection.fetch(
            f"""select v.key, v.batch_id, v.partition, v.received_at, {FOLDED.format("v")} as folded
               from rating.voids v where v.key = any($1::bytea[])""",
            list(keys),
        )
        return {
            row["key"]: VoidRow(row["batch_id"], row["received_at"], row["partition"], row["folded"])
            for row in rows
        }

    async def refused_bodies(self, keys: Sequence[bytes]) -> dict[bytes, int]:
        """Key → how many other bodies were refused, where there are any."""
        rows = await self._connection.fetch(
            "select key, count(*) as refused from rating.conflicts where key = any($1::bytea[]) group by key",
            list(keys),
        )
        return {row["key"]: row["refused"] for row in rows}

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

    async def customers_of(self, subjects: Collection[str]) -> dict[str, OwnerRow]:
        """Subject → the customer it means now."""
        rows = await self._connection.fetch(
            """select s.subject, c.customer_id, c.external_id, s.alias
               from rating.subjects s join rating.customers c using (customer_id) where s.subject = any($1::text[])""",
            list(subjects),
        )
        return {
            row["subject"]: OwnerRow(row["customer_id"], row["external_id"], row["alias"]) for row in rows
        }

    async def terms_at(
        self,
        events: Sequence[EventRow],
        customers: Mapping[str, OwnerRow],
        voids: Mapping[bytes, VoidRow],
        *,
        with_lines: bool,
    ) -> list[list[Covering]]:
        """Of each event the contracts with a period over its time: those of its customer, and those of whoever had
        the subject when a final statement over the event was cut."""
        asked = [
            _asked(n, event, customers.get(event.subject), voids.get(event.key))
            for n, event in enumerate(events)
        ]
        rows = await self._connection.fetch(
            _TERMS_AT.replace("{lines}", _LINES if with_lines else _NO_LINES),
            *([getattr(one, name) for one in asked] for name in types_of(AskedEvent)),
            PRICING_FAILED,
        )
        found: list[list[Covering]] = [[] for _ in events]
        for row in rows:
            found[row["n"]].append(msgspec.convert(dict(row), Covering))
        return found


def _asked(n: int, event: EventRow, owner: OwnerRow | None, void: VoidRow | None) -> AskedEvent:
    return AskedEvent(
        n,
        owner.customer_id if owner else None,
        event.time,
        event.batch_id,
        event.partition,
        event.subject,
        void.batch_id if void else None,
        void.partition if void else None,
    )


def _event(row: Mapping[str, Any] | asyncpg.Record) -> EventRow:
    return EventRow(**row, read=stored_event(row))
