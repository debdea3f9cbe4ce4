"""An entry as read and as written: the fields are the columns."""

from dataclasses import dataclass
from datetime import date
from typing import Self

from services.billing.journal.domain.entries import NewEntry, Posting
from shared.db.columns import Integer
from shared.values.made_from import made_from


@dataclass(frozen=True, slots=True)
class Entry:
    """A balanced entry: its postings sum to zero. `document_id` and `number` are None where it books no
    document."""

    entry_id: str
    source_kind: str
    source_id: str
    event: str
    document_id: str | None
    number: str | None
    contract: str | None
    customer: str
    posted_on: date
    description: str
    currency: str
    postings: tuple[Posting, ...]


@dataclass(frozen=True, slots=True)
class EntryRow:
    """A row of `journal_entries`."""

    entry_id: str
    source_kind: str
    source_id: str
    event: str
    contract: str | None
    customer: str
    currency: str
    posted_on: date
    description: str

    @classmethod
    def of(cls, entry_id: str, entry: NewEntry) -> Self:
        return made_from(
            cls,
            entry,
            entry_id=entry_id,
            source_kind=entry.source.kind,
            source_id=entry.source.id,
            event=entry.source.event,
        )


@dataclass(frozen=True, slots=True)
class PostingRow:
    """A row of `journal_postings`."""

    entry_id: str
    position: Integer
    account: str
    amount_minor: int
    currency: str
    line_id: str | None
    block_id: str | None


@dataclass(frozen=True, slots=True)
class Numbered:
    """The documents of one series whose periods end in a month: how many, the first and the last of their numbers, and of
    how many the journal has no entry."""

    series: str
    documents: int
    first: str
    last: str
    unposted: int


@dataclass(frozen=True, slots=True)
class EntryFilter:
    """Every field that is given must match. `account`, `block_id`: entries with a posting on it, shown whole."""

    document_id: str | None = None
    block_id: str | None = None
    account: str | None = None
    customer: str | None = None
    contract: str | None = None
    currency: str | None = None
    posted_from: date | None = None
    posted_to: date | None = None
