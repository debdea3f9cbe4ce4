"""All SQL of terms that ended, and of their outcomes."""

from collections.abc import Sequence
from datetime import date, datetime

import asyncpg
import msgspec

from services.signals.domain.outcomes import LOST, Judgement, Term
from services.signals.domain.renewal_model import Features, RenewalModel
from services.signals.domain.renewal_model import Outcome as Learned
from services.signals.domain.score_report import RenewalTold
from services.signals.renewals.rows import (
    DueTerm,
    EndedTerm,
    JudgedWord,
    KeptModel,
    NamedWord,
    SettledLine,
    StatementHeard,
)
from shared.db.columns import insert, upsert
from shared.db.filters import Where

#: Facts of these types are about a contract's term.
RENEWALS = ("renewal.due", "renewal.at_risk")
TERMS = upsert(
    "signals.renewals",
    EndedTerm,
    key=("contract", "term_end"),
    keep=("customer_id",),
    only="known.goes_on <> excluded.goes_on",
)
JUDGED, NAMED = insert("signals.outcomes", JudgedWord), insert("signals.outcomes", NamedWord)
# Local days of a customer with use, of [$2, $3): an hour belongs to the day it begins in. Beside them the neighbours in UTC.
USED_ON = """
    select distinct ((a.day + make_interval(hours => hour.key::integer)) at time zone 'UTC' at time zone $4)::date as day
    from signals.activity a cross join lateral jsonb_each(a.hours) hour
    where a.customer_id = $1 and a.day >= $2::date - 1 and a.day <= $3::date and not starts_with(a.meter, 'type:')
        and (hour.value ->> 0)::bigint > 0
"""
# Every term that ended or was told of: whether it was called at risk, what a person said last, and what it was judged.
TOLD = """
    with terms as (
        select contract, term_end, customer_id from signals.renewals
        union
        select contract, (data ->> 'term_end')::date, customer_id from signals.facts
        where type = any($1) and contract is not null and data ? 'term_end')
    select t.contract, coalesce(c.external_id, t.customer_id) as customer, t.term_end,
        exists (select from signals.facts f
            where f.contract = t.contract and f.type = 'renewal.at_risk' and f.data ->> 'term_end' = t.term_end::text)
            as at_risk,
        (select outcome from signals.outcomes o where (o.contract, o.term_end) = (t.contract, t.term_end)
            and o.by is not null order by said_id desc limit 1) as named,
        (select outcome from signals.outcomes o where (o.contract, o.term_end) = (t.contract, t.term_end)
            and o.by is null order by said_id desc limit 1) as judged
    from terms t left join signals.customers c using (customer_id) order by 3 desc, 1
"""


# Of every term with an outcome the last word, a person's first, and what was known of the customer as the term ended.
LEARNED = """
    select said.outcome, (s.document -> 'numbers' ->> 'silent_days')::integer as silent_days, s.document -> 'use' as use,
        (s.document ->> 'score_p')::float as score, (s.document ->> 'p_fall')::float as fall,
        (s.document ->> 'p_gone')::float as gone
    from (select distinct on (contract, term_end) contract, term_end, outcome from signals.outcomes
        where contract is not null order by contract, term_end, by is null, said_id desc) said
    join signals.renewals r using (contract, term_end)
    join signals.standings s on s.customer_id = r.customer_id and s.day = r.term_end
    where s.document ? 'use' order by term_end, contract
"""
MODELS = insert("signals.renewal_models", KeptModel, ignore_known=True)


