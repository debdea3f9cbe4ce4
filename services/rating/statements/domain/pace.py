"""How often a statement is priced again between barriers: often while usage is metered at once, seldom while
it waits its turn."""

from dataclasses import dataclass

#: A statement rests so many times as long as usage waits to be metered.
SPARING = 4.0
#: Looks for rested statements within one rest.
LOOKS = 20


@dataclass(frozen=True, slots=True)
class Pace:
    """How long a statement rests after a revision. Seconds, as everything here.

    A statement can only cover what is metered. While usage waits its turn, pricing again and again would make
    it wait longer and show nothing newer, so statements rest the longer the later usage is metered. When none
    is metered there is nothing to spare.
    """

    min_s: float
    max_s: float

    @property
    def late_s(self) -> float:
        """From how late usage is metered a statement rests longer than the least time."""
        return self.min_s / SPARING

    def rest_s(self, behind_s: float) -> float:
        return min(max(self.min_s, SPARING * behind_s), self.max_s)

    def pause_s(self, rest_s: float) -> float:
        """How long to wait after finding nothing rested; no time at all while statements rest for the least
        time."""
        return rest_s / LOOKS if rest_s > self.min_s else 0.0
