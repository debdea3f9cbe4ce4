"""Exceptions of the business: every one has one owner, a deadline and, where it can be said, a price tag.

What people do about one is kept beside it (`exception_acts`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from shared.db.columns import insert, names_of
from shared.db.filters import narrowed
from shared.db.listing import Window, counted
from shared.db.unit_of_work import UnitOfWork
from shared.errors import AppError, Kind
from shared.values.ids import new_id
from shared.values.instants import written
from shared.values.money import Money, currency

#: Within how many days its owner answers it.
DEADLINE_DAYS = 3
#: By what a list of them is sorted: ids are as old as what they name.
RANKS: Final[Mapping[str, str]] = {"opened": "exception_id", "deadline": "deadline_at"}
_CONDITIONS: Final[Mapping[str, str]] = {
    "resolved": "(resolved_at is not null) = {}",
    "overdue_at": "deadline_at < {}",
}


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


class ExceptionNotFound(AppError):
    """There is no such exception."""

    kind = Kind.NOT_FOUND


class ExceptionResolved(AppError):
    """It is resolved; nothing is to be done about it any more."""

    kind = Kind.CONFLICT


class ResolvesByItself(AppError):
    """Nobody resolves it by saying so: it resolves when what it is about is mended."""

    kind = Kind.CONFLICT


@dataclass(frozen=True, slots=True)
class CaseAct:
    """A row of `exception_acts`: what somebody did about an exception. `at` is of the business clock, `actor` as in the
    audit; `assignee`: whose it is from then on, None: nobody's."""

    act_id: str
    exception_id: str
    at: datetime
    actor: str
    act: Literal["assigned", "noted", "resolved"]
    assignee: str | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True)
class CaseCount:
    """What is open of a kind that an owner has, of one currency or of none: how many, how many of them too long, and what
    they are worth in minor units."""

    kind: str
    owner: str
    currency: str | None
    open: int
    overdue: int
    opened_at: datetime
    deadline_at: datetime
    amount_minor: int | None


@dataclass(frozen=True, slots=True)
class CaseFilter:
    """Which exceptions are asked for: None does not restrict. `overdue_at`: those whose deadline is past at this instant."""

    kind: str | None
    owner: str | None
    reference: str | None
    resolved: bool
    overdue_at: datetime | None


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


async def list_exceptions(uow: UnitOfWork, asked: CaseFilter, window: Window) -> list[Case]:
    """Those that fit, of this window of the list."""
    where = window.over(narrowed(asked, _CONDITIONS), RANKS, "exception_id")
    rows = await uow.connection.fetch(
        f"select {names_of(Case)} from {uow.schema}.exceptions where {where.sql}", *where.parameters
    )
    return [Case(**row) for row in rows]


async def count_listed(uow: UnitOfWork, asked: CaseFilter) -> int:
    """How many fit, or one more than COUNTED_MAX."""
    return await counted(uow.connection, f"{uow.schema}.exceptions", narrowed(asked, _CONDITIONS))


async def find_exception(uow: UnitOfWork, exception_id: str) -> Case:
    """Return it, open or resolved; raise ExceptionNotFound."""
    row = await uow.connection.fetchrow(
        f"select {names_of(Case)} from {uow.schema}.exceptions where exception_id = $1", exception_id
    )
    if row is None:
        raise ExceptionNotFound(f"no exception {exception_id[:60]!r}; GET /v1/exceptions lists them")
    return Case(**row)


async def count_exceptions(uow: UnitOfWork, now: datetime) -> list[CaseCount]:
    """What is open, by kind, owner and currency."""
    rows = await uow.connection.fetch(
        f"""select kind, owner, currency, count(*) as open, count(*) filter (where deadline_at < $1) as overdue,
                min(opened_at) as opened_at, min(deadline_at) as deadline_at, sum(amount_minor) as amount_minor
            from {uow.schema}.exceptions where resolved_at is null group by 1, 2, 3 order by 1, 2, 3 nulls last""",
        now,
    )
    return [
        CaseCount(
            **{**row, "amount_minor": None if row["amount_minor"] is None else int(row["amount_minor"])}
        )
        for row in rows
    ]


async def acts_about(uow: UnitOfWork, exception_ids: Sequence[str]) -> dict[str, list[CaseAct]]:
    """Exception id → what people did about it, the oldest first."""
    rows = await uow.connection.fetch(
        f"""select {names_of(CaseAct)} from {uow.schema}.exception_acts
            where exception_id = any($1) order by place""",
        list(exception_ids),
    )
    found: dict[str, list[CaseAct]] = {}
    for row in rows:
        found.setdefault(row["exception_id"], []).append(CaseAct(**row))
    return found


def assignee_of(acts: Sequence[CaseAct]) -> str | None:
    """Whose it is after these acts."""
    return next((act.assignee for act in reversed(acts) if act.act == "assigned"), None)


async def act_on(uow: UnitOfWork, act: CaseAct, by_person: Mapping[str, str]) -> Case:
    """Write down what somebody does about an open exception, and resolve it where that is it; return it afterwards.

    `by_person`: the kinds that people resolve → by what they have been mended then. Raises ExceptionNotFound,
    ExceptionResolved, ResolvesByItself.
    """
    await uow.connection.execute(
        f"select from {uow.schema}.exceptions where exception_id = $1 for update", act.exception_id
    )
    case = await find_exception(uow, act.exception_id)
    if case.resolved_at is not None:
        raise ExceptionResolved(f"{case.exception_id} was resolved at {written(case.resolved_at)}")
    if act.act == "resolved":
        if case.kind not in by_person:
            others = ", ".join(sorted(by_person)) or "none"
            raise ResolvesByItself(f"{case.kind}: {case.detail}; of the kinds here people resolve {others}")
        await uow.connection.execute(
            f"update {uow.schema}.exceptions set resolved_at = $2 where exception_id = $1",
            case.exception_id,
            act.at,
        )
    acts = insert(f"{uow.schema}.exception_acts", CaseAct)
    await uow.connection.execute(acts.sql, *acts.columns_of([act]))
    return await find_exception(uow, act.exception_id)
