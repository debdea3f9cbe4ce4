"""All SQL of the roster. What it is sorted and narrowed by stands in columns, a row a customer; an evaluation is read
for the rows of a page alone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
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
insert into signals.roster as known (customer_id, external_id, day, {COLUMNS})
select s.customer_id, c.external_id, s.day, {", ".join(OF_EVALUATION.values())}
from unnest($1::text[], $2::date[]) evaluated (customer_id, day)
join signals.standings s using (customer_id, day) join signals.customers c using (customer_id)
on conflict (customer_id) do update
    set (day, {COLUMNS}) = (excluded.day, {", ".join(f"excluded.{name}" for name in OF_EVALUATION)})
    where excluded.day >= known.day
"""
#: What of the roster is at stake, by currency.
KEEP_STAKES = """
insert into signals.roster_stakes as known (customer_id, currency, external_id, rank)
select r.customer_id, stake.currency, r.external_id, -round(10000 * stake.amount * coalesce(r.score_p, 0))
from signals.roster r cross join lateral unnest(r.currencies, r.stakes) stake (currency, amount)
where r.customer_id = any($1::text[])
on conflict (customer_id, currency) do update set rank = excluded.rank where known.rank <> excluded.rank
"""
DROP_STAKES = """
delete from signals.roster_stakes k using signals.roster r
where k.customer_id = any($1::text[]) and r.customer_id = k.customer_id and k.currency <> all(r.currencies)
"""
#: Each currency is found in the index without the customers between.
CURRENCIES = """
with recursive found as (
    (select currency from signals.roster_stakes order by 1 limit 1)
    union all
    select next.currency from found f cross join lateral (
        select k.currency from signals.roster_stakes k where k.currency > f.currency order by 1 limit 1) next)
select currency from found order by 1
"""
# Of who is at risk an index is found by what is asked here.
CONDITIONS = {
    "at_risk": "case when {} then r.at_risk else r.at_risk is not true end",
    "silent": "case when {} then r.silent else r.silent is not true end",
    "renews_before": "r.renews_on < {}",
    "activation": "{} = any(r.activations)",
    "q": begins("c.external_id", "c.name"),
}
_OF_DAYS = {"since": "s.day >= {}", "until": "s.day < {}"}
NO_RENEWAL = 2147483647
#: Of an instant.
RANKS: Mapping[Sort, str] = {
    "customer": "0::bigint",
    # of equal scores silence goes before all else
    "risk": "(-2 * coalesce(r.risk_score, -1) - coalesce(r.silent, false)::integer)::bigint",
    # who has no running term comes last
    "renewal": f"coalesce(r.renews_on - date '1970-01-01', {NO_RENEWAL})::bigint",
    # To a ten-thousandth of a currency unit, as a cursor names it.
    "stake": """-round(10000 * coalesce(r.stakes[array_position(r.currencies, {}::text)] * r.score_p, 0))::bigint""",
}


@dataclass(frozen=True, slots=True)
class Part:
    """The customers `c` of an order, with their rows `r` of the roster, that one index has together. `rank`: a column or what an
    index is over, or where all have the same place that number; `id`: what comes next in that index. `{}`: the currency."""

    rank: str
    source: str
    among: str = "true"
    id: str = "c.external_id"
    fixed: int | None = None

    def of(self, currency: str) -> "Part":
        return replace(self, rank=self.rank.format(currency), among=self.among.format(currency))

    def is_before(self, after: Place | None) -> bool:
        """Whether all of it lies before this place."""
        return after is not None and self.fixed is not None and self.fixed < after.rank

    @property
    def by(self) -> str:
        return self.id if self.fixed is not None else f"{self.rank}, {self.id}"

    def beyond(self, where: Where, after: Place | None) -> Where:
        """Only what comes after this place."""
        if after is None or (self.fixed is not None and self.fixed > after.rank):
            return where
        if self.fixed is not None:
            return where.also(f"{self.id} > {{}}", after.external_id)
        return where.also(f"({self.rank}, {self.id}) > ({{}}, {{}})", after.rank, after.external_id)


EVERYBODY, BY_ID = "signals.customers c left join", "using (customer_id)"
_OF_ALL = f"{EVERYBODY} signals.roster r {BY_ID}"
_EVALUATED = "signals.roster r join signals.customers c using (customer_id)"
_AT_STAKE = """signals.roster_stakes k join signals.roster r using (customer_id)
    join signals.customers c using (customer_id)"""
#: The orders of the roster of now, part after part, each by an index. Most are as RANKS has them.
PARTS: Mapping[Sort, Sequence[Part]] = {
    "customer": (Part("0::bigint", _OF_ALL, fixed=0),),
    "risk": (
        Part("r.risk_rank", _EVALUATED, id="r.external_id"),
        Part("2::bigint", _OF_ALL, "r.customer_id is null", fixed=2),
    ),
    "renewal": (
        Part(
            "(r.renews_on - date '1970-01-01')::bigint",
            _EVALUATED,
            "r.renews_on is not null",
            "r.external_id",
        ),
        Part(f"{NO_RENEWAL}::bigint", _OF_ALL, "r.renews_on is null", fixed=NO_RENEWAL),
    ),
    "stake": (
        Part("k.rank", _AT_STAKE, "k.currency = {}::text and k.rank < 0", "k.external_id"),
        Part(
            "0::bigint",
            _OF_ALL,
            """not exists (select from signals.roster_stakes k
                where k.customer_id = c.customer_id and k.currency = {}::text and k.rank <> 0)""",
            fixed=0,
        ),
        Part("k.rank", _AT_STAKE, "k.currency = {}::text and k.rank > 0", "k.external_id"),
    ),
}


class RosterRepository:
    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection

    async def keep(self, newest: Mapping[str, date]) -> None:
        """Show these customers as they were evaluated on these days, unless a later day is shown."""
        await self._connection.execute(KEEP, list(newest), list(newest.values()))
        await self._connection.execute(DROP_STAKES, list(newest))
        await self._connection.execute(KEEP_STAKES, list(newest))

    async def currencies(self, at: datetime | None) -> list[str]:
        """Those in which something is at stake."""
        where, source = _source(at)
        asked = f"select distinct unnest(r.currencies) as currency from {source} r order by 1"
        rows = await self._connection.fetch(CURRENCIES if at is None else asked, *where.parameters)
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
        where, currency = where.given(order.currency) if order.sort == "stake" else (where, "")
        where = narrowed(wanted, CONDITIONS, following=where)
        parts = (
            PARTS[order.sort] if at is None else (Part(RANKS[order.sort], f"{EVERYBODY} {source} r {BY_ID}"),)
        )
        found: list[RosterRow] = []
        for part in parts:
            if len(found) < limit and not part.is_before(after):
                found += await self._stretch(part.of(currency), where, after, limit - len(found))
        return found

    async def _stretch(self, part: "Part", where: Where, after: Place | None, limit: int) -> list[RosterRow]:
        """The customers of one part of an order, after a place."""
        where = part.beyond(where.also(part.among), after)
        where, number = where.given(limit)
        rows = await self._connection.fetch(
            f"""select shown.external_id, shown.name, shown.rank, shown.renews_on, s.document from (
                    select c.external_id, c.name, {part.rank} as rank, r.renews_on, r.customer_id, r.day
                    from {part.source} where {where.sql} order by {part.by} limit {number}) shown
                left join signals.standings s using (customer_id, day) order by 3, 1""",
            *where.parameters,
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
