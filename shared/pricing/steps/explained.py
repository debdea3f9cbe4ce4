"""Explained: the steps that lead to each line, read off what the stages handed over."""

from collections.abc import Iterator, Sequence

from shared.pricing.effective import Effective
from shared.pricing.escalator import Escalation, rounding_of
from shared.pricing.explanation.step import Input, Op, Step
from shared.pricing.language import Terms
from shared.pricing.layout import SpendBound
from shared.pricing.lines import NO_SPEND, TOP_UP, LineClause
from shared.pricing.results import PricedLine
from shared.pricing.rounding import RoundPrice
from shared.pricing.steps.bounded import Bounded
from shared.pricing.steps.cap import Capped
from shared.pricing.steps.covered import Covered
from shared.pricing.steps.discounted import AmountOff, Discounted, PercentOff
from shared.pricing.steps.gross import Gross
from shared.values.decimals import plain
from shared.values.money import Currency, Rounding, to_decimal

LineSteps = tuple[str, tuple[Step, ...]]
"""The id of a line, and the steps that lead to its amount, in order."""


def explain_lines(
    covered: Sequence[Covered],
    before: Sequence[Gross],
    discounted: Sequence[Gross],
    bounded: Sequence[Gross],
    settled: Sequence[PricedLine],
    terms: Terms,
) -> Iterator[LineSteps]:
    """Yield each line with the steps that lead to it, its rounding last."""
    to, mode = terms.money, terms.billing.rounding_mode
    for turns, gross, left, exact, line in zip(covered, before, discounted, bounded, settled, strict=True):
        stretches, kind = exact.line.stretches, type(exact.line.last.clause)
        steps = _explain_raised(stretches)
        steps += kind.explain(stretches, turns.turns, exact.segments)
        if isinstance(gross, Bounded):
            steps.append(_explain_bound(gross))
        if isinstance(left, Discounted):
            steps += _explain_taken(left, to, mode)
        if isinstance(exact, Bounded) and exact is not gross:
            steps.append(_explain_bound(exact))
        steps.append(_explain_settled(exact, line, terms))
        yield line.line_id, tuple(steps)


def _explain_raised(stretches: Sequence[Effective[LineClause]]) -> list[Step]:
    """Return what has raised the prices of a line, once for all stretches that have the same."""
    told: dict[tuple[Escalation, RoundPrice], None] = {}
    for stretch in stretches:
        for by in stretch.escalated:
            told[by, rounding_of(stretch.escalated)] = None
    steps: list[Step] = []
    for one, rounding in told:
        said: dict[str, Input] = {
            "percent": one.clause.percent,
            "times": one.times,
            "kind": one.clause.kind,
            "mode": rounding.mode,
            "scale": rounding.scale,
        }
        clauses = one.clause_id, stretches[-1].clause_ids[0]
        steps.append(Step("escalate", clauses, said, output=one.percent))
    return steps


def _explain_taken(line: Discounted, to: Currency, mode: Rounding) -> Iterator[Step]:
    """Yield what discounts took off a line, in their order."""
    for one in line.taken:
        clauses = (one.clause_id, *line.line.last.clause_ids)
        if isinstance(one, PercentOff):
            said: dict[str, Input] = {
                "discount": one.clause.key,
                "percent": one.clause.measure,
                "left": one.left,
            }
            less = -one.taken
            yield Step("percent_off", clauses, said, less, less)
        else:
            said = _of_amount(one, to, mode)
            yield Step("amount_off", clauses, said, output=-one.taken, amount=-one.taken)


def _of_amount(one: AmountOff, to: Currency, mode: Rounding) -> dict[str, Input]:
    return {
        "discount": one.discount.clause.key,
        "amount_days": one.discount.measure_days,
        "days": one.discount.billed_days,
        "rounding": mode.value,
        "currency": to.code,
        "amount": one.discount.measure,
        "split": one.discount.clause.split,
        "line": one.line,
        "left": {key: plain(left) for key, left in one.left.items()},
    }


def _explain_bound(line: Bounded) -> Step:
    """Return the step that moved a line to a bound."""
    bounds = line.line.bounds
    assert bounds is not None, "what moved it"
    op: Op = "line_minimum" if line.moved > 0 else "line_maximum"
    held_to = bounds.minimum if line.moved > 0 else bounds.maximum
    assert held_to is not None, "it was moved to it"
    said: dict[str, Input] = {
        "amount_days": held_to.amount_days,
        "whole_days": held_to.whole_days,
        "charged": line.measured,
    }
    return Step(op, line.line.last.clause_ids, said, output=line.moved, amount=line.moved)


def _explain_settled(gross: Gross, line: PricedLine, terms: Terms) -> Step:
    last, exact, money = gross.line.last, gross.exact, to_decimal(line.amount_minor, terms.money)
    own = last.clause.rounding
    said: dict[str, Input] = {
        "line": line.key,
        "exact": exact,
        "rounding": terms.billing.rounding,
        "currency": terms.currency,
    }
    if own is not None:
        said["step"], by = own.on(terms.billing.rounding_mode)
        said["rounding"] = by.value
    return Step("settle", last.clause_ids, said, money, money - exact)


def explain_floor(lines: Sequence[PricedLine], minimum: SpendBound) -> Iterator[LineSteps]:
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


def explain_cap(capped: Capped, most: SpendBound) -> LineSteps:
    """Return the reduction with a step for each line that it may be taken from; together they are the reduction."""
    to = most.settled.currency
    beyond, steps = sum(capped.cut.values()), list[Step]()
    for line in capped.lines:
        if line.amount_minor > 0 and line.kind not in NO_SPEND:
            taken = to_decimal(-capped.cut.get(line.line_id, 0), to)
            said: dict[str, Input] = {
                "line": line.key,
                "amount": to_decimal(line.amount_minor, to),
                "cap": most.settled.to_decimal(),
                "beyond": to_decimal(beyond, to),
                "currency": to.code,
            }
            steps.append(Step("cap", most.last.clause_ids, said, output=taken, amount=taken))
    return most.line_id, tuple(steps)
