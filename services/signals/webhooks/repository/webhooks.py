"""All SQL of endpoints, deliveries and attempts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import asyncpg

from services.signals.facts.rows import StoredFact
from services.signals.webhooks.clients.attempt import Attempted
from services.signals.webhooks.rows import (
    AttemptRow,
    Delivery,
    DeliveryFilter,
    EndpointRow,
    HealthRow,
    ListeningRow,
    LoggedDelivery,
    NewEndpoint,
    SealedRow,
)
from shared.db.columns import names_of
from shared.db.filters import narrowed
from shared.values.ids import first_id, new_id

QUEUE = """
insert into signals.deliveries (delivery_id, endpoint_id, signal_id, customer, sequence, state, attempts,
    due_at, created_at)
select delivery_id, endpoint_id, signal_id, customer, sequence, 'pending', 0, $6, $6
from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bigint[]) as d
    (delivery_id, endpoint_id, signal_id, customer, sequence)
on conflict (endpoint_id, signal_id) do update
    set state = 'pending', round = deliveries.round + 1, attempts = 0, due_at = excluded.due_at,
        created_at = excluded.created_at, delivered_at = null
"""

OF_LOG = {"endpoint": "d.endpoint_id = {}", "signal": "d.signal_id = {}"}
#: A taken attempt is one that was answered 2xx.
HEALTH = """
with shown as materialized (
    select endpoint_id, state, failing_since from signals.endpoints
    where endpoint_id > $1 order by endpoint_id limit $2),
made as materialized (
    select d.endpoint_id, count(*) as made, count(*) filter (where a.status between 200 and 299) as reached
    from signals.attempts a join signals.deliveries d using (delivery_id)
    where a.business_at >= $3 group by 1)
select shown.*, coalesce(made.made, 0) as made, coalesce(made.reached, 0) as reached,
    (select max(d.delivered_at) from signals.deliveries d where d.endpoint_id = shown.endpoint_id) as last_success_at,
    waiting.pending, waiting.oldest_at, waiting.given_up
from shown left join made using (endpoint_id) cross join lateral (
    select count(*) filter (where d.state = 'pending') as pending,
        min(d.created_at) filter (where d.state = 'pending') as oldest_at,
        count(*) filter (where d.state = 'given_up') as given_up
    from signals.deliveries d where d.endpoint_id = shown.endpoint_id and d.state <> 'delivered') waiting
order by endpoint_id
"""
LOGGED = """
select d.*, f.type, f.occurred_at,
       (select count(*) from signals.attempts a where a.delivery_id = d.delivery_id) as made,
       (select count(*) from signals.attempts a where a.delivery_id = d.delivery_id and a.number = 1) as
           rounds
