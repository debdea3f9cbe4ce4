"""What is paid from balances: a document asks for that much less of a line."""

from typing import Final

#: What customers have paid and not used up.
CREDITS_LIABILITY: Final = "credits_liability"
#: What was given: of a draw the part that nobody paid for.
GIVEN: Final = "revenue.promotional"
#: Kind of block → what a draw on it takes back: what was given was never revenue, and what was asked for as short of a
#: commitment is revenue already. Every other block was paid, or agreed, before, and is owed.
_TAKES_BACK: Final = {"promotional": GIVEN, "shortfall": "revenue.shortfall"}


def account_of(kind: str) -> str:
    """The account that a draw on a block of this kind is a debit of."""
    return _TAKES_BACK.get(kind, CREDITS_LIABILITY)


def is_owed(kind: str) -> bool:
    """Whether what is left of a block of this kind is owed."""
    return kind not in _TAKES_BACK
