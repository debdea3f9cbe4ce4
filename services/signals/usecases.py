"""The verbs of signals: say where a customer stands."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import asyncpg

from services.signals.domain.consumption import Consumption, consumptions
from services.signals.domain.renewal import Renewal, renewal
from services.signals.repository import SignalsRepository
from shared.clock import from_us
from shared.errors import AppError, Kind


class CustomerUnknown(AppError):
    """Signals has not heard of this customer; create it in rating with POST /v1/customers."""

    kind = Kind.NOT_FOUND


@dataclass(frozen=True)
class ContractStanding:
    contract: str
    consumption: list[Consumption]
    renewal: Renewal | None
    period: tuple[str, str] | None      # inclusive local dates of the statement read
    statement_revision: int | None


@dataclass(frozen=True)
class Standing:
    """Where one customer stands at `at` (business clock)."""

    customer: str
    name: str
    at: datetime
    last_seen_at: datetime | None
    meters: list[dict[str, Any]]
    contracts: list[ContractStanding]


async def standing(signals: SignalsRepository, external_id: str, now: datetime) -> Standing:
    """Read what was heard of one customer and say what it means now."""
    customer = await signals.customer(external_id)
    if customer is None:
        raise CustomerUnknown(f"no customer {external_id!r}")
    seen = await signals.last_seen(customer["customer_id"])
    contracts = [await _contract(signals, row, now) for row in await signals.contracts_of(external_id)]
    meters = [{"meter": row["meter"], "last_seen_at": row["last_seen_at"], "active_days": row["active_days"]} for row in seen]
    return Standing(
        external_id, customer["name"], now, max((row["last_seen_at"] for row in seen), default=None), meters, contracts,
    )


async def _contract(signals: SignalsRepository, row: asyncpg.Record, now: datetime) -> ContractStanding:
    terms = _terms_at(row["versions"], now)
    statement = await signals.statement_at(row["contract"], now)
    today = now.astimezone(ZoneInfo(terms["timezone"])).date()
    if statement is None:
        return ContractStanding(row["contract"], [], renewal(terms, today), None, None)
    document = statement["document"]
    return ContractStanding(
        row["contract"], consumptions(document, terms, now, statement["period_start"], statement["period_end"]), renewal(terms, today),
        (document["period_start_date"], document["period_end_date"]), statement["revision"],
    )


def _terms_at(versions: list[dict[str, Any]], now: datetime) -> dict[str, Any]:
    """The newest version in force at `now`; before the first one, the first."""
    in_force = [version for version in versions if from_us(version["effective_us"]) <= now]
    terms: dict[str, Any] = (in_force or versions)[-1 if in_force else 0]["terms"]
    return terms
