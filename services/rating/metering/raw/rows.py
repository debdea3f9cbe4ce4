"""Which stored events are asked for, as a filter."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import asyncpg

from services.rating.metering.domain.apart import Apart, Left
from services.rating.metering.domain.stretches import TakenOut


@dataclass(frozen=True, slots=True)
class Selection:
    """Events of these subjects that a meter counts in [start, end), what stands `apart` left out.

    `group`: asked dimensions; `before_batch`: partition → last batch id; `out`: what is left out, voids too; `left`: of
    subjects that have left, what counts all the same.
    """

    subjects: tuple[str, ...]
    meter: str
    start: datetime
    end: datetime
    group: Mapping[str, str]
    before_batch: Mapping[str, int] | None = None
    apart: tuple[Apart, ...] = ()
    left: tuple[Left, ...] = ()
    out: TakenOut | None = None
    #: Of the meter's version to count by; None: as it counts now.
    revision: int | None = None

    def leaves_out(self, row: asyncpg.Record) -> bool:
        place = row["partition"], row["batch_id"]
        return any(apart.covers(row["subject"], row["time"], *place) for apart in self.apart) or any(
            left.subject == row["subject"] and not left.counted.has(*place) for left in self.left
        )
