"""What a document posts when it is finalized."""

from collections.abc import Iterator

from services.billing.documents.domain.draws import account_of
from services.billing.finalization.domain.drafts import Numbered
from services.billing.journal.domain.entries import NewEntry, Posting, Source
from services.billing.journal.domain.sources import DOCUMENT, FINALIZED


def entry_of(document: Numbered) -> NewEntry:
    """Return what the document posts to the accounts of its kind: the customer owes the total, each line is
    revenue of its own, and what of it is paid from a balance is a debit of that. Zero amounts post nothing."""
    draft = document.draft
    return NewEntry(
        source=Source(DOCUMENT, draft.document_id, FINALIZED),
        contract=draft.contract,
        customer=draft.customer,
        currency=draft.currency,
        posted_on=document.issued_on,
        description=f"{draft.kind.name} {document.number}",
        postings=tuple(posting for posting in _postings(document) if posting.amount_minor),
    )


def _postings(document: Numbered) -> Iterator[Posting]:
    draft = document.draft
    yield Posting(draft.kind.receivable, draft.total_minor)
    for line in draft.lines:
        yield Posting(draft.kind.account_of(line.kind), -line.amount_minor, line.line_id, draft.block)
        for draw in line.draws:
            yield Posting(account_of(draw.kind), draw.amount_minor, line.line_id, draw.block)
