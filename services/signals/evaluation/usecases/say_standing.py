"""Verb: say where a customer stands: the last evaluation as of an instant, and beside it what is known this
moment."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import asyncpg

from services.signals.domain.consumption import Consumption, consumptions
from services.signals.domain.customer_day import Contract
from services.signals.domain.renewal import Renewal, renewal
from services.signals.evaluation.repository import EvaluationRepository
from services.signals.replica.repository.activity import ActivityRepository
from services.signals.replica.repository.replica import HeardRepository
from shared.errors import AppError, Kind


class CustomerUnknown(AppError):
    """Signals has not heard of this customer; create it in rating with POST /v1/customers."""

    kind = Kind.NOT_FOUND


@dataclass(frozen=True)
class ContractStanding:
    contract: str
    consumption: list[Consumption]
    renewal: Renewal | None
    period: tuple[date, date] | None  # inclusive local dates of the statement read
    statement_revision: int | None


@dataclass(frozen=True)
class Standing:
    """Where one customer stands at `at` (business clock), from what is known this moment."""

    at: datetime
    last_seen_at: datetime | None
    meters: list[dict[str, Any]]
    contracts: list[ContractStanding]


async def known_customer(connection: asyncpg.Connection, external_id: str) -> asyncpg.Record:
    found = await HeardRepository(connection).customers_named([external_id])
    if external_id not in found:
        raise CustomerUnknown(f"no customer {external_id!r}")
    return found[external_id]


async def standing(connection: asyncpg.Connection, customer: asyncpg.Record, now: datetime) -> Standing:
    """Read what was heard of one customer and say what it means now."""
    seen = await ActivityRepository(connection).last_seen(customer["customer_id"])
    contracts = [
        await _contract(connection, row, now)
        for row in await HeardRepository(connection).contracts_of(customer["customer_id"])
    ]
    meters = [
        {"meter": row["meter"], "last_seen_at": row["last_seen_at"], "active_days": row["active_days"]}
        for row in seen
    ]
    return Standing(now, max((row["last_seen_at"] for row in seen), default=None), meters, contracts)


async def evaluated(
    connection: asyncpg.Connection, customer: asyncpg.Record, at: datetime
) -> dict[str, Any] | None:
    """The newest evaluation as of `at`; None before the first."""
    row = await EvaluationRepository(connection).standing(customer["customer_id"], at)
    return {**row["document"], "at": row["at"]} if row is not None else None


async def _contract(connection: asyncpg.Connection, row: asyncpg.Record, now: datetime) -> ContractStanding:
    terms = Contract(row["contract"], row["versions"]).terms_at(now)
    statement, zone = (
        await HeardRepository(connection).statement_at(row["contract"], now),
        ZoneInfo(terms["timezone"]),
    )
    term = renewal(terms, now.astimezone(zone).date())
    if statement is None:
        return ContractStanding(row["contract"], [], term, None, None)
    start, end, capacity = statement["period_start"], statement["period_end"], statement["capacity"]
    last_moment = end - timedelta(microseconds=1)
    return ContractStanding(
        row["contract"],
        consumptions(capacity, terms, now, start, end) if capacity else [],
        term,
        (start.astimezone(zone).date(), last_moment.astimezone(zone).date()),
        statement["revision"],
    )
