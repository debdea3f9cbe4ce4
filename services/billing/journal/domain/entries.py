"""Double entry: what happened, and what it posts. A debit is positive, a credit negative."""

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class Source:
    """What an entry books: an `event` of a thing, which is known by its kind and id. It is booked once."""

    kind: str
    id: str
    event: str


@dataclass(frozen=True, slots=True)
class Posting:
    """A debit (positive) or credit (negative), in minor units; `line_id`: the document's line that it books, `block_id`:
    the block whose balance it changes."""

    account: str
    amount_minor: int
    line_id: str | None = None
    block_id: str | None = None


@dataclass(frozen=True, slots=True)
class NewEntry:
    """A balanced entry: its postings sum to zero. `customer` is an external id."""

    source: Source
    contract: str | None
    customer: str
    currency: str
    posted_on: date
    description: str
    postings: tuple[Posting, ...]

    def __post_init__(self) -> None:
        assert sum(posting.amount_minor for posting in self.postings) == 0, "an entry balances"
        assert all(posting.amount_minor for posting in self.postings), "nothing is not posted"
