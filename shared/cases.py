"""Exceptions of the business: every one has one owner, a deadline and, where it can be said, a price tag."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from shared.db.unit_of_work import UnitOfWork
from shared.values.ids import new_id


@dataclass(frozen=True, slots=True)
class Opened:
    """An open exception: its id, and since when it is open (business clock)."""

    exception_id: str
    at: datetime


async def open_exception(
    uow: UnitOfWork,
    kind: str,
    reference: str,
    detail: str,
    *,
    owner: str,
    now: datetime,
    days_max: int = 3,
    amount_minor: int | None = None,
    currency: str | None = None,
) -> Opened:
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
        kind,
        reference,
        detail,
        owner,
        now,
        now + timedelta(days=days_max),
        amount_minor,
        currency,
    )
    assert row is not None, "an upsert returns its row"
    return Opened(row["exception_id"], row["opened_at"])


async def resolve_exception(uow: UnitOfWork, kind: str, reference: str, now: datetime) -> None:
    """Close it, if it is open: the thing it was about is in order again."""
    await uow.connection.execute(
        f"update {uow.schema}.exceptions set resolved_at = $3 where kind = $1 and reference = $2 and resolved_at is null",
        kind,
        reference,
        now,
    )


async def newest_first(
    uow: UnitOfWork,
    kind: str | None,
    owner: str | None,
    reference: str | None,
    *,
    resolved: bool,
    before: str | None,
    rows_max: int,
) -> list[Any]:
    """Exceptions older than the id `before`, newest first: the open ones, or the resolved ones."""
    found: list[Any] = await uow.connection.fetch(
        f"""select exception_id, kind, reference, detail, owner, opened_at, deadline_at, amount_minor,
            currency, resolved_at
            from {uow.schema}.exceptions
            where (resolved_at is not null) = $6 and ($1::text is null or kind = $1)
                and ($2::text is null or owner = $2)
              and ($3::text is null or reference = $3) and ($4::text is null or exception_id < $4)
            order by exception_id desc limit $5""",
        kind,
        owner,
        reference,
        before,
        rows_max,
        resolved,
    )
    return found
