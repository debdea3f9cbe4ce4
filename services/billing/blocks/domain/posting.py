"""What a change of a block's balance posts."""

from typing import Final

from services.billing.documents.domain.draws import CREDITS_LIABILITY, GIVEN, is_owed
from services.billing.journal.domain.entries import NewEntry, Posting, Source
from services.billing.journal.domain.sources import BLOCK
from shared.topics.rating import BlockRowMessage
from shared.values.instants import from_us
from shared.values.period import local_date

#: What was paid and never used.
BREAKAGE: Final = "revenue.breakage"
#: What was there before, or is there without a document.
OPENING_BALANCE: Final = "opening_balance"
#: What is given back, and not paid out yet.
CUSTOMER_CREDIT: Final = "customer_credit"
#: What a statement asked for as short of a commitment that rolls over: it was no revenue yet.
SHORTFALL: Final = "revenue.shortfall"

_AGAINST: Final = {
    "grant": OPENING_BALANCE,
    "adjustment": OPENING_BALANCE,
    "expiry": BREAKAGE,
    "revived": BREAKAGE,
    "void": BREAKAGE,
    "refund": CUSTOMER_CREDIT,
}


def entry_of(row: BlockRowMessage, zone: str) -> NewEntry | None:
    """Return what a row posts: what customers have paid and not used up rises or falls by what was paid for it, or moves from
    one block to another. None: nothing, as of what is not owed, which posts as it is drawn, of a grant that documents ask for, and of
    what lapses that none asked for."""
    paid = row.amount_minor if row.cost_minor is None else row.cost_minor
    owed = paid - row.unasked_minor
    if not is_owed(row.block_kind) or row.asked_for or not owed:
        return None
    postings = (
        Posting(CREDITS_LIABILITY, row.carried_minor, block_id=row.carried_from),
        Posting(_against(row), owed - row.carried_minor),
        Posting(CREDITS_LIABILITY, -owed, block_id=row.block),
    )
    return NewEntry(
        source=Source(BLOCK, row.block, f"{row.kind}:{row.row}"),
        contract=row.contract,
        customer=row.customer,
        currency=row.currency,
        posted_on=local_date(from_us(row.recorded_us), zone),
        description=f"{row.kind} of {row.block_kind} block {row.block}",
        postings=tuple(posting for posting in postings if posting.amount_minor),
    )


def _against(row: BlockRowMessage) -> str:
    if row.period_start_us is None:
        return _AGAINST[row.kind]
    # what a refill guarantees beyond what was left is a gift
    return SHORTFALL if row.block_kind == "roll_over" else GIVEN
