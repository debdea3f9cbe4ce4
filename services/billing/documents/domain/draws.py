"""What is paid from balances: a document asks for that much less of a line."""

from typing import Final

#: What customers have paid and not used up.
CREDITS_LIABILITY: Final = "credits_liability"
#: A gift: what is drawn of it was never revenue. Every other block was paid, or agreed, before.
PROMOTIONAL: Final = "promotional"


def account_of(kind: str) -> str:
    """The account that a draw on a block of this kind is a debit of."""
    return "revenue.promotional" if kind == PROMOTIONAL else CREDITS_LIABILITY
