"""Customers, as rows, and what a list of them is asked for."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class CustomerFilter:
    """Which customers; None does not restrict. `q`: how the external id or the name begins."""

    q: str | None = None


@dataclass(frozen=True, slots=True)
class Customer:
    customer_id: str
    external_id: str
    name: str
    legal_entity: str
    timezone: str
    revision: int
    created_at: datetime
    aliases: tuple[str, ...]
