"""Explained: the steps that lead to each line, read off what the stages handed over."""

from collections.abc import Iterator, Sequence

from shared.pricing.explanation.step import Input, Step
from shared.pricing.layout import Minimum
from shared.pricing.lines import TOP_UP
from shared.pricing.results import PricedLine
from shared.pricing.steps.covered import Covered
from shared.pricing.steps.gross import Gross
from shared.values.money import Currency, Rounding, to_decimal

LineSteps = tuple[str, tuple[Step, ...]]
"""The id of a line, and the steps that lead to its amount, in order."""


def explain_lines(
    covered: Sequence[Covered],
    gross: Sequence[Gross],
    settled: Sequence[PricedLine],
    to: Currency,
    mode: Rounding,
) -> Iterator[LineSteps]:
    """Yield each line with the steps that lead to it, its rounding last."""
    for turns, exact, line in zip(covered, gross, settled, strict=True):
        stretches, kind = exact.line.stretches, type(exact.line.last.clause)
        steps = [*kind.explain(stretches, turns.turns, exact.segments)]
        money = to_decimal(line.amount_minor, to)
        said: dict[str, Input] = {
            "line": line.key,
            "exact": exact.exact,
            "rounding": mode.value,
            "currency": to.code,
        }
        steps.append(
            Step("settle", exact.line.last.clause_ids, said, output=money, amount=money - exact.exact)
        )
        yield line.line_id, tuple(steps)


def explain_floor(lines: Sequence[PricedLine], minimum: Minimum) -> Iterator[LineSteps]:
    """Yield the step that led to the top-up, where there is one."""
    to = minimum.settled.currency
    for line in lines:
        if line.kind == TOP_UP:
            missing, least = to_decimal(line.amount_minor, to), minimum.settled.to_decimal()
            said: dict[str, Input] = {"minimum": least, "charged": least - missing, "currency": to.code}
            yield (
                line.line_id,
                (Step("minimum", minimum.last.clause_ids, said, output=missing, amount=missing),),
            )
