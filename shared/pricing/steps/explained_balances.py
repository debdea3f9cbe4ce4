"""Explained: what commitments cover of the lines, what exceeds them or is short, and what blocks pay."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Literal

from shared.pricing.blocks import Block, Draw
from shared.pricing.explanation.step import Input, Step, begun
from shared.pricing.layout import Layout
from shared.pricing.lines import UPLIFT
from shared.pricing.results import PricedLine
from shared.pricing.steps.paid import UNPAID, Paid
from shared.values.money import Currency, to_decimal

Money = Callable[[int], Decimal]


def explain_paid(paid: Paid, lines: Sequence[PricedLine], layout: Layout) -> Iterator[tuple[str, Step]]:
    """Yield each step with the id of its line, those of commitments first."""
    if paid is UNPAID or layout.terms is None:
        return
    to = layout.terms.money

    def money(minor: int) -> Decimal:
        return to_decimal(minor, to)

    by_id = {line.line_id: line for line in lines}
    promised = {promise.block.id: promise.block for promise in layout.agreed.promises}
    blocks = {block.id: block for block in paid.blocks if block.id not in promised}
    draws = [one for one in paid.draws if one.block in blocks]
    for one, left in _in_turn(paid.committed.covered, paid.left):
        yield one.line_id, _drawn("commit", one, promised[one.block], by_id[one.line_id], left, to)
    for line in paid.lines:
        explained = _beyond if line.kind == UPLIFT else _short
        yield line.line_id, explained(line, paid, layout, money)
    for one, left in _in_turn(draws, paid.left):
        if one.line_id in by_id:  # what exceeded a commitment for a while, and no more, is no line
            yield one.line_id, _drawn("draw", one, blocks[one.block], by_id[one.line_id], left, to)


def _in_turn(draws: Sequence[Draw], left: Mapping[str, int]) -> Iterator[tuple[Draw, int]]:
    """Yield each draw, and what its block had before; `left` is what it has after all."""
    before = dict(left)
    for one in draws:
        before[one.block] += one.amount_minor
    for one in draws:
        yield one, before[one.block]
        before[one.block] -= one.amount_minor


def _drawn(
    op: Literal["commit", "draw"], one: Draw, block: Block, line: PricedLine, left: int, to: Currency
) -> Step:
    said: dict[str, Input] = {
        "line": line.key,
        "commitment" if op == "commit" else "block": block.key,
        "slice": begun(one.slice_start),
        "left": to_decimal(left, to),
        "currency": to.code,
    }
    return Step(op, (*block.clauses, line.clause_id), said, output=to_decimal(one.amount_minor, to))


def _beyond(line: PricedLine, paid: Paid, layout: Layout, money: Money) -> Step:
    assert layout.terms is not None
    clause = next(one.clause for one in layout.agreed.promises if one.block.clauses[0] == line.clause_id)
    said: dict[str, Input] = {
        "commitment": clause.key,
        "excess": money(paid.committed.excess[clause.key]),
        "percent": clause.overage_percent,
        "rounding": layout.terms.billing.rounding,
        "currency": layout.terms.currency,
    }
    at_most = paid.committed.at_most.get(clause.key)
    if at_most == line.amount_minor:
        said["at_most"] = money(at_most)
    amount = money(line.amount_minor)
    return Step("uplift", (line.clause_id,), said, output=amount, amount=amount)


def _short(line: PricedLine, paid: Paid, layout: Layout, money: Money) -> Step:
    assert layout.terms is not None
    ended = [one.block for one in layout.agreed.short if one.block.clauses[0] == line.clause_id]
    committed = sum(block.amount_minor for block in ended)
    said: dict[str, Input] = {
        "commitment": line.key,
        "committed": money(committed),
        "counted": money(committed - line.amount_minor),
        "currency": layout.terms.currency,
    }
    amount = money(line.amount_minor)
    return Step("shortfall", (line.clause_id,), said, output=amount, amount=amount)
