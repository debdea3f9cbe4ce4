"""All SQL of contracts, their versions and periods."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import asyncpg

from services.rating.contracts.rows import (
    ContractFilter,
    ContractRow,
    NewVersion,
    OpenedPeriod,
    PeriodRow,
    VersionName,
    VersionRow,
)
from services.rating.metering.naming.repository import SubjectMonth
from services.rating.metering.repository.candidates import NOTED
from shared.db.columns import bulk, names_of
from shared.db.filters import Where, narrowed
from shared.db.listing import Window, begins, counted
from shared.values.period import ServicePeriod

_NAMED = "rating.contracts c join rating.customers using (customer_id)"
_CONTRACT = "select contract, customer_id, external_id, c.revision, c.created_at, next_period_at"
_CONTRACTS = f"{_CONTRACT} from {_NAMED}"
RAISED = f"""with c as (update rating.contracts set revision = greatest(revision + 1, $2) where contract = $1 returning *)
    {_CONTRACT} from c join rating.customers using (customer_id)"""
#: More customers than these whose ids fit are looked up for each contract, not before.
NAMES_MAX = 1000
_CONDITIONS = {"q": ""}
_BEGIN = begins("contract")
_NAMED_SO = begins("external_id")
_RANKS = {"contract": "contract", "created_at": "c.created_at"}
_SUBJECT_MONTHS = "unnest($1::text[], $2::text[], $3::date[]) a (meter, subject, month)"
_OVERLAPS = """p.period_start < (a.month + interval '1 month')::timestamp at time zone 'UTC'
    and p.period_end > a.month::timestamp at time zone 'UTC'"""


OPEN_PERIODS = bulk(
    "rating.periods",
    OpenedPeriod,
    """with opened as (
        insert into rating.periods (contract, period_start, period_end, start_date, end_date, whole_days,
            close_due_at)
        select * from {given} returning contract, period_start)
    insert into rating.stale (contract, period_start) select contract, period_start from opened""",
)


class ContractRepository:
    def __init__(self, connection: asyncpg.Connection) -> None:
        self.connection = connection

    async def customer_id(self, external_id: str) -> str | None:
        found: str | None = await self.connection.fetchval(
            "select customer_id from rating.customers where external_id = $1", external_id
        )
        return found

    async def name_entity(self, name: str) -> None:
        """Let a legal entity be written so from now on, unless it is written otherwise already."""
        await self.connection.execute(
            "insert into rating.legal_entities (folded, name) values (lower($1), $1) on conflict do nothing",
            name,
        )

    async def entity_written(self, name: str) -> str | None:
        """How the legal entity of this name, whatever its capital letters, is written."""
        found: str | None = await self.connection.fetchval(
            "select name from rating.legal_entities where folded = lower($1)", name
        )
        return found

    async def plan(self, plan: str) -> Mapping[str, Any] | None:
        found: Mapping[str, Any] | None = await self.connection.fetchval(
            "select document from rating.plans where plan = $1", plan
        )
        return found

    async def unknown_meters(self, meters: Sequence[str]) -> list[str]:
        rows = await self.connection.fetch(
            "select name from unnest($1::text[]) as name where not exists (select from rating.meters where meter = name) order by name",
            list(meters),
        )
        return [row["name"] for row in rows]

    async def open_months(self, places: Sequence[SubjectMonth], contract: str) -> list[SubjectMonth]:
        """Those of these months that no final period of the subject touches. Who is closing one meanwhile
        must look again: its row changes. The open periods of the contract are held with them, in the order of
        who closes."""
        columns = (
            [place.meter for place in places],
            [place.subject for place in places],
            [place.month for place in places],
        )
        await self.connection.execute(
            f"""with held as materialized (
                   select p.contract, p.period_start from rating.periods p
                   where not p.final and (p.contract = $4 or exists (
                       select from rating.contracts c join rating.subjects s using (customer_id)
                           join {_SUBJECT_MONTHS} on a.subject = s.subject
                       where c.contract = p.contract and {_OVERLAPS}))
                   order by p.contract, p.period_start for no key update of p)
               update rating.periods p set final = p.final from held
                   where (p.contract, p.period_start) = (held.contract, held.period_start)""",
            *columns,
            contract,
        )
        rows = await self.connection.fetch(
            f"""select a.meter, a.subject, a.month from {_SUBJECT_MONTHS} where not exists (
                   select from rating.periods p join rating.contracts c using (contract)
                   where p.final and {_OVERLAPS} and (
                       exists (select from rating.subjects s
                           where s.customer_id = c.customer_id and s.subject = a.subject)
                       or exists (select from rating.closed_subjects k
                                  where (k.contract, k.period_start, k.subject) =
                                      (p.contract, p.period_start, a.subject))))""",
            *columns,
        )
        return [SubjectMonth(*row) for row in rows]

    async def hold_customer(self, customer_id: str) -> None:
        """Hold the customer's row: contracts of one customer are applied one after the other, so that each
        sees the others' meters."""
        await self.connection.execute(
            "select from rating.customers where customer_id = $1 for no key update", customer_id
        )

    async def others_of_customer(self, customer_id: str, contract: str) -> list[str]:
        rows = await self.connection.fetch(
            "select contract from rating.contracts where customer_id = $1 and contract <> $2 order by contract",
            customer_id,
            contract,
        )
        return [row["contract"] for row in rows]

    async def create(self, contract: str, customer_id: str) -> None:
        """Insert the contract if it is not there, and hold its row: versions of one contract take turns."""
        if await self.lock(contract):
            return
        await self.connection.execute(
            "insert into rating.contracts (contract, customer_id, revision) values ($1, $2, 0) on conflict (contract) do nothing",
            contract,
            customer_id,
        )
        await self.lock(contract)

    async def lock(self, contract: str) -> bool:
        """Hold the contract's row; False where there is none."""
        found = await self.connection.fetchval(
            "select true from rating.contracts where contract = $1 for no key update", contract
        )
        return found is not None

    async def contract(self, contract: str) -> ContractRow | None:
        row = await self.connection.fetchrow(f"{_CONTRACTS} where contract = $1", contract)
        return ContractRow(**row) if row else None

    async def hold_page(self, after: str, limit: int) -> None:
        """Let none of these contracts change until the transaction ends: those of one page, after a name."""
        await self.connection.execute(
            "select from rating.contracts where contract > $1 order by contract limit $2 for share",
            after,
            limit,
        )

    async def contracts(self, wanted: ContractFilter, window: Window) -> list[ContractRow]:
        asked = window.over(await self._fitting(wanted), _RANKS, "contract")
        rows = await self.connection.fetch(f"{_CONTRACTS} where {asked.sql}", *asked.parameters)
        return [ContractRow(**row) for row in rows]

    async def count(self, wanted: ContractFilter) -> int:
        """How many there are, or one more than are counted."""
        return await counted(self.connection, _NAMED, await self._fitting(wanted))

    async def _fitting(self, wanted: ContractFilter) -> Where:
        """What is asked for. The customers that `q` finds come first: no index has a contract and its customer's id."""
        where = narrowed(wanted, _CONDITIONS)
        if wanted.q is None:
            return where
        begins_so = Where().also(_NAMED_SO, wanted.q)
        rows = await self.connection.fetch(
            f"select customer_id from rating.customers where {begins_so.sql} limit {NAMES_MAX + 1:d}",
            *begins_so.parameters,
        )
        if len(rows) > NAMES_MAX:
            return where.also(f"({_BEGIN} or {_NAMED_SO})", wanted.q)
        found = [row["customer_id"] for row in rows]
        return where.also(f"({_BEGIN} or c.customer_id = any({{1}}))", wanted.q, found)

    async def versions(self, contract: str) -> list[VersionRow]:
        return (await self.chains([contract])).get(contract, [])

    async def newest_versions(self, contract: str, rows_max: int) -> list[VersionRow]:
        """The newest first."""
        rows = await self.connection.fetch(
            f"""select {names_of(VersionRow)} from rating.contract_versions
                where contract = $1 order by version desc limit {rows_max:d}""",
            contract,
        )
        return [VersionRow(**row) for row in rows]

    async def chains(self, contracts: Sequence[str]) -> dict[str, list[VersionRow]]:
        """Contract → its versions, oldest first."""
        rows = await self.connection.fetch(
            f"""select {names_of(VersionRow)} from rating.contract_versions
                where contract = any($1::text[]) order by contract, version""",
            list(contracts),
        )
        chains: dict[str, list[VersionRow]] = {}
        for row in rows:
            chains.setdefault(row["contract"], []).append(VersionRow(**row))
        return chains

    async def version_names(self, contracts: Sequence[str]) -> list[VersionName]:
        """The versions of these contracts without their terms, by contract, oldest first."""
        rows = await self.connection.fetch(
            f"""select {names_of(VersionName)} from rating.contract_versions
                where contract = any($1::text[]) order by contract, version""",
            list(contracts),
        )
        return [VersionName(**row) for row in rows]

    async def terms(
        self, contracts: Sequence[str], versions: Sequence[int]
    ) -> dict[tuple[str, int], dict[str, Any]]:
        """(contract, version) → its terms."""
        rows = await self.connection.fetch(
            """select contract, version, terms from rating.contract_versions
               join unnest($1::text[], $2::int[]) as asked (contract, version) using (contract, version)""",
            list(contracts),
            list(versions),
        )
        return {(row["contract"], row["version"]): row["terms"] for row in rows}

    async def add_version(self, contract: str, added: NewVersion) -> None:
        await self.connection.execute(
            """insert into rating.contract_versions (contract, version, effective_at, recorded_at,
                content_hash, terms, corrects_final)
               values ($1, $2, $3, $4, $5, $6, $7)""",
            contract,
            added.version,
            added.effective_at,
            added.recorded_at,
            added.content_hash,
            added.terms,
            added.corrects_final,
        )

    async def raise_revision(self, contract: str, revision_us: int) -> ContractRow:
        """Raise the revision of a contract that is there to the machine's time or by one, and return its row."""
        row = await self.connection.fetchrow(RAISED, contract, revision_us)
        assert row is not None, f"{contract} is held"
        return ContractRow(**row)

    async def set_next_period(self, contract: str, next_period_at: datetime | None) -> None:
        await self.connection.execute(
            "update rating.contracts set next_period_at = $2 where contract = $1", contract, next_period_at
        )

    async def claim_unopened(self, now: datetime, limit: int) -> list[str]:
        """Contracts whose next period has begun, held until the transaction ends."""
        rows = await self.connection.fetch(
            """select contract from rating.contracts where next_period_at <= $1
               order by next_period_at, contract limit $2 for no key update skip locked""",
            now,
            limit,
        )
        return [row["contract"] for row in rows]

    async def unopened_left(self, now: datetime) -> bool:
        """Whether a contract's next period has begun and is not open yet, held by somebody or not."""
        found: bool = await self.connection.fetchval(
            "select exists (select from rating.contracts where next_period_at <= $1)", now
        )
        return found

    async def opened_until(self, contracts: Sequence[str]) -> dict[str, datetime]:
        rows = await self.connection.fetch(
            "select contract, max(period_end) as until from rating.periods where contract = any($1::text[]) group by contract",
            list(contracts),
        )
        return {row["contract"]: row["until"] for row in rows}

    async def hold_periods(self, contract: str) -> list[PeriodRow]:
        """The contract's periods, oldest first; none of them is priced or closed until this transaction
        ends."""
        rows = await self.connection.fetch(
            """select period_start, period_end, start_date, end_date, final from rating.periods
               where contract = $1 order by period_start for no key update""",
            contract,
        )
        return [PeriodRow(**row) for row in rows]

    async def open_periods(self, contract: str, periods: Sequence[tuple[ServicePeriod, datetime]]) -> None:
        """Insert periods with their close_due_at, each with its first request to be priced."""
        if not periods:
            return
        rows = [OpenedPeriod.of(contract, period, close_due_at) for period, close_due_at in periods]
        await self.connection.execute(OPEN_PERIODS.sql, *OPEN_PERIODS.columns_of(rows))

    async def redraw_period(self, contract: str, period: ServicePeriod, close_due_at: datetime) -> None:
        """Move the end and the deadline of a period that is not final to what the newest version says, and
        let pricing try it now. What lies behind an end that comes sooner may wait."""
        await self.connection.execute(
            f"""with redrawn as (
                   update rating.periods set period_end = $3, end_date = $4, whole_days = $5, close_due_at = $6,
                       retry_at = case when retry_at is null then null else clock_timestamp() end
                   where contract = $1 and period_start = $2 and not final
                   returning old.period_end as before, new.period_end as after)
               insert into rating.suspense_candidates (subject)
               select s.subject from redrawn join rating.contracts c on c.contract = $1
                   join rating.subjects s using (customer_id) where after < before order by 1 {NOTED}""",
            contract,
            period.start,
            period.end,
            period.end_date,
            period.whole_days,
            close_due_at,
        )

    async def mark_open_periods_of(self, customer_id: str) -> None:
        """Ask for every statement of the customer's contracts that is not final to be priced again."""
        await self.connection.execute(
            """insert into rating.stale (contract, period_start)
               select contract, period_start from rating.contracts join rating.periods using (contract)
                   where customer_id = $1 and not final""",
            customer_id,
        )

    async def mark_open_periods(self, contract: str) -> None:
        """Ask for every statement of the contract that is not final to be priced again."""
        await self.connection.execute(
            """insert into rating.stale (contract, period_start)
               select contract, period_start from rating.periods where contract = $1 and not final""",
            contract,
        )
