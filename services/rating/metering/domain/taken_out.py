"""Usage that is taken out of a period: what came in some batches counts as if it had not come, voids too."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class TakenOut:
    """Partition (as text) → stretches of batches, each after one batch and up to another (None: and all that follow),
    in order and apart."""

    batches: Mapping[str, Sequence[tuple[int, int | None]]]

    def has(self, partition: int, batch_id: int) -> bool:
        """Whether what came in this batch is taken out."""
        return any(
            after < batch_id and (until is None or batch_id <= until)
            for after, until in self.batches.get(str(partition), ())
        )

    def reaches(self, watermark: Mapping[str, int]) -> bool:
        """Whether anything up to these batches is taken out."""
        return any(
            stretches and watermark.get(partition, 0) > stretches[0][0]
            for partition, stretches in self.batches.items()
        )

    def as_stored(self) -> Mapping[str, Any]:
        return {
            partition: [list(stretch) for stretch in stretches]
            for partition, stretches in self.batches.items()
        }
