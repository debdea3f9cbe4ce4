"""Measured: what was counted in each stretch of a line."""

from collections.abc import Sequence

import msgspec

from shared.errors import AppError
from shared.pricing.lines import LineClause
from shared.pricing.needs import Totals, TotalsRead, Usage
from shared.pricing.placed import Placed


class UsageMissing(AppError):
    """Pricing was not given the usage of a line; a part of a statement is never priced in silence."""


class Measured(msgspec.Struct, frozen=True, gc=False):
    """A line with the answer to each of its needs, groups of zero left out."""

    line: Placed[LineClause]
    counted: Sequence[TotalsRead] = ()
    full: Sequence[TotalsRead] = ()


def measure(lines: Sequence[Placed[LineClause]], usage: Usage) -> list[Measured]:
    """Raises UsageMissing."""
    return [
        Measured(line, _counted(line.needs, usage), _counted(line.full, usage) if line.full else ())
        if line.needs
        else Measured(line)
        for line in lines
    ]


def _counted(needs: Sequence[Totals], usage: Usage) -> list[TotalsRead]:
    answers: list[TotalsRead] = []
    for need in needs:
        found = usage.get(need)
        if found is None:
            raise UsageMissing(
                f"The usage of {need.meter} for line {need.line_key} from {need.start.isoformat()} is missing; read it and price again."
            )
        if not all(found.values()):
            found = {group: quantity for group, quantity in found.items() if quantity}
        answers.append(found)
    return answers
