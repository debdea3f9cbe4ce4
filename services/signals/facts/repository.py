"""All SQL of facts."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime

import asyncpg
import msgspec

from services.signals.facts.rows import FactFilter, FactRow, Judged, Named, Note, SeatTimes, StoredFact
from services.signals.renewals.repository import RENEWALS
from shared.db.columns import insert
from shared.db.filters import Where, narrowed
from shared.db.listing import Window, begins, counted

#: Of a fact so many notes are shown, the newest.
NOTES_SHOWN = 50
CONDITIONS = {"since": "occurred_at >= {}", "until": "occurred_at < {}", "q": begins("customer")}
RANKS = {"occurred_at": "occurred_at", "customer": "customer"}
OF_TERM = ", ".join(f"'{name}'" for name in RENEWALS)
FACTS = f"""
    select f.*, said.named, said.judged, array(select jsonb_build_object('text', n.text, 'by', n.by, 'at', n.at)
        from signals.fact_notes n where n.signal_id = f.signal_id order by n.note_id desc limit {NOTES_SHOWN}) as notes
    from signals.facts f cross join lateral (
        select coalesce(jsonb_agg(jsonb_build_object('outcome', o.outcome, 'by', o.by, 'at', o.at)
                order by o.said_id desc) filter (where o.by is not null), '[]') as named,
            (jsonb_agg(jsonb_build_object('evidence', o.evidence, 'at', o.at)
                order by o.said_id desc) filter (where o.by is null)) -> 0 as judged
        from signals.outcomes o where o.signal_id = f.signal_id
            or f.type in ({OF_TERM}) and o.contract = f.contract and o.term_end::text = f.data ->> 'term_end') said
"""
# By the seat that a type is meant for: how long until a fact was acknowledged, and until the first word of what came of it.
TIMES = f"""
    with ended as (
        select f.signal_id, min(o.at) as at from signals.outcomes o join signals.facts f on f.contract = o.contract
            and f.type in ({OF_TERM}) and f.data ->> 'term_end' = o.term_end::text
        where f.occurred_at >= $3 group by 1
        union all
        select f.signal_id, min(o.at) from signals.outcomes o join signals.facts f using (signal_id)
        where o.contract is null and f.occurred_at >= $3 group by 1),
    waited as (
        select seats.seat, extract(epoch from f.acknowledged_at - f.occurred_at) as acknowledged_s,
            extract(epoch from ended.at - f.occurred_at) as outcome_s
        from signals.facts f join unnest($1::text[], $2::text[]) as seats (type, seat) using (type)
        left join ended using (signal_id)
        where f.occurred_at >= $3)
    select seat, count(*) as facts, count(acknowledged_s) as acknowledged,
        percentile_cont(0.5) within group (order by acknowledged_s)::float8 as acknowledged_after_s,
        count(outcome_s) as ended, percentile_cont(0.5) within group (order by outcome_s)::float8 as outcome_after_s
    from waited group by seat order by seat
"""
STORED = insert("signals.facts", StoredFact)
#: A snooze that has run out is open again.
OPEN = "(state = 'open' or (state = 'snoozed' and snoozed_until <= {}))"


class FactRepository:
    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection

    async def lock_sequences(self, customers: Sequence[str]) -> None:
        """Lock the customers' sequences, in one order, so that the same fact found twice at once is stored
        once."""
        await self._connection.execute(
            "insert into signals.sequences (customer, last) select name, 0 from unnest($1::text[]) name order by 1 on conflict do nothing",
            customers,
        )
        await self._connection.execute(
            "select 1 from signals.sequences where customer = any($1) order by customer for update", customers
        )

    async def take_sequences(self, counts: Mapping[str, int]) -> dict[str, int]:
        """Take the next `count` numbers of each customer; return the last of each. Their sequences are locked."""
        rows = await self._connection.fetch(
            """update signals.sequences taken set last = taken.last + asked.count
                from unnest($1::text[], $2::bigint[]) as asked (customer, count)
                where taken.customer = asked.customer returning taken.customer, taken.last""",
            list(counts),
            list(counts.values()),
        )
        return {row["customer"]: row["last"] for row in rows}

    async def known(self, signal_ids: Sequence[str]) -> set[str]:
        rows = await self._connection.fetch(
            "select signal_id from signals.facts where signal_id = any($1)", signal_ids
        )
        return {row["signal_id"] for row in rows}

    async def is_producer_told(self, event_type: str, last_seen_on: date, days_off: int) -> bool:
        """Whether a producer's silence from about that day on was told."""
        return bool(
            await self._connection.fetchval(
                """select exists (select from signals.facts
                    where customer = $1 and customer_id = '' and type = 'meter.silent'
                        and abs((data->>'last_seen_on')::date - $2::date) < $3)""",
                event_type,
                last_seen_on,
                days_off,
            )
        )

    async def store(self, facts: Sequence[StoredFact]) -> None:
        await self._connection.execute(STORED.sql, *STORED.columns_of(facts))

    async def fact(self, signal_id: str) -> FactRow | None:
        row = await self._connection.fetchrow(f"{FACTS} where f.signal_id = $1", signal_id)
        return _fact(row) if row is not None else None

    async def page(self, wanted: FactFilter, window: Window, now: datetime) -> list[FactRow]:
        """Facts in an order. The state `open` includes a snooze that has run out."""
        asked = window.over(_asked(wanted, now), RANKS, "signal_id")
        rows = await self._connection.fetch(f"{FACTS} where {asked.sql}", *asked.parameters)
        return [_fact(row) for row in rows]

    async def count(self, wanted: FactFilter, now: datetime) -> int:
        """How many there are, or one more than are counted."""
        return await counted(self._connection, "signals.facts", _asked(wanted, now))

    async def acknowledge(self, signal_id: str, actor: str, now: datetime) -> None:
        """The first time stays."""
        await self._connection.execute(
            """update signals.facts set state = 'acknowledged', acknowledged_by = $2, snoozed_until = null,
                acknowledged_at = coalesce(acknowledged_at, $3)
                where signal_id = $1""",
            signal_id,
            actor,
            now,
        )

    async def snooze(self, signal_id: str, until: datetime) -> None:
        await self._connection.execute(
            "update signals.facts set state = 'snoozed', snoozed_until = $2 where signal_id = $1",
            signal_id,
            until,
        )

    async def assign(self, signal_id: str, to: str | None) -> None:
        await self._connection.execute(
            "update signals.facts set assignee = $2 where signal_id = $1", signal_id, to
        )

    async def add_note(self, signal_id: str, note: Note) -> None:
        await self._connection.execute(
            "insert into signals.fact_notes (signal_id, by, at, text) values ($1, $2, $3, $4)",
            signal_id,
            note.by,
            note.at,
            note.text,
        )

    async def times(self, seats: Mapping[str, str], since: datetime) -> list[SeatTimes]:
        """How long facts since then waited, by seat; `seats`: type → its seat."""
        rows = await self._connection.fetch(TIMES, list(seats), list(seats.values()), since)
        return [SeatTimes(**row) for row in rows]


def _asked(wanted: FactFilter, now: datetime) -> Where:
    where = narrowed(replace(wanted, state=None), CONDITIONS)
    return where.also(OPEN, now) if wanted.state == "open" else where.also("state = {}", wanted.state)


def _fact(row: asyncpg.Record) -> FactRow:
    named = msgspec.convert(row["named"], tuple[Named, ...])
    notes = msgspec.convert(row["notes"], tuple[Note, ...])
    judged = msgspec.convert(row["judged"], Judged | None)
    return FactRow(**{**row, "named": named, "judged": judged, "notes": notes})
