"""A line that says its amount."""

from typing import Self

from shared.pricing.escalator import Raise
from shared.pricing.fields import Amount
from shared.pricing.lines.line import LineClause


class AmountLine(LineClause):
    """What is charged is written, and raised by escalators."""

    amount: Amount

    def escalated(self, price_now: Raise) -> Self:
        return self.having(amount=price_now(self.amount))
