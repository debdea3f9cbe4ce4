"""All SQL of the daily evaluation and its history."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime

import asyncpg
import msgspec

from services.signals.domain.customer_day import Engagement, Meter
from services.signals.domain.policy import MostActiveRule
from services.signals.domain.statement import Statement
from services.signals.evaluation.rows import (
    ContractRow,
    CustomerStateRow,
    DistinctRow,
    Due,
    KeptStanding,
    MostActiveRow,
    NextDue,
    ProgressRow,
    SaidRow,
    StandingRow,
)
from services.signals.replica.repository.replica import CHAIN, versions_of
from shared.db.columns import update, upsert

#: The periods that an evaluation reads: the running one and a few closed ones.
STATEMENT_DAYS = 130
#: Whether a customer `s` may be claimed, at an instant of the machine clock.
_NOT_HELD = "(s.held_until is null or s.held_until <= {})"
STATES = update("signals.customer_states", CustomerStateRow, key=("customer_id",))
STANDINGS = upsert("signals.standings", KeptStanding, key=("customer_id", "day"))
DISTINCT = """
select a.customer_id, m.role,
    count(distinct item) filter (where a.day = $2::date - 1)::int as in_day,
    count(distinct item) filter (where a.day >= $2::date - 7)::int as in_week,
    count(distinct item) filter (where a.day >= $2::date - 30)::int as in_month,
    count(distinct item) filter (where a.day < $2::date - 30)::int as in_month_before,
    count(distinct (a.day, item)) filter (where a.day >= $2::date - 30)::int as days_in_month
from signals.activity a join signals.meters m using (meter) cross join unnest(a.items) item
where a.customer_id = any($1) and m.role in ('user', 'team', 'feature')
    and a.day >= $2::date - 60 and a.day < $2
group by 1, 2
"""
USE_DAYS = """
select m.event_type, r.customer_id, array_agg(distinct r.days_from + (place - 1)::int order by r.days_from + (place - 1)::int) as days
from signals.meters m join signals.rollups r using (meter) cross join lateral unnest(r.days) with ordinality u (events, place)
where m.event_type = any($1) and events > 0 group by 1, 2
"""
MOST_ACTIVE = """
select customer_id, count(*)::int as most_active, count(*) filter (where not seen)::int as quiet from (
    select customer_id, seen, row_number() over (partition by customer_id order by days desc, item) as place,
        count(*) over (partition by customer_id) as users
    from (select a.customer_id, item, count(distinct a.day) filter (where a.day < $2::date - 30) as days,
              bool_or(a.day >= $2::date - $3::integer) as seen
          from signals.activity a join signals.meters m using (meter) cross join unnest(a.items) item
          where a.customer_id = any($1) and m.role = 'user' and a.day >= $2::date - 60 and a.day < $2
          group by 1, 2) each_user
    where days > 0) ranked
where users >= $5 and place <= greatest(ceil(users * $4::numeric), $5) group by 1
"""
USERS_BY_DAYS = """
select a.customer_id, w.days, count(distinct item)::int as users
from unnest($3::int[]) w (days) join signals.activity a on a.customer_id = any($1)
    and a.day >= $2::date - w.days and a.day < $2
