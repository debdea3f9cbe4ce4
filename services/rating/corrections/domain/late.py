"""Usage that came after all was accepted: what is held for a decision, and what was decided. A decision is about a range
of batches of one contract and period; pricing takes out what is held or waived."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from services.rating.metering.domain.stretches import Stretches

Decision = Literal["bill", "waive"]
Batches = Mapping[str, int]
"""Partition (as text) → a batch."""


@dataclass(frozen=True, slots=True)
class Decided:
    """What was decided about the batches after `after`, up to `up_to`."""

    decision: Decision
    after: Batches
    up_to: Batches


@dataclass(frozen=True, slots=True)
class Late:
    """The late usage of a period: of each partition what came after `accepted`, and the decisions about it, in
    order."""

    accepted: Batches
    decisions: tuple[Decided, ...] = ()

    @property
    def decided_up_to(self) -> Batches:
        """Of each partition the batch up to which all is decided."""
        last = self.decisions[-1].up_to if self.decisions else {}
        return {partition: max(batch, last.get(partition, 0)) for partition, batch in self.accepted.items()}

    @property
    def held(self) -> Stretches:
        """What waits for a decision."""
        return Stretches({partition: [(batch, None)] for partition, batch in self.decided_up_to.items()})

    @property
    def waived(self) -> Stretches:
        return Stretches({partition: list(self._waived(partition)) for partition in self.accepted})

    @property
    def taken_out(self) -> Stretches:
        """What is not of the period: held or waived."""
        return Stretches(
            {
                partition: [*self._waived(partition), (batch, None)]
                for partition, batch in self.decided_up_to.items()
            }
        )

    def billed_beyond(self, covered: Batches, out: Stretches) -> bool:
        """Whether somebody decided to bill what is not among these batches, or was out of them then."""
        return any(
            last > one.after.get(partition, 0)
            and (covered.get(partition, 0) < last or out.has(int(partition), last))
            for one in self.decisions
            if one.decision == "bill"
            for partition, last in one.up_to.items()
        )

    def _waived(self, partition: str) -> Iterator[tuple[int, int | None]]:
        return (
            (one.after[partition], one.up_to[partition])
            for one in self.decisions
            if one.decision == "waive" and one.up_to.get(partition, 0) > one.after.get(partition, 0)
        )
