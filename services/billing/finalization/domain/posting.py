"""Double entry: what a document posts. A debit is positive, a credit negative."""

from collections.abc import Iterator
from dataclasses import dataclass

from services.billing.finalization.domain.drafts import Draft


@dataclass(frozen=True, slots=True)
class Posting:
    account: str
    amount_minor: int
    line_id: str | None = None


def postings_of(draft: Draft) -> tuple[Posting, ...]:
    """Return what the document posts to the accounts of its kind: the customer owes the total, each line is
    revenue of its own. Zero amounts post nothing."""
    found = tuple(posting for posting in _postings(draft) if posting.amount_minor)
    assert sum(posting.amount_minor for posting in found) == 0, "an entry balances"
    return found


def _postings(draft: Draft) -> Iterator[Posting]:
    yield Posting(draft.kind.receivable, draft.total_minor)
    for line in draft.lines:
        yield Posting(f"{draft.kind.revenue}.{line.kind}", -line.amount_minor, line.line_id)
