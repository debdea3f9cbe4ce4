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
    counted: Sequence[TotalsRead]
    full: Sequence[TotalsRead] = ()


def measure(lines: Sequence[Placed[LineClause]], usage: Usage) -> list[Measured]:
    """Raises UsageMissing."""
    measured = []
    for line in lines:
        counted = [_counted(need, usage) for need in line.needs] if line.needs else ()
        full = [_counted(need, usage) for need in line.full] if line.full else ()
        measured.append(Measured(line, counted, full))
    return measured


def _counted(need: Totals, usage: Usage) -> TotalsRead:
    found = usage.get(need)
    if found is None:
        raise UsageMissing(
            f"The usage of {need.meter} for line {need.line_key} from {need.start.isoformat()} is missing; read it and price again."
        )
    if all(found.values()):
        return found
    return {group: quantity for group, quantity in found.items() if quantity}
