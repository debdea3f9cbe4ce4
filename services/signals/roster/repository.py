"""All SQL of the roster. What it is sorted and narrowed by stands in columns, a row a customer; an evaluation is read
for the rows of a page alone."""

from collections.abc import Mapping
from datetime import date, datetime

import asyncpg

from services.signals.roster.rows import Days, Order, Place, RosterFilter, RosterRow, RosterTotal, Sort
from shared.db.filters import Where, narrowed
from shared.db.listing import begins, counted
from shared.values.money import Money, currency, exactly


def _each_stake(of: str) -> str:
    return f"""array(select value ->> '{of}' from jsonb_array_elements(s.document -> 'at_stake') with ordinality
        order by ordinality)"""


#: The columns of the roster, of an evaluation `s`: of the newest they are stored, of an earlier one they are asked for.
OF_EVALUATION: Mapping[str, str] = {
    "risk_score": "(s.document #>> '{risk,score}')::integer",
    "at_risk": "(s.document #>> '{risk,at_risk}')::boolean",
    "silent": "s.document @? '$.meters.*.silent ? (@ == true)'",
    "renews_on": """(select min(value #>> '{renewal,term_end}')::date from jsonb_each(s.document -> 'contracts')
        where value #>> '{renewal,term_end}' > s.document ->> 'day')""",
    "activations": """array(select distinct value #>> '{activation,state}' from jsonb_each(s.document -> 'contracts')
        where value #>> '{activation,state}' is not null order by 1)""",
    "score_p": "(s.document ->> 'score_p')::numeric",
    "currencies": _each_stake("currency"),
    "stakes": f"({_each_stake('amount')})::numeric[]",
}
COLUMNS = ", ".join(OF_EVALUATION)
KEEP = f"""
insert into signals.roster as known (customer_id, day, {COLUMNS})
select s.customer_id, s.day, {", ".join(OF_EVALUATION.values())}
from unnest($1::text[], $2::date[]) evaluated (customer_id, day)
join signals.standings s using (customer_id, day)
on conflict (customer_id) do update
    set (day, {COLUMNS}) = (excluded.day, {", ".join(f"excluded.{name}" for name in OF_EVALUATION)})
    where excluded.day >= known.day
"""
CONDITIONS = {
    "at_risk": "coalesce(r.at_risk, false) = {}",
    "silent": "coalesce(r.silent, false) = {}",
    "renews_before": "r.renews_on < {}",
    "activation": "{} = any(r.activations)",
    "q": begins("c.external_id", "c.name"),
}
_OF_DAYS = {"since": "s.day >= {}", "until": "s.day < {}"}
RANKS: Mapping[Sort, str] = {
    "customer": "0::bigint",
    # of equal scores silence goes before all else
    "risk": "(-2 * coalesce(r.risk_score, -1) - coalesce(r.silent, false)::integer)::bigint",
    # who has no running term comes last
    "renewal": "coalesce(r.renews_on - date '1970-01-01', 2147483647)::bigint",
    # To a ten-thousandth of a currency unit, as a cursor names it.
    "stake": """-round(10000 * coalesce(r.stakes[array_position(r.currencies, {}::text)] * r.score_p, 0))::bigint""",
}


class RosterRepository:
    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection

    async def keep(self, newest: Mapping[str, date]) -> None:
        """Show these customers as they were evaluated on these days, unless a later day is shown."""
        await self._connection.execute(KEEP, list(newest), list(newest.values()))

    async def currencies(self, at: datetime | None) -> list[str]:
        """Those in which something is at stake."""
        where, source = _source(at)
        rows = await self._connection.fetch(
            f"select distinct unnest(r.currencies) as currency from {source} r order by 1", *where.parameters
        )
        return [row["currency"] for row in rows]

    async def count(self, at: datetime | None, wanted: RosterFilter) -> int:
        """How many customers there are, or one more than are counted."""
        where, source = _source(at)
        return await counted(
            self._connection,
            f"signals.customers c left join {source} r using (customer_id)",
            narrowed(wanted, CONDITIONS, following=where),
        )

    async def total(self, at: datetime | None, wanted: RosterFilter) -> RosterTotal:
        """How many customers fit, all of them, and what is at stake with them."""
        where, source = _source(at)
        where = narrowed(wanted, CONDITIONS, following=where)
        rows = await self._connection.fetch(
            f"""with fitting as materialized (
                    select r.currencies, r.stakes from signals.customers c left join {source} r using (customer_id)
                    where {where.sql})
                select null as currency, null as amount, count(*) as customers from fitting
                union all
                select stake.currency, sum(stake.amount), 0 from fitting,
                    unnest(fitting.currencies, fitting.stakes) stake (currency, amount)
                group by 1 order by 1 nulls first""",
            *where.parameters,
        )
        stakes = ((row["amount"], currency(row["currency"])) for row in rows[1:])
        return RosterTotal(
            rows[0]["customers"], tuple(Money(exactly(amount, of), of) for amount, of in stakes)
        )

    async def page(
        self, at: datetime | None, wanted: RosterFilter, order: Order, after: Place | None, limit: int
    ) -> list[RosterRow]:
        """Customers after a place in this order, with their newest evaluation, as of an instant if one is asked
        about."""
        where, source = _source(at)
        rank = RANKS[order.sort]
        if order.sort == "stake":
            where, currency = where.given(order.currency)
            rank = rank.format(currency)
        where = narrowed(wanted, CONDITIONS, following=where)
        if after is not None:
            where = where.also(f"({rank}, c.external_id) > ({{}}, {{}})", after.rank, after.external_id)
        rows = await self._connection.fetch(
            f"""select shown.external_id, shown.name, shown.rank, shown.renews_on, s.document from (
                    select c.external_id, c.name, {rank} as rank, r.renews_on, r.customer_id, r.day
                    from signals.customers c left join {source} r using (customer_id)
                    where {where.sql} order by 3, 1 limit ${len(where.parameters) + 1}) shown
                left join signals.standings s using (customer_id, day) order by 3, 1""",
            *where.parameters,
            limit,
        )
        return [RosterRow(**row) for row in rows]

    async def days(self, customer_id: str, days: Days, after: date | None, limit: int) -> list[RosterRow]:
        """The evaluations of a customer, the oldest first, after this day."""
        where = narrowed(days, _OF_DAYS, following=Where(parameters=(customer_id,))).also("s.day > {}", after)
        where, number = where.given(limit)
        rows = await self._connection.fetch(
            f"""select c.external_id, c.name, 0 as rank, {OF_EVALUATION["renews_on"]} as renews_on, s.document, s.day
                from signals.standings s join signals.customers c using (customer_id)
                where s.customer_id = $1 and {where.sql} order by s.day limit {number}""",
            *where.parameters,
        )
        return [RosterRow(**row) for row in rows]


def _source(at: datetime | None) -> tuple[Where, str]:
    """The roster of now, or of an instant."""
    if at is None:
        return Where(), "signals.roster"
    where, number = Where().given(at)
    return where, _as_of(number)


def _as_of(instant: str) -> str:
    """What the roster was at an instant, the number of a parameter."""
    made = ", ".join(f"{made} as {name}" for name, made in OF_EVALUATION.items())
    return f"""(select s.customer_id, s.day, {made} from signals.customers known cross join lateral (
        select * from signals.standings where customer_id = known.customer_id and at <= {instant}
        order by day desc limit 1) s)"""