join signals.meters m on m.meter = a.meter and m.role = 'user' cross join unnest(a.items) item
group by 1, 2
"""


class EvaluationRepository:
    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection

    async def enrol(self, customer_ids: Sequence[str], days: Sequence[date], due: Sequence[datetime]) -> None:
        await self._connection.execute(
            """insert into signals.customer_states (customer_id, next_on, due_at, state)
               select customer_id, next_on, due_at, '{}'::jsonb
               from unnest($1::text[], $2::date[], $3::timestamptz[]) as new (customer_id, next_on, due_at)
               on conflict do nothing""",
            customer_ids,
            days,
            due,
        )

    async def next_due(self, machine_now: datetime) -> NextDue:
        """When the next evaluation is due."""
        row = await self._connection.fetchrow(
            f"""select (select min(due_at) from signals.customer_states) as due_at,
                (select s.due_at from signals.customer_states s where {_NOT_HELD.format("$1")}
                    order by s.due_at limit 1) as ready_at""",
            machine_now,
        )
        assert row is not None
        return NextDue(**row)

    async def due_customers(self, until: datetime, machine_now: datetime) -> list[str]:
        """The ids of the customers that are due and not held, those that wait longest first."""
        rows = await self._connection.fetch(
            f"""select customer_id from signals.customer_states s
                where s.due_at <= $1 and {_NOT_HELD.format("$2")} order by s.due_at, s.customer_id""",
            until,
            machine_now,
        )
        return [row["customer_id"] for row in rows]

    async def claim(self, until: datetime, machine_now: datetime, limit: int) -> list[Due]:
        """Lock customers that are due and not held, those that wait longest first; what another worker has is
        passed over."""
        rows = await self._connection.fetch(
            f"""select s.customer_id, c.external_id, c.timezone, s.next_on, s.state,
                   s.held_until is not null as was_held
               from signals.customer_states s join signals.customers c using (customer_id)
               where s.due_at <= $1 and {_NOT_HELD.format("$2")}
               order by s.due_at limit $3 for update of s skip locked""",
            until,
            machine_now,
            limit,
        )
        return [Due(**row) for row in rows]

    async def hold(self, customer_ids: Sequence[str], until: datetime) -> None:
        """Claim none of these until then, by the machine clock."""
        await self._connection.execute(
            "update signals.customer_states set held_until = $2 where customer_id = any($1)",
            customer_ids,
            until,
        )

    async def meters(self) -> dict[str, Meter]:
        rows = await self._connection.fetch(
            "select meter, adds_up, event_type, role, heartbeat_s from signals.meters"
        )
        return {
            row["meter"]: Meter(row["adds_up"], row["event_type"], row["role"], row["heartbeat_s"])
            for row in rows
        }

    async def use_days(self, event_types: Sequence[str]) -> dict[str, dict[str, list[date]]]:
        """Event type → customer → the days on which any of its meters was used, of those that are kept by day."""
        found: dict[str, dict[str, list[date]]] = {event_type: {} for event_type in event_types}
        async for row in self._connection.cursor(USE_DAYS, event_types, prefetch=1000):
            found[row["event_type"]][row["customer_id"]] = row["days"]
        return found

    async def contracts(self, customer_ids: Sequence[str], since: datetime) -> list[ContractRow]:
        """The contracts of these customers, with the statements of periods that ended after `since`."""
        rows = await self._connection.fetch(
            f"""select c.customer_id, c.contract, chain.versions, said.capacities from signals.contracts c
               cross join lateral {CHAIN} chain (versions) cross join lateral (
                   select coalesce(jsonb_agg(s.capacity order by s.period_start), '[]'::jsonb) as capacities
                       from signals.statements s
                   where s.contract = c.contract and s.period_end > $2 and s.capacity is not null) said
               where c.customer_id = any($1) and chain.versions is not null
                   order by c.customer_id, c.contract""",
            customer_ids,
            since,
        )
        return [
            ContractRow(
                row["customer_id"],
                row["contract"],
                versions_of(row),
                msgspec.convert(row["capacities"], tuple[Statement, ...]),
            )
            for row in rows
        ]

    async def engagement(
        self,
        customer_ids: Sequence[str],
        day: date,
        windows_days: Sequence[int],
        rule: MostActiveRule,
    ) -> dict[str, Engagement]:
        """Customer id → distinct active users, teams and features of the UTC days before `day`. One question
        of each sort for all of them."""
        distinct = await self._distinct(customer_ids, day)
        active = await self._most_active(customer_ids, day, rule)
        users = await self._users(customer_ids, day, windows_days)
        return {
            customer: _engagement(distinct.get(customer, {}), active.get(customer), users.get(customer, {}))
            for customer in distinct.keys() | active.keys() | users.keys()
        }

    async def _distinct(self, customer_ids: Sequence[str], day: date) -> dict[str, dict[str, DistinctRow]]:
        """Customer id → role of the meter → what it counts."""
        found: dict[str, dict[str, DistinctRow]] = {}
        for row in await self._connection.fetch(DISTINCT, customer_ids, day):
            counts = {name: row[name] for name in DistinctRow.__slots__}
            found.setdefault(row["customer_id"], {})[row["role"]] = DistinctRow(**counts)
        return found

    async def _most_active(
        self, customer_ids: Sequence[str], day: date, rule: MostActiveRule
    ) -> dict[str, MostActiveRow]:
        """The users with the most days of use 60 to 31 days ago, and how many of them were not seen in the
        newest days."""
        rows = await self._connection.fetch(
            MOST_ACTIVE, customer_ids, day, rule.quiet_days, rule.share, rule.users_min
        )
        return {row["customer_id"]: MostActiveRow(row["most_active"], row["quiet"]) for row in rows}

    async def _users(
        self, customer_ids: Sequence[str], day: date, windows_days: Sequence[int]
    ) -> dict[str, dict[int, int]]:
        """Customer id → length of the window in days → distinct users."""
        if not windows_days:
            return {}
        found: dict[str, dict[int, int]] = {}
        for row in await self._connection.fetch(USERS_BY_DAYS, customer_ids, day, windows_days):
            found.setdefault(row["customer_id"], {})[row["days"]] = row["users"]
        return found

    async def save(self, states: Sequence[CustomerStateRow]) -> None:
        await self._connection.execute(STATES.sql, *STATES.columns_of(states))

    async def keep(self, standings: Sequence[KeptStanding]) -> None:
        """A day that is evaluated again is replaced."""
        await self._connection.execute(STANDINGS.sql, *STANDINGS.columns_of(standings))

    async def standing(self, customer_id: str, at: datetime) -> StandingRow | None:
        """The newest evaluation as of an instant."""
        row = await self._connection.fetchrow(
            "select day, at, document from signals.standings where customer_id = $1 and at <= $2 order by at desc limit 1",
            customer_id,
            at,
        )
        return StandingRow(**row) if row is not None else None

    async def said_at_months(self) -> list[SaidRow]:
        """What the score said of each customer as each month began."""
        rows = await self._connection.fetch(
            """select c.external_id as customer, s.day as at,
                    (s.document->'risk'->>'score')::int as score,
                   (s.document->'risk'->>'at_risk')::boolean as at_risk,
                       s.document->'trend'->>'meter' as meter
               from signals.standings s join signals.customers c using (customer_id)
                   where extract(day from s.day) = 1 order by s.day, 1"""
        )
        return [SaidRow(**row) for row in rows]

    async def progress(self, now: datetime) -> ProgressRow:
        row = await self._connection.fetchrow(
            """select count(*) as customers, min(next_on) - 1 as evaluated_through,
                count(*) filter (where due_at <= $1) as due,
                   (select count(*) from signals.deliveries where state = 'pending' and due_at <= $1) as
                       deliveries_due
               from signals.customer_states""",
            now,
        )
        assert row is not None
        return ProgressRow(**row)


def _engagement(
    distinct: Mapping[str, DistinctRow], active: MostActiveRow | None, users_by_days: Mapping[int, int]
) -> Engagement:
    users, active = distinct.get("user", DistinctRow()), active or MostActiveRow()
    teams, features = distinct.get("team", DistinctRow()), distinct.get("feature", DistinctRow())
    return Engagement(
        users_day=users.in_day,
        users_week=users.in_week,
        users_month=users.in_month,
        users_month_before=users.in_month_before,
        teams_month=teams.in_month,
        features_month=features.in_month,
        most_active=active.most_active,
        most_active_quiet=active.quiet,
        users_by_days=users_by_days,
        user_days_month=users.days_in_month,
        teams_month_before=teams.in_month_before,
        features_month_before=features.in_month_before,
    )
