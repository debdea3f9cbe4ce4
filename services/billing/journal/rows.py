"""An entry as read."""

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class Posting:
    """A debit (positive) or credit (negative), in minor units."""

    account: str
    amount_minor: int
    line_id: str | None


@dataclass(frozen=True, slots=True)
class Entry:
    """A balanced entry: its postings sum to zero."""

    entry_id: str
    document_id: str
    number: str
    contract: str
    customer: str
    posted_on: date
    description: str
    currency: str
    postings: tuple[Posting, ...]


@dataclass(frozen=True, slots=True)
class EntryFilter:
    """Every field that is given must match. `account`: entries with a posting on it, shown whole."""

    document_id: str | None = None
    account: str | None = None
    customer: str | None = None
    contract: str | None = None
    currency: str | None = None
    posted_from: date | None = None
    posted_to: date | None = None
