"""Where a look at a queue begins, so that it does not walk over everything that was taken from it before.

A queue is taken in the order of a number that only grows: an id, or the instant from which a row is due, which
is never before the instant at which it was written. Numbers are given in order and become visible in any. So
the floor rises to a number only once every transaction that was running when all visible rows up to it were
gone has ended: whatever one of them wrote below it has been seen by then.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

#: Columns of a look: the oldest transaction that runs, and the one that begins next, as its snapshot sees them.
SNAPSHOT = """(pg_snapshot_xmin(pg_current_snapshot())::text)::bigint as oldest_xid,
    (pg_snapshot_xmax(pg_current_snapshot())::text)::bigint as next_xid"""
#: A transaction that has drawn a number and has no number of its own yet is in no snapshot: so often a look
#: begins at the bottom again.
BOTTOM_EVERY_S = 60.0


@dataclass(frozen=True, slots=True)
class Look:
    """What one look at a queue knows: nothing that its snapshot saw is left up to `cleared`; None: it saw
    nothing at all."""

    cleared: int | None
    oldest_xid: int
    next_xid: int


@dataclass(slots=True)
class Floor:
    """The number up to which one process found a queue empty. Others may take from it too."""

    now: Callable[[], float] = time.monotonic
    _height: int = 0
    _highest: int = 0
    _rising: tuple[int, int] | None = None
    _at_the_bottom: float = 0.0

    def start(self) -> int:
        """Where the next look begins: at the first row with a greater number."""
        if self.now() - self._at_the_bottom >= BOTTOM_EVERY_S:
            self._at_the_bottom, self._height, self._rising = self.now(), 0, None
        return self._height

    def looked(self, look: Look) -> None:
        """Note a look that began at the floor, and has taken what it saw up to `look.cleared`."""
        cleared = self._highest if look.cleared is None else look.cleared
        self._highest = max(self._highest, cleared)
        if self._rising is not None and look.oldest_xid >= self._rising[1]:
            self._height = max(self._height, min(self._rising[0], cleared))
            self._rising = None
        if self._rising is None and cleared > self._height:
            self._rising = cleared, look.next_xid
