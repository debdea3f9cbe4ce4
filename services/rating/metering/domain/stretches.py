"""Stretches of batches: what came in them, of events or of voids."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

#: After one batch and up to another; None: and all that follow.
Stretch = tuple[int, int | None]
#: Batches are numbered from 1 on.
FIRST: Final = 0


@dataclass(frozen=True, slots=True)
class Stretches:
    """Partition (as text) → stretches of its batches, in order and apart."""

    batches: Mapping[str, Sequence[Stretch]] = field(default_factory=dict)

    @classmethod
    def up_to(cls, batches: Mapping[str, int]) -> "Stretches":
        """All that came up to these batches."""
        return cls({partition: [(FIRST, batch)] for partition, batch in batches.items()})

    @classmethod
    def stored(cls, found: Mapping[str, Any] | None) -> "Stretches":
        """As `as_stored` says them; None: none."""
        return cls(
            {
                partition: [(after, until) for after, until in stretches]
                for partition, stretches in (found or {}).items()
            }
        )

    def has(self, partition: int, batch_id: int) -> bool:
        """Whether a batch is in one of them."""
        return any(
            after < batch_id and (until is None or batch_id <= until)
            for after, until in self.batches.get(str(partition), ())
        )

    def reaches(self, watermark: Mapping[str, int]) -> bool:
        """Whether any is begun by these batches."""
        return any(
            stretches and watermark.get(partition, FIRST) > stretches[0][0]
            for partition, stretches in self.batches.items()
        )

    def with_all(self, others: "Stretches") -> "Stretches":
        """These and others."""
        return Stretches(
            {
                partition: list(_merged([*self._of(partition), *others._of(partition)]))
                for partition in sorted({*self.batches, *others.batches})
            }
        )

    def without(self, others: "Stretches") -> "Stretches":
        """What of these is in none of the others."""
        return Stretches(
            {
                partition: [rest for one in stretches for rest in _outside(one, others._of(partition))]
                for partition, stretches in self.batches.items()
            }
        )

    def as_stored(self) -> dict[str, list[list[int | None]]]:
        return {
            partition: [list(stretch) for stretch in stretches]
            for partition, stretches in self.batches.items()
        }

    def _of(self, partition: str) -> Sequence[Stretch]:
        return self.batches.get(partition, ())


NOTHING_OUT: Final = Stretches()


@dataclass(frozen=True, slots=True)
class TakenOut:
    """What is left out of a customer's usage: what came in these batches, and of the subjects that `of` names, which are
    its own or have left it, in stretches of their own in place of these."""

    batches: Stretches = NOTHING_OUT
    of: Mapping[str, Stretches] = field(default_factory=dict)

    @classmethod
    def stored(cls, batches: Mapping[str, Any] | None, of: Mapping[str, Any] | None) -> "TakenOut":
        """As `as_stored` says them; None: none."""
        own = {subject: Stretches.stored(found) for subject, found in (of or {}).items()}
        return cls(Stretches.stored(batches), own)

    def of_subject(self, subject: str) -> Stretches:
        return self.of.get(subject, self.batches)

    def reaches(self, watermark: Mapping[str, int]) -> bool:
        """Whether any is begun by these batches, or a subject has some of its own."""
        return bool(self.of) or self.batches.reaches(watermark)

    def own_as_stored(self) -> dict[str, dict[str, list[list[int | None]]]] | None:
        """Those that subjects have of their own; None: none."""
        return {subject: stretches.as_stored() for subject, stretches in self.of.items()} or None


NOTHING_TAKEN_OUT: Final = TakenOut()


def _merged(stretches: Sequence[Stretch]) -> Iterator[Stretch]:
    found: Stretch | None = None
    for after, until in sorted(stretches, key=lambda one: one[0]):
        if found is None or (found[1] is not None and after > found[1]):
            if found is not None:
                yield found
            found = after, until
        elif found[1] is not None:
            found = found[0], None if until is None else max(found[1], until)
    if found is not None:
        yield found


def _outside(one: Stretch, taken: Sequence[Stretch]) -> Iterator[Stretch]:
    after, end = one
    for start, until in taken:
        if end is not None and start >= end:
            break
        if start > after:
            yield after, start
        if until is None:
            return
        after = max(after, until)
    if end is None or after < end:
        yield after, end
