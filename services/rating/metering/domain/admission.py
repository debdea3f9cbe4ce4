"""Which groups of a meter count as themselves. A group does where it has a row of `admitted_groups`, and in
`other` where not.

A meter's month is *uncrowded* while all of its subjects together have at most the limit of groups: a row then
stands for every subject (EVERYONE), for none can be over the limit. From the group on that is one too many it
is *crowded*: each subject has rows of its own, as many as the limit, and those of the values that contracts
name whether there is room or not. A row is never deleted; it comes before the first event of its group is
counted, or with the recount that moves what was counted in `other`. A group that is too long to be part of a
key is never let in.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache

from services.rating.metering.domain.group import NO_GROUP, OTHER, GroupKey, dimensions_of
from services.rating.metering.domain.tally import HOUR_US
from shared.values.instants import from_us

MeterMonth = tuple[str, date]
#: The subject of a row that stands for every subject; no subject is empty.
EVERYONE = ""
#: Of a group's text in UTF-8. A row of an index holds 2,704 bytes, and a key of admitted groups has the longest
#: subject and the longest name of a meter beside it.
GROUP_BYTES_MAX = 1500


@lru_cache(10_000)
def month_of(hour: int) -> date:
    """The UTC month of an hour (hours since the epoch), as its first day."""
    return from_us(hour * HOUR_US).date().replace(day=1)


def too_long(group: GroupKey) -> bool:
    """Whether the group cannot be let in, named or not: values and dimensions together outgrow a key."""
    return len(group.encode()) > GROUP_BYTES_MAX


@dataclass(frozen=True, slots=True)
class Names:
    """The values that contracts name: meter → (dimension, value) → the batch before which it was not
    named."""

    values: Mapping[str, Mapping[tuple[str, str], int]] = field(default_factory=dict)

    @property
    def newest(self) -> int:
        return max((since for values in self.values.values() for since in values.values()), default=0)

    def since(self, meter: str, group: GroupKey) -> int | None:
        """Since which batch a value of the group is named; None: none is, or the group is too long to be let in."""
        named = self.values.get(meter)
        if not named or group == OTHER or too_long(group):
            return None
        return min((named[pair] for pair in _pairs(group) if pair in named), default=None)

    def unnamed(self, meter: str, groups: Iterable[GroupKey]) -> int:
        """How many of the groups need room."""
        return sum(group != OTHER and self.since(meter, group) is None for group in groups)


@dataclass(slots=True)
class Own:
    """The rows of one subject in a crowded month: its groups and, once one was turned away, since which
    batch."""

    groups: set[GroupKey] = field(default_factory=set)
    other_since: int | None = None

    def admits(self, named_since: int | None, unnamed: int, groups_max: int) -> bool:
        """Whether a new group is let in: while nothing was turned away by room or name, then by a name that
        was there before."""
        if self.other_since is None:
            return named_since is not None or unnamed < groups_max
        return named_since is not None and named_since <= self.other_since


@dataclass(slots=True)
class Admission:
    """The crowded months of some meters, and the rows of some subjects in them."""

    own: dict[MeterMonth, dict[str, Own]] = field(default_factory=dict)

    def where(self, subject: str, meter: str, group: GroupKey, hour: int) -> GroupKey:
        """The group that this usage is counted in."""
        subjects = self.own.get((meter, month_of(hour)))
        if subjects is None or group == NO_GROUP:
            return group
        own = subjects.get(subject)
        return group if own is not None and group in own.groups else OTHER


@lru_cache(2000)
def _pairs(group: GroupKey) -> tuple[tuple[str, str], ...]:
    return tuple(dimensions_of(group).items())
