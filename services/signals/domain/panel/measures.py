"""How well a score orders customer-months, and how true its probabilities are: each measure once, over groups of equal
value, so that no order among equals is invented."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from operator import mul, sub

TENTHS = 10


@dataclass(frozen=True, slots=True)
class Measures:
    """`precision` and `recall` at as many calls as there are losses. `brier` and `calibration_error` only of what is a
    probability. All None where nobody, or everybody, was lost."""

    auc: float
    average_precision: float
    precision: float
    recall: float
    brier: float | None
    calibration_error: float | None


@dataclass(frozen=True, slots=True)
class Groups:
    """Groups of equal value, the highest first: how many customer-months each has, and how many of them were lost."""

    values: Sequence[float]
    many: Sequence[int]
    lost: Sequence[int]


def measured(groups: Groups, *, is_probability: bool) -> Measures | None:
    """None where nobody, or everybody, was lost: there is nothing to order."""
    lost = sum(groups.lost)
    kept = sum(groups.many) - lost
    if not lost or not kept:
        return None
    hits = _hits(groups, lost)
    return Measures(
        _auc(groups, lost, kept),
        _average_precision(groups, lost),
        hits / lost,
        hits / lost,
        _brier(groups) if is_probability else None,
        _calibration_error(groups) if is_probability else None,
    )


def _auc(groups: Groups, lost: int, kept: int) -> float:
    """How often of one lost and one kept the lost has the higher value; equal ones count half."""
    kept_here = list(map(sub, groups.many, groups.lost))
    not_below: int = sum(map(mul, kept_here, accumulate(groups.lost)))
    equal: int = sum(map(mul, kept_here, groups.lost))
    return (not_below - equal / 2) / (lost * kept)


def _average_precision(groups: Groups, lost: int) -> float:
    """The precision at each lost one, on average; those of equal value are called together."""
    found = zip(groups.lost, accumulate(groups.lost), accumulate(groups.many), strict=True)
    return sum(here * lost_above / above for here, lost_above, above in found if here) / lost


def _hits(groups: Groups, calls: int) -> float:
    """How many of the `calls` highest were lost; of equal ones at the end so many as there are on average."""
    hits, left = 0.0, calls
    for many, lost in zip(groups.many, groups.lost, strict=True):
        if many >= left:
            return hits + lost * left / many
        hits, left = hits + lost, left - many
    return hits


def _brier(groups: Groups) -> float:
    """The mean square of what the probability missed by."""
    found = zip(groups.values, groups.many, groups.lost, strict=True)
    missed = sum(many * value * value + lost * (1 - 2 * value) for value, many, lost in found)
    return missed / sum(groups.many)


def _calibration_error(groups: Groups) -> float:
    """How far what was said is from what happened, on average over tenths."""
    return sum(abs(said - happened) for said, happened in tenths(groups)) / TENTHS


def tenths(groups: Groups) -> Iterator[tuple[float, float]]:
    """Mean probability and share lost of each tenth, the highest first. A group that a bound cuts is divided."""
    size = sum(groups.many) / TENTHS
    said = _tenths_of(list(map(mul, groups.values, groups.many)), groups.many)
    for said_here, lost_here in zip(said, _tenths_of(groups.lost, groups.many), strict=True):
        yield said_here / size, lost_here / size


def _tenths_of(parts: Sequence[float], many: Sequence[int]) -> list[float]:
    """What the parts come to in each tenth of `many`."""
    total, sums, place = sum(many), [0.0], 0
    above, before = 0, 0.0
    for number in range(1, TENTHS + 1):
        bound = total * number / TENTHS
        while place < len(many) - 1 and above + many[place] < bound:
            above, before, place = above + many[place], before + parts[place], place + 1
        inside = (bound - above) / many[place] if many[place] else 0.0
        sums.append(before + parts[place] * inside)
    return [end - begin for begin, end in pairwise(sums)]