from signals.deliveries d join signals.facts f using (signal_id)
"""


@dataclass(frozen=True, slots=True)
class SealedUrl:
    """A URL as it is stored: what may be shown of it, and the whole, sealed."""

    shown: str
    sealed: str


class WebhookRepository:
    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection

    async def add_endpoint(self, endpoint: NewEndpoint) -> None:
        await self._connection.execute(
            """insert into signals.endpoints (endpoint_id, url, sealed_url, description, events, format,
                sealed_secret, state, created_at)
               values ($1, $2, $3, $4, $5, $6, $7, 'enabled', $8)""",
            endpoint.endpoint_id,
            endpoint.url,
            endpoint.sealed_url,
            endpoint.description,
            list(endpoint.events),
            endpoint.format,
            endpoint.sealed_secret,
            endpoint.created_at,
        )

    async def oldest_pending_s(self, now: datetime) -> float:
        """Seconds since the oldest delivery to an enabled endpoint was queued that is still to be made; 0
        when there is none."""
        found: float = await self._connection.fetchval(
            """select coalesce(extract(epoch from $1 - min(d.created_at))::float8, 0)
                from signals.deliveries d
               join signals.endpoints e using (endpoint_id)
                   where d.state = 'pending' and e.state = 'enabled'""",
            now,
        )
        return max(found, 0.0)

    async def endpoint_states(self) -> dict[str, int]:
        """State → how many endpoints are in it."""
        rows = await self._connection.fetch(
            "select state, count(*) as endpoints from signals.endpoints group by state"
        )
        return {row["state"]: row["endpoints"] for row in rows}

    async def endpoint(self, endpoint_id: str, *, lock: bool = False) -> EndpointRow | None:
        row = await self._connection.fetchrow(
            f"select * from signals.endpoints where endpoint_id = $1{' for update' if lock else ''}",
            endpoint_id,
        )
        return EndpointRow(**row) if row is not None else None

    async def endpoints(self, after: str, limit: int) -> list[EndpointRow]:
        rows = await self._connection.fetch(
            "select * from signals.endpoints where endpoint_id > $1 order by 1 limit $2", after, limit
        )
        return [EndpointRow(**row) for row in rows]

    async def change_endpoint(
        self, endpoint_id: str, url: SealedUrl, description: str, events: Sequence[str], format: str
    ) -> None:
        await self._connection.execute(
            "update signals.endpoints set url = $2, sealed_url = $3, description = $4, events = $5, format = $6 where endpoint_id = $1",
            endpoint_id,
            url.shown,
            url.sealed,
            description,
            list(events),
            format,
        )

    async def delete_endpoint(self, endpoint_id: str) -> bool:
        """Delete it with what waits for it; the log of what was sent stays."""
        await self._connection.execute(
            "delete from signals.deliveries where endpoint_id = $1 and state = 'pending'", endpoint_id
        )
        gone: str = await self._connection.execute(
            "delete from signals.endpoints where endpoint_id = $1", endpoint_id
        )
        return gone.endswith(" 1")

    async def rotate(self, endpoint_id: str, sealed_secret: str, previous_until: datetime) -> None:
        await self._connection.execute(
            """update signals.endpoints set sealed_previous_secret = sealed_secret, previous_until = $3,
                sealed_secret = $2
               where endpoint_id = $1""",
            endpoint_id,
            sealed_secret,
            previous_until,
        )

    async def all_sealed(self) -> list[SealedRow]:
        """What is sealed of every endpoint, locked until the transaction ends."""
        rows = await self._connection.fetch(
            "select endpoint_id, sealed_url, sealed_secret, sealed_previous_secret from signals.endpoints order by endpoint_id for update"
        )
        return [SealedRow(**row) for row in rows]

    async def reseal(self, row: SealedRow) -> None:
        await self._connection.execute(
            "update signals.endpoints set sealed_url = $2, sealed_secret = $3, sealed_previous_secret = $4 where endpoint_id = $1",
            row.endpoint_id,
            row.sealed_url,
            row.sealed_secret,
            row.sealed_previous_secret,
        )

    async def enable(self, endpoint_id: str) -> None:
        await self._connection.execute(
            """update signals.endpoints set state = 'enabled', disabled_reason = null, disabled_at = null,
                failing_since = null
               where endpoint_id = $1""",
            endpoint_id,
        )

    async def disable(self, endpoint_id: str, reason: str, now: datetime) -> bool:
        """Disable it; False when it was disabled already."""
        done: str = await self._connection.execute(
            "update signals.endpoints set state = 'disabled', disabled_reason = $2, disabled_at = $3 where endpoint_id = $1 and state = 'enabled'",
            endpoint_id,
            reason,
            now,
        )
        return done.endswith(" 1")

    async def enabled_endpoints(self) -> list[ListeningRow]:
        rows = await self._connection.fetch(
            "select endpoint_id, events from signals.endpoints where state = 'enabled' order by 1"
        )
        return [ListeningRow(**row) for row in rows]

    async def queue(self, deliveries: Sequence[tuple[str, str, str, str, int]], now: datetime) -> None:
        """Delivery id, endpoint id, signal id, customer, sequence. What is queued already begins again."""
        await self._connection.execute(QUEUE, *([one[at] for one in deliveries] for at in range(5)), now)

    async def endpoints_due(self, now: datetime) -> list[str]:
        rows = await self._connection.fetch(
            """select e.endpoint_id from signals.endpoints e where e.state = 'enabled' and exists (
                   select from signals.deliveries d
                       where d.endpoint_id = e.endpoint_id and d.state = 'pending' and d.due_at <= $1)""",
            now,
        )
        return [row["endpoint_id"] for row in rows]

    async def take_lane(self, endpoint_id: str, owner: str, lease_s: float) -> EndpointRow | None:
        """Own an endpoint's lane, or keep owning it, for `lease_s` of the machine clock; None when another
        process has it or it is disabled."""
        row = await self._connection.fetchrow(
            """update signals.endpoints set lane_owner = $2,
                lane_until = clock_timestamp() + make_interval(secs => $3)
               where endpoint_id = $1 and state = 'enabled'
                 and (lane_owner is null or lane_owner = $2 or lane_until < clock_timestamp()) returning *""",
            endpoint_id,
            owner,
            lease_s,
        )
        return EndpointRow(**row) if row is not None else None

    async def leave_lane(self, endpoint_id: str, owner: str) -> None:
        await self._connection.execute(
            "update signals.endpoints set lane_owner = null, lane_until = null where endpoint_id = $1 and lane_owner = $2",
            endpoint_id,
            owner,
        )

    async def due(
        self, endpoint_id: str, now: datetime, under_way: Sequence[str], limit: int
    ) -> list[Delivery]:
        """What is due in this lane, in the order in which attempts start: by due time, and a customer's facts
        by their sequence."""
        rows = await self._connection.fetch(
            """select d.delivery_id, d.endpoint_id, d.round, d.attempts, d.created_at, f.signal_id, f.type,
                f.customer, f.contract, f.occurred_at,
                   f.sequence, f.data
               from signals.deliveries d join signals.facts f using (signal_id)
               where d.endpoint_id = $1 and d.state = 'pending' and d.due_at <= $2
                   and d.delivery_id <> all($3)
               order by d.due_at, f.customer, f.sequence limit $4""",
            endpoint_id,
            now,
            list(under_way),
            limit,
        )
        return [Delivery(**row) for row in rows]

    async def record(self, delivery: Delivery, attempted: Attempted, number: int, now: datetime) -> None:
        await self._connection.execute(
            """insert into signals.attempts (attempt_id, delivery_id, number, at, business_at, status, error,
                took_ms, request, response)
               values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)""",
            new_id("att"),
            delivery.delivery_id,
            number,
            attempted.at,
            now,
            attempted.status,
            attempted.error,
            attempted.took_ms,
            dict(attempted.request),
            attempted.response,
        )

    async def is_current(self, delivery: Delivery) -> bool:
        """Whether the delivery still is in the round this was sent in; holds it until the transaction
        ends."""
        round: int | None = await self._connection.fetchval(
            "select round from signals.deliveries where delivery_id = $1 for no key update",
            delivery.delivery_id,
        )
        return round == delivery.round

    async def note_delivered(self, delivery: Delivery, now: datetime) -> None:
        await self._connection.execute(
            "update signals.deliveries set state = 'delivered', attempts = $2, delivered_at = $3 where delivery_id = $1",
            delivery.delivery_id,
            delivery.attempts + 1,
            now,
        )
        await self._connection.execute(
            "update signals.endpoints set failing_since = null where endpoint_id = $1 and failing_since is not null",
            delivery.endpoint_id,
        )

    async def note_failed(self, delivery: Delivery, due_at: datetime | None, now: datetime) -> datetime:
        """Put it back for `due_at`, or give it up; return since when the endpoint fails."""
        await self._connection.execute(
            """update signals.deliveries set attempts = $2, state = case when $3::timestamptz is null
                then 'given_up' else 'pending' end,
                   due_at = coalesce($3, due_at) where delivery_id = $1""",
            delivery.delivery_id,
            delivery.attempts + 1,
            due_at,
        )
        since: datetime | None = await self._connection.fetchval(
            "update signals.endpoints set failing_since = coalesce(failing_since, $2) where endpoint_id = $1 returning failing_since",
            delivery.endpoint_id,
            now,
        )
        return since or now

    async def health(self, after: str, limit: int, since: datetime) -> list[HealthRow]:
        """How endpoints do, by id, after this one; attempts are counted since an instant."""
        rows = await self._connection.fetch(HEALTH, after, limit, since)
        return [HealthRow(**row) for row in rows]

    async def deliveries(self, wanted: DeliveryFilter, after: str | None, limit: int) -> list[LoggedDelivery]:
        """The log, the newest first."""
        where = narrowed(wanted, OF_LOG, "d").also("d.delivery_id < {}", after)
        rows = await self._connection.fetch(
            f"""{LOGGED} where {where.sql}
               order by d.delivery_id desc limit ${len(where.parameters) + 1}""",
            *where.parameters,
            limit,
        )
        return [LoggedDelivery(**row) for row in rows]

    async def delivery(self, delivery_id: str) -> LoggedDelivery | None:
        row = await self._connection.fetchrow(f"{LOGGED} where d.delivery_id = $1", delivery_id)
        return LoggedDelivery(**row) if row is not None else None

    async def attempts(self, delivery_id: str) -> list[AttemptRow]:
        rows = await self._connection.fetch(
            "select * from signals.attempts where delivery_id = $1 order by at", delivery_id
        )
        return [AttemptRow(**row) for row in rows]

    async def forget_deliveries(self, before: datetime, limit: int) -> int:
        """Delete at most `limit` settled deliveries whose last attempt is older (machine clock), with their
        attempts; return how many."""
        gone: int = await self._connection.fetchval(
            """with old as (select d.delivery_id from signals.deliveries d
                   where d.state <> 'pending' and d.delivery_id < $1 and not exists (
                       select from signals.attempts a where a.delivery_id = d.delivery_id and a.at >= $2)
                   order by d.delivery_id limit $3 for update skip locked),
               gone as (delete from signals.deliveries d using old where d.delivery_id = old.delivery_id
                   returning d.delivery_id),
               logs as (delete from signals.attempts a using gone where a.delivery_id = gone.delivery_id)
               select count(*) from gone""",
            first_id("dlv", before),
            before,
            limit,
        )
        return gone

    async def facts_to_replay(
        self, since: datetime, until: datetime, events: Sequence[str], limit: int
    ) -> list[StoredFact]:
        rows = await self._connection.fetch(
            f"""select {names_of(StoredFact)} from signals.facts where occurred_at >= $1 and occurred_at < $2
                    and ('*' = any($3) or type = any($3))
               order by occurred_at, customer, sequence limit $4""",
            since,
            until,
            list(events),
            limit,
        )
        return [StoredFact(**row) for row in rows]
