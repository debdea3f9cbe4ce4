"""What of a lapse no document asked for: it was never owed, so it is no revenue."""

from typing import NamedTuple


class Lapsed(NamedTuple):
    """Of a block, in minor units: what no document asks for of what it was granted, what has lapsed so far, less what late
    usage took back, and what of that was not asked for."""

    unasked_minor: int = 0
    minor: int = 0
    of_unasked_minor: int = 0

    def of_expiry(self, minor: int) -> int:
        """Return what of so much more that lapses was not asked for: what usage has drawn was asked for first."""
        return min(minor, max(self.unasked_minor - self.of_unasked_minor, 0))

    def of_revived(self, minor: int) -> int:
        """Return what of so much that late usage takes back was not asked for: what was is taken back first."""
        return max(minor - (self.minor - self.of_unasked_minor), 0)
