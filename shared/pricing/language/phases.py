"""Phases."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Annotated

from pydantic import Field

from shared.pricing.clause import Clause
from shared.pricing.faults import Fault
from shared.pricing.fields import Amount, Day


class Phase(Clause):
    """From this day, until the next phase, at least this much is charged each period."""

    from_: Annotated[Day, Field(alias="from")]
    minimum_spend: Amount


def overlapping_phases(phases: Sequence[Phase]) -> list[Fault]:
    return [
        Fault(
            ("phases", index, "from"),
            "phase_overlap",
            f"It is after the phase before it ({earlier.from_}); a phase ends where the next begins.",
        )
        for index, (earlier, later) in enumerate(pairwise(phases), start=1)
        if later.from_ <= earlier.from_
    ]
