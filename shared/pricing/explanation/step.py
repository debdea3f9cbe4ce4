"""A step of pricing, as data: enough to work it out again."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import Final, Literal

import msgspec

from shared.values.instants import written

Op = Literal[
    "escalate",
    "quantity",
    "handed_on",
    "convert",
    "allowance",
    "unpriced",
    "units_off",
    "fee",
    "price",
    "before",
    "credit",
    "percent_off",
    "amount_off",
    "line_minimum",
    "line_maximum",
    "settle",
    "minimum",
    "cap",
    "commit",
    "uplift",
    "shortfall",
    "draw",
    "asked",
    "cost",
    "part",
]
Input = Decimal | int | str | Mapping[str, str] | None
edge: Final = lru_cache(10_000)(datetime.isoformat)
"""An instant in UTC at which a stretch begins or ends, as steps say it: the same ones come with every statement."""
begun: Final = lru_cache(10_000)(written)
"""The same of a slice."""


class Step(msgspec.Struct, frozen=True, gc=False):
    """One operation, the ids of the clauses it rests on (its own first), what went in, and what came out.

    op            inputs                                     output
    escalate      percent, times, kind, mode, scale          by how many percent prices are raised, half up at 20 decimals
    quantity      meter, version, group, start, end          the units counted
    handed_on     meter                                      the units that corrections of earlier periods add to those
                                                             counted, or take off them
    convert       counted, before, multiply, divide,         `counted` × multiply ÷ divide, rounded to a multiple of `step`, less
                  rounding, step                             the same of `before`, the units that the period counted earlier
    allowance     counted, priced, rolled_over               priced − counted; `rolled_over`, where there are any, are the
                                                             units that cover usage beside the allowance, or are missing in
                                                             it; counted are those that are handed on, too
    unpriced      counted                                    −counted: terms leave them without a price
    units_off     discount, has, left                        −min(has, left)
    fee           quantity, fee, days, whole_days, before,   (before + fee × days) ÷ whole_days − before ÷ whole_days;
                  version, start, end, counted               `counted`, where the days are not local ones, says what they are
    price         quantity, count, at, flat, reach, bound,   count × at + flat, or cap where there is one and it is less;
                  cap, full                                  `full` are the units before proration, which picked the tier
    credit        as of a price, of as many units as there   less what a price comes to
                  are below zero
    before        as of a price, of units before the change  less what a price comes to
    percent_off   discount, percent, left                    −left × percent ÷ 100
    amount_off    discount, amount_days, days, rounding,     −the line's part of the amount: amount_days ÷ days, rounded
                  currency, amount, split, line, left        and split over what is left of each line
    line_minimum  amount_days, whole_days, charged           amount_days ÷ whole_days − charged, to 50 digits
    line_maximum  the same                                   the same, below zero
    settle        line, exact, rounding, currency, step      exact, rounded to the currency's decimals, or where there is a
                                                             step to a multiple of it
    minimum       minimum, charged, currency                 minimum − charged
    cap           line, amount, cap, beyond, currency        what the reduction, `beyond` the cap, takes of the line
    commit        line, commitment, slice, left, currency    what of it the commitment covers
    uplift        commitment, excess, percent, currency,     excess × (percent − 100) %, rounded to the currency's
                  rounding                                   decimals
    shortfall     commitment, committed, counted, currency   committed − counted
    cost          block, granted, cost_basis, currency,      granted × cost_basis, rounded to the currency's decimals: what is
                  rounding                                   asked for the block
    part          block, whole, number, parts, currency      whole ÷ parts, the rest going to the first ones
    draw          line, block, slice, left, currency         what of it the block pays; below zero: returned
    asked         exact, before, currency                    exact − before: what a note asks for of what its line comes
                                                             to, where other documents ask for `before`

    `start` and `end` (excluded) are the instants between which it was counted, or in force.
    What a percentage takes is rounded half up at 60 decimals, if it has more. `before` of a fee is the sum of fee × days
    that came before it in the period; each quotient has 50 digits. `left` is what the block, the commitment or the line
    (of a discount) had before. `beyond` is split over the lines in proportion to `amount`, in whole minor units by the
    largest remainder; a tie goes to the line before.
    `amount` is what the step adds to the charge, in currency units; a step that only moves units has none, nor has one
    that counts or pays what others charge. Of a step that has travelled, or was kept, inputs that are numbers are text.
    """

    op: Op
    clauses: tuple[str, ...]
    inputs: Mapping[str, Input]
    output: Decimal
    amount: Decimal | None = None

    @property
    def clause(self) -> str:
        """The id of its own clause."""
        return self.clauses[0]

    @property
    def quantity(self) -> Decimal | None:
        """The units it is about, if any: those that it moves, or prices."""
        if self.op in ("commit", "draw"):
            return None
        return self.output if self.amount is None else self.number_or_none("quantity")

    def number(self, name: str) -> Decimal:
        found = self.number_or_none(name)
        assert found is not None, f"a step {self.op} has {name}"
        return found

    def number_or_none(self, name: str) -> Decimal | None:
        found = self.inputs.get(name)
        if isinstance(found, str):
            return Decimal(found)
        assert found is None or isinstance(found, Decimal)
        return found
