"""What a document posts when it is finalized."""

from collections.abc import Iterator

from services.billing.documents.domain.draws import GIVEN, account_of
from services.billing.finalization.domain.drafts import Numbered
from services.billing.journal.domain.entries import NewEntry, Posting, Source
from services.billing.journal.domain.sources import DOCUMENT, FINALIZED


def entry_of(document: Numbered) -> NewEntry:
    """Return what the document posts to the accounts of its kind: the customer owes the total, each line is
    revenue of its own, and what of it is paid from a balance is a debit of that: at what was paid for the balance, and the
    rest of revenue, which it never was. Zero amounts post nothing."""
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
            paid_minor = draw.amount_minor - draw.given_minor
            yield Posting(account_of(draw.kind), paid_minor, line.line_id, draw.block)
            yield Posting(GIVEN, draw.given_minor, line.line_id, draw.block)
