"""The spans in which use is counted, so that none of them cuts a rhythm: a week for who uses every week, and for
who uses now and then (every other week, at each month's end, once a quarter) all from one beginning to the next.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

SILENT_WEEKS_MIN = 2
#: A rhythm has returned at least so often, and is silent for at least this share of its weeks.
BURSTS_MIN, SILENT_SHARE_MIN = 3, 0.25
#: A pause so much longer than the usual one is an outage.
OUTAGE_TIMES = 2


class Spans(NamedTuple):
    """What was used in each span, oldest first, and how many weeks each is long."""

    events: Sequence[float]
    weeks: Sequence[int]


def cycles(weeks: Sequence[int]) -> Spans | None:
    """A span from each beginning of use to the next, where use comes and goes; None where it does not.

    Use that has begun with the first week may be cut and is no whole one; what is used now is whole once a silent week
    has ended it. A pause twice as long as the usual one is an outage and counts as a usual one.
    """
    bursts = _whole_bursts(weeks)
    if len(bursts) < BURSTS_MIN:
        return None
    lengths = [later - earlier for (earlier, _), (later, _) in pairwise(bursts)]
    usual = sorted(lengths)[len(lengths) // 2]
    lengths = [length if length <= OUTAGE_TIMES * usual else usual for length in lengths]
    used = sum(end - start for start, end in bursts[:-1])
    if sum(lengths) - used < SILENT_SHARE_MIN * sum(lengths):
        return None
    return Spans([sum(weeks[start:end]) for start, end in bursts], [*lengths, usual])


def _whole_bursts(weeks: Sequence[int]) -> list[tuple[int, int]]:
    """The runs of weeks with use, [start, end), that begin after the first week and are over."""
    found = []
    start = None
    for at, events in enumerate(weeks):
        if events and start is None:
            start = at
        elif not events and start is not None:
            found.append((start, at))
            start = None
    return found[1:] if found and found[0][0] == 0 else found


def spoken(weeks: Sequence[float]) -> Spans:
    """The weeks, each by itself, without runs of silence."""
    if 0 not in weeks:
        return Spans(weeks, [1] * len(weeks))
    kept: list[float] = []
    silent = 0
    for week in weeks:
        silent = 0 if week else silent + 1
        kept.append(week)
        if silent == SILENT_WEEKS_MIN:
            del kept[-SILENT_WEEKS_MIN:]
        elif silent > SILENT_WEEKS_MIN:
            kept.pop()
    return Spans(kept, [1] * len(kept))
