"""Usage that came after all was accepted: what is held for a decision, and what was decided. A decision is about a range
of batches of one contract and period, and about the subjects that the contract had then; pricing takes out what is held or
waived."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

from services.rating.metering.domain.stretches import Stretches, TakenOut

Decision = Literal["bill", "waive"]
Batches = Mapping[str, int]
"""Partition (as text) → a batch."""


@dataclass(frozen=True, slots=True)
class Decided:
    """What was decided about the batches up to `up_to` that nothing was decided about before. It is not about subjects that
    `joined` since."""

    decision: Decision
    up_to: Batches
    joined: frozenset[str] = frozenset()


class _Range(NamedTuple):
    """What was decided about the batches after one, up to another."""

    decision: Decision
    after: int
    up_to: int


@dataclass(frozen=True, slots=True)
class Late:
    """The late usage of a period: of each partition what came after `accepted`, and the decisions about it, in
    order."""

    accepted: Batches
    decisions: tuple[Decided, ...] = ()

    @property
    def decided_up_to(self) -> Batches:
        """Of each partition the batch up to which all is decided, but of subjects that joined since."""
        return {partition: self._held_after(partition) for partition in self.accepted}

    @property
    def joined(self) -> frozenset[str]:
        """The subjects that some decision is not about."""
        return frozenset[str]().union(*[one.joined for one in self.decisions])

    @property
    def held(self) -> TakenOut:
        """What waits for a decision."""
        return TakenOut(self._held(), {subject: self._of(subject)._held() for subject in self.joined})

    @property
    def waived(self) -> TakenOut:
        return TakenOut(self._waived(), {subject: self._of(subject)._waived() for subject in self.joined})

    @property
    def taken_out(self) -> TakenOut:
        """What is not of the period: held or waived."""
        own = {subject: self._of(subject)._taken_out() for subject in self.joined}
        return TakenOut(self._taken_out(), own)

    def billed_beyond(self, covered: Batches, out: TakenOut) -> bool:
        """Whether somebody decided to bill what is not among these batches, or was out of them then. Of a subject that has
        no stretches of its own there nothing was among them."""
        return self._billed_beyond(covered, out.batches) or any(
            self._of(subject)._billed_beyond(covered if subject in out.of else {}, out.of_subject(subject))
            for subject in self.joined
        )

    def _of(self, subject: str) -> "Late":
        """The same of one subject: what was decided about it."""
        return replace(self, decisions=tuple([one for one in self.decisions if subject not in one.joined]))

    def _ranges(self, partition: str) -> Iterator[_Range]:
        after = self.accepted[partition]
        for one in self.decisions:
            up_to = one.up_to.get(partition, 0)
            if up_to > after:
                yield _Range(one.decision, after, up_to)
                after = up_to

    def _held_after(self, partition: str) -> int:
        return max([self.accepted[partition], *[one.up_to for one in self._ranges(partition)]])

    def _held(self) -> Stretches:
        return Stretches({partition: [(self._held_after(partition), None)] for partition in self.accepted})

    def _waived(self) -> Stretches:
        return Stretches(
            {
                partition: [
                    (one.after, one.up_to) for one in self._ranges(partition) if one.decision == "waive"
                ]
                for partition in self.accepted
            }
        )

    def _taken_out(self) -> Stretches:
        return self._waived().with_all(self._held())

    def _billed_beyond(self, covered: Batches, out: Stretches) -> bool:
        return any(
            covered.get(partition, 0) < one.up_to or out.has(int(partition), one.up_to)
            for partition in self.accepted
            for one in self._ranges(partition)
            if one.decision == "bill"
        )
