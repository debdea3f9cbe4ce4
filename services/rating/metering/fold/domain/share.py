"""What one fold takes of what waits."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple


class Waiting(NamedTuple):
    """A delta that waits, and its size."""

    partition: int
    batch_id: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Backlog:
    """What waits, each partition's in order, and the last batch of each partition. `cut`: the partitions of
    which more waits than is listed."""

    waiting: Sequence[Waiting]
    last: Mapping[int, int]
    cut: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Share:
    """The deltas to fold, the watermark behind them, partition (as text) → batch id, and whether more
    waits."""

    chosen: Sequence[Waiting]
    watermark: Mapping[str, int]
    more: bool


def share_of(backlog: Backlog, watermark: Mapping[str, int], bytes_max: int) -> Share:
    """Take from the front of each partition, about in the order in which batches came, up to so many bytes
    and one delta at least.

    Of a partition taken whole the watermark is its last batch, which may have left no delta. Numbers of
    different partitions are never compared but for that order: within one partition only do they rise as
    batches commit.
    """
    chosen: list[Waiting] = []
    size = 0
    ordered = sorted(backlog.waiting, key=lambda delta: (delta.batch_id, delta.partition))
    for delta in ordered:
        size += delta.bytes
        if chosen and size > bytes_max:
            break
        chosen.append(delta)
    left = {delta.partition for delta in ordered[len(chosen) :]} | backlog.cut
    moved = {str(partition): batch for partition, batch in backlog.last.items() if partition not in left}
    for delta in chosen:
        if delta.partition in left:
            moved[str(delta.partition)] = delta.batch_id
    return Share(chosen, {**watermark, **moved}, bool(left))
