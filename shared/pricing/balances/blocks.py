"""What is drawn on, period after period."""

from typing import NamedTuple


class BlockDrawn(NamedTuple):
    """What was drawn on a block before the period, in minor units."""

    block: str
    amount_minor: int


class CommitmentCounted(NamedTuple):
    """What was counted towards a postpaid commitment before the period, in minor units."""

    block: str
    amount_minor: int


class Kept(NamedTuple):
    """What a block that a refill makes keeps of the one before it, beside its own amount."""

    block: str
    amount_minor: int