class RenewalRepository:
    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection

    async def note(self, terms: Sequence[EndedTerm]) -> None:
        """Keep terms that ended. One that is here is looked at anew where it turns out to go on, or not to."""
        await self._connection.execute(TERMS.sql, *TERMS.columns_of(terms))

    async def claim(self, today: date, limit: int) -> list[DueTerm]:
        """Lock terms whose day to be looked at is evaluated, those that wait longest first; what another worker has is
        passed over."""
        rows = await self._connection.fetch(
            """select r.contract, r.term_end, r.customer_id, r.goes_on, c.timezone, s.next_on
               from signals.renewals r join signals.customer_states s using (customer_id)
               join signals.customers c using (customer_id)
               where r.look_on <= $1 and r.look_on < s.next_on
               order by r.look_on, r.contract limit $2 for update of r skip locked""",
            today,
            limit,
        )
        return [DueTerm(**row) for row in rows]

    async def look_again(self, due: DueTerm, on: date | None) -> None:
        await self._connection.execute(
            "update signals.renewals set look_on = $3 where contract = $1 and term_end = $2",
            due.contract,
            due.term_end,
            on,
        )

    async def used_on(self, customer_id: str, term: Term, timezone: str) -> set[date]:
        """The customer's local days with use around the three months after the term."""
        rows = await self._connection.fetch(USED_ON, customer_id, term.end, term.after, timezone)
        return {row["day"] for row in rows}

    async def ever_used(self, customer_id: str) -> bool:
        found: bool = await self._connection.fetchval(
            """select exists (select from signals.activity
                   where customer_id = $1 and not starts_with(meter, 'type:'))""",
            customer_id,
        )
        return found

    async def statements(
        self, contract: str | None, customer_id: str, span: tuple[datetime, datetime]
    ) -> list[StatementHeard]:
        """The statements of periods that lie in the span, if only in part, of a contract or of all the customer has."""
        known = Where(
            "c.customer_id = $1 and s.period_end > $2 and s.period_start < $3", (customer_id, *span)
        )
        where = known.also("s.contract = {}", contract)
        rows = await self._connection.fetch(
            f"""select s.contract, s.period_start, s.period_end, s.final, s.asks
                from signals.statements s join signals.customers c on c.external_id = s.customer
                where {where.sql}""",
            *where.parameters,
        )
        return [StatementHeard(**row) for row in rows]

    async def documented(self, contracts: Sequence[str], first: date) -> set[tuple[str, date]]:
        """Of these contracts the periods, by the local day on which they begin, from `first` on, that have a document."""
        rows = await self._connection.fetch(
            "select distinct contract, start_date from signals.documents where contract = any($1) and start_date >= $2",
            list(contracts),
            first,
        )
        return {(row["contract"], row["start_date"]) for row in rows}

    async def settled(
        self, contract: str | None, customer_id: str, first: date, end: date
    ) -> list[SettledLine]:
        """What is settled of periods that lie in [first, end), if only in part, of a contract or of all the customer
        has."""
        known = Where("customer_id = $1 and end_date >= $2 and start_date < $3", (customer_id, first, end))
        where = known.also("contract = {}", contract)
        rows = await self._connection.fetch(
            f"""select contract, key, start_date, end_date, currency, sum(settled_minor)::bigint as minor
                from signals.settled where {where.sql} group by 1, 2, 3, 4, 5""",
            *where.parameters,
        )
        return [SettledLine(**row) for row in rows]

    async def last_judgement(self, contract: str, term_end: date) -> Judgement | None:
        evidence = await self._connection.fetchval(
            """select evidence from signals.outcomes where contract = $1 and term_end = $2 and by is null
               order by said_id desc limit 1""",
            contract,
            term_end,
        )
        return msgspec.convert(evidence, Judgement) if evidence is not None else None

    async def judge(self, word: JudgedWord) -> None:
        await self._connection.execute(JUDGED.sql, *JUDGED.columns_of([word]))

    async def name(self, word: NamedWord) -> None:
        await self._connection.execute(NAMED.sql, *NAMED.columns_of([word]))

    async def unlearned(self) -> int | None:
        """The newest outcome, where nothing was learned from it yet."""
        found: int | None = await self._connection.fetchval(
            """select max(said_id) from signals.outcomes
               having max(said_id) > coalesce((select max(said_id) from signals.renewal_models), 0)"""
        )
        return found

    async def learned(self) -> list[Learned]:
        """Every outcome that was evaluated as its term ended, oldest first."""
        return [_learned(row) for row in await self._connection.fetch(LEARNED)]

    async def keep_model(self, model: KeptModel) -> None:
        await self._connection.execute(MODELS.sql, *MODELS.columns_of([model]))

    async def model(self) -> RenewalModel | None:
        """The newest; None where no outcome could be learned from."""
        found = await self._connection.fetchval(
            "select model from signals.renewal_models order by said_id desc limit 1"
        )
        return msgspec.convert(found, RenewalModel) if found is not None else None

    async def told(self) -> list[RenewalTold]:
        """Those whose terms end last first."""
        return [RenewalTold(**row) for row in await self._connection.fetch(TOLD, list(RENEWALS))]


def _learned(row: asyncpg.Record) -> Learned:
    """What was not known counts for nothing."""
    features = Features(
        score=row["score"] or 0.0,
        fall=row["fall"] or 0.0,
        gone=row["gone"] or 0.0,
        silent_days=row["silent_days"] or 0,
        new=row["use"]["events_28_days"],
        days_since_first_use=row["use"]["days_since_first_use"],
    )
    return Learned(features, row["outcome"] in LOST)
