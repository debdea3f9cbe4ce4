"""When a loop that always finds a little rests, so that its next round carries more: every transaction has a
price, whatever it carries.

Under a steady trickle a loop without rest is busy all the time with rounds of a few records each, and takes
the machine from those who have much to do. Resting a few times as long as a round took, rounds grow until
what they carry outweighs what they cost.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

#: Rests so many times as long as its round took, at most so many seconds.
SHARE, REST_MAX_S = 3.0, 0.2
#: So long something must have been there at every look: a burst is answered at once.
FLOWS_AFTER_S = 0.5
#: What was found within this time had been waiting.
AT_ONCE_S = 0.02


def rest_s(took_s: float, *, full: bool) -> float:
    """Seconds to rest after a round that took so many; none after one that was `full`, which carried as much
    as makes it worth its price."""
    return 0.0 if full else min(SHARE * took_s, REST_MAX_S)


@dataclass(slots=True)
class Flow:
    """Whether a loop finds something at every look, for a while now."""

    now: Callable[[], float] = time.monotonic
    _since: float = field(init=False)

    def __post_init__(self) -> None:
        self._since = self.now()

    def looked(self, waited_s: float) -> bool:
        """Note a look that had to wait so many seconds; True while things flow."""
        if waited_s > AT_ONCE_S:
            self._since = self.now()
        return self.now() - self._since >= FLOWS_AFTER_S
