"""Phases."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Annotated, Self

from pydantic import Field, model_validator

from shared.pricing.clause import Clause
from shared.pricing.faults import Fault, refuse
from shared.pricing.fields import Amount, Day
from shared.pricing.language.cap import SpendCap
from shared.pricing.rounding import RoundUsedFirst


class Phase(Clause):
    """From this day, until the next phase, at least `minimum_spend` is charged each period, and at most `cap`, which
    goes before that of the terms. What is used is rounded before it is compared, line by line (`round_used_first`)."""

    from_: Annotated[Day, Field(alias="from")]
    minimum_spend: Amount | None = None
    cap: SpendCap | None = None
    round_used_first: RoundUsedFirst = True

    @model_validator(mode="after")
    def _says_a_bound(self) -> Self:
        if self.minimum_spend is None and self.cap is None:
            refuse([Fault(("minimum_spend",), "missing", "A phase says a minimum_spend, a cap, or both.")])
        return self


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


def minimum_above_cap(phases: Sequence[Phase], otherwise: SpendCap | None) -> list[Fault]:
    """`otherwise` is the cap of a phase that says none."""
    return [
        Fault(
            ("phases", index, "minimum_spend"),
            "minimum_above_cap",
            f"It is at most the cap of that time, {cap.spend_per_period:f}; lower it, or raise the cap.",
        )
        for index, phase in enumerate(phases)
        if (cap := phase.cap or otherwise) is not None
        and phase.minimum_spend is not None
        and phase.minimum_spend > cap.spend_per_period
    ]
