"""What is at stake in a customer: the revenue that its contracts settled in twelve months. Currencies are never added."""

from collections import Counter
from collections.abc import Mapping

from services.signals.domain.shown import Document
from shared.values.money import currency, format_minor

Worth = Mapping[str, int]
"""Currency → minor units."""
Stake = Mapping[str, Worth]
"""Contract → what it settled."""


def of_all(stake: Stake) -> Worth:
    """What all contracts settled."""
    total: Counter[str] = Counter()
    for worth in stake.values():
        total.update(worth)
    return total


def shown_stake(worth: Worth | None) -> Document:
    """`at_stake` as a list of amounts, a currency each; nothing while it is not known."""
    if worth is None:
        return {}
    amounts = [
        {"currency": code, "amount": format_minor(minor, currency(code))}
        for code, minor in sorted(worth.items())
    ]
    return {"at_stake": amounts}
