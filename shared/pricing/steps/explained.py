"""Explained: the steps that lead to each line, read off what the stages handed over."""

from collections.abc import Iterator, Sequence

from shared.pricing.explanation.step import Input, Step
from shared.pricing.layout import Minimum
from shared.pricing.lines import TOP_UP
from shared.pricing.results import PricedLine
from shared.pricing.steps.covered import Covered
from shared.pricing.steps.gross import Gross
from shared.values.money import Currency, Rounding, to_decimal


def explain_lines(
    covered: Sequence[Covered],
    gross: Sequence[Gross],
    settled: Sequence[PricedLine],
    to: Currency,
    mode: Rounding,
) -> Iterator[Step]:
    """Yield line after line the steps that lead to it, its rounding last."""
    for turns, exact, line in zip(covered, gross, settled, strict=True):
        stretches, kind = exact.line.stretches, type(exact.line.last.clause)
        yield from kind.explain(stretches, turns.turns, exact.segments)
        money = to_decimal(line.amount_minor, to)
        said: dict[str, Input] = {
            "line": line.key,
            "exact": exact.exact,
            "rounding": mode.value,
            "currency": to.code,
        }
        yield Step("settle", exact.line.last.clause_ids, said, output=money, amount=money - exact.exact)


def explain_floor(lines: Sequence[PricedLine], minimum: Minimum) -> Iterator[Step]:
    """Yield the step that led to the top-up, where there is one."""
    to = minimum.settled.currency
    for line in lines:
        if line.kind == TOP_UP:
            missing, least = to_decimal(line.amount_minor, to), minimum.settled.to_decimal()
            said: dict[str, Input] = {"minimum": least, "charged": least - missing, "currency": to.code}
            yield Step("minimum", minimum.last.clause_ids, said, output=missing, amount=missing)
