"""All SQL of facts."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime

import asyncpg

from services.signals.domain.score_report import WORST_FIRST
from services.signals.facts.rows import FactFilter, FactRow, JudgedRenewalRow, StoredFact
from shared.db.filters import narrowed

CONDITIONS = {"since": "occurred_at >= {}", "until": "occurred_at < {}"}
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

    async def take_sequence(self, customer: str, count: int) -> int:
        """Take the next `count` numbers; return the last of them."""
        last: int = await self._connection.fetchval(
            "update signals.sequences set last = last + $2 where customer = $1 returning last",
            customer,
            count,
        )
        return last

    async def known(self, signal_ids: Sequence[str]) -> set[str]:
        rows = await self._connection.fetch(
            "select signal_id from signals.facts where signal_id = any($1)", signal_ids
        )
        return {row["signal_id"] for row in rows}

    async def store(self, facts: Sequence[StoredFact]) -> None:
        await self._connection.executemany(
            """insert into signals.facts (signal_id, type, customer_id, customer, contract, day, occurred_at,
                sequence, data)
               values ($1, $2, $3, $4, $5, $6, $7, $8, $9)""",
            [
                (
                    f.signal_id,
                    f.type,
                    f.customer_id,
                    f.customer,
                    f.contract,
                    f.day,
                    f.occurred_at,
                    f.sequence,
                    dict(f.data),
                )
                for f in facts
            ],
        )

    async def fact(self, signal_id: str) -> FactRow | None:
        return await self._one("select * from signals.facts where signal_id = $1", signal_id)

    async def page(
        self, wanted: FactFilter, after: tuple[datetime, str] | None, limit: int, now: datetime
    ) -> list[FactRow]:
        """Facts, the newest first. The state `open` includes a snooze that has run out."""
        where = narrowed(replace(wanted, state=None), CONDITIONS)
        where = where.also(OPEN, now) if wanted.state == "open" else where.also("state = {}", wanted.state)
        if after is not None:
            where = where.also("(occurred_at, signal_id) < ({}, {})", *after)
        rows = await self._connection.fetch(
            f"""select * from signals.facts where {where.sql}
               order by occurred_at desc, signal_id desc limit ${len(where.parameters) + 1}""",
            *where.parameters,
            limit,
        )
        return [FactRow(**row) for row in rows]

    async def acknowledge(self, signal_id: str, key_id: str) -> FactRow | None:
        return await self._one(
            """update signals.facts set state = 'acknowledged', acknowledged_by = $2, snoozed_until = null
                where signal_id = $1 returning *""",
            signal_id,
            key_id,
        )

    async def snooze(self, signal_id: str, until: datetime) -> FactRow | None:
        return await self._one(
            "update signals.facts set state = 'snoozed', snoozed_until = $2 where signal_id = $1 returning *",
            signal_id,
            until,
        )

    async def record_outcome(self, signal_id: str, outcome: str, now: datetime) -> FactRow | None:
        return await self._one(
            "update signals.facts set outcome = $2, outcome_at = $3 where signal_id = $1 returning *",
            signal_id,
            outcome,
            now,
        )

    async def _one(self, sql: str, *parameters: object) -> FactRow | None:
        row = await self._connection.fetchrow(sql, *parameters)
        return FactRow(**row) if row is not None else None

    async def record_term_outcome(self, contract: str, term_end: date, outcome: str, now: datetime) -> None:
        """What the contract itself says of a renewal, for the facts of that term that nobody has judged."""
        await self._connection.execute(
            """update signals.facts set outcome = $3, outcome_at = $4
               where contract = $1 and type in ('renewal.due', 'renewal.at_risk') and data->>'term_end' = $2
                   and outcome is null""",
            contract,
            term_end.isoformat(),
            outcome,
            now,
        )

    async def renewals_judged(self) -> list[JudgedRenewalRow]:
        """Each contract and term with an outcome: whether it was called at risk, and what came of it; of
        several that were said, the worst: what nobody named is recorded as renewed."""
        rows = await self._connection.fetch(
            """select contract, data->>'term_end' as term_end, bool_or(type = 'renewal.at_risk') as at_risk,
                   (array_agg(outcome order by array_position($1, outcome)))[1] as outcome
               from signals.facts where type in ('renewal.due', 'renewal.at_risk') and outcome is not null
               group by 1, 2 order by 1, 2""",
            list(WORST_FIRST),
        )
        return [JudgedRenewalRow(**row) for row in rows]
