"""Exceptions of the business: every one has one owner, a deadline and, where it can be said, a price tag."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.db.columns import names_of
from shared.db.filters import narrowed
from shared.db.unit_of_work import UnitOfWork
from shared.values.ids import new_id
from shared.values.money import Money, currency

#: Within how many days its owner answers it.
DEADLINE_DAYS = 3


@dataclass(frozen=True, slots=True)
class NewCase:
    """What an exception says: of which kind, about what, what is to be done and by whom; and what it is worth,
    in minor units of the currency, where that can be said."""

    kind: str
    reference: str
    detail: str
    owner: str
    amount_minor: int | None = None
    currency: str | None = None


@dataclass(frozen=True, slots=True)
class Opened:
    """An open exception: its id, and since when it is open (business clock)."""

    exception_id: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Case:
    """A row of `exceptions`; times of the business clock, the amount in minor units of the currency."""

    exception_id: str
    kind: str
    reference: str
    detail: str
    owner: str
    opened_at: datetime
    deadline_at: datetime
    amount_minor: int | None
    currency: str | None
    resolved_at: datetime | None

    @property
    def worth(self) -> Money | None:
        if self.amount_minor is None or self.currency is None:
            return None
        return Money(self.amount_minor, currency(self.currency))


@dataclass(frozen=True, slots=True)
class CaseFilter:
    """Which exceptions are asked for: None does not restrict."""

    kind: str | None
    owner: str | None
    reference: str | None


async def open_exception(uow: UnitOfWork, case: NewCase, now: datetime) -> Opened:
    """Open it, or refresh the detail and price of the one that is open for the same kind and reference;
    return the open one."""
    row = await uow.connection.fetchrow(
        f"""insert into {uow.schema}.exceptions (exception_id, kind, reference, detail, owner, opened_at,
            deadline_at, amount_minor, currency)
            values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
            on conflict (kind, reference) where resolved_at is null
            do update set detail = excluded.detail, amount_minor = excluded.amount_minor,
                currency = excluded.currency
            returning exception_id, opened_at""",
        new_id("exc"),
        case.kind,
        case.reference,
        case.detail,
        case.owner,
        now,
        now + timedelta(days=DEADLINE_DAYS),
        case.amount_minor,
        case.currency,
    )
    assert row is not None, "an upsert returns its row"
    return Opened(row["exception_id"], row["opened_at"])


async def resolve_exception(uow: UnitOfWork, kind: str, reference: str, now: datetime) -> None:
    """Close it, if it is open: the thing it was about is in order again."""
    await resolve_exceptions(uow, kind, [reference], now)


async def resolve_exceptions(uow: UnitOfWork, kind: str, references: Sequence[str], now: datetime) -> None:
    """Close those that are open of this kind about these things."""
    await uow.connection.execute(
        f"""update {uow.schema}.exceptions set resolved_at = $3
            where kind = $1 and reference = any($2::text[]) and resolved_at is null""",
        kind,
        list(references),
        now,
    )


async def newest_first(
    uow: UnitOfWork, asked: CaseFilter, *, resolved: bool, before: str | None, rows_max: int
) -> list[Case]:
    """Exceptions older than the id `before`, newest first: the open ones, or the resolved ones."""
    where = narrowed(asked).also("(resolved_at is not null) = {}", resolved).also("exception_id < {}", before)
    rows = await uow.connection.fetch(
        f"""select {names_of(Case)} from {uow.schema}.exceptions where {where.sql}
            order by exception_id desc limit ${len(where.parameters) + 1}""",
        *where.parameters,
        rows_max,
    )
    return [Case(**row) for row in rows]
