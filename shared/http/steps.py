"""A step of pricing, as rating and billing show it."""

import hashlib
import json
from typing import Annotated, Self

from pydantic import Field

from shared.http.answers import Answer, Quantity
from shared.pricing.explanation import text_of
from shared.topics.rating import StatementStep
from shared.topics.statement_steps import step_of
from shared.values.decimals import plain
from shared.values.made_from import made_from

Inputs = Annotated[
    dict[str, str | int | dict[str, str]],
    Field(
        examples=[
            {
                "quantity": "1000",
                "count": "1000",
                "at": "0.10",
                "flat": "0",
                "reach": "up to",
                "bound": "1000",
            }
        ]
    ),
]


class StepAnswer(Answer):
    """A step of pricing, as data: enough to work it out again. The amounts of a line's steps sum to the line's."""

    op: Annotated[str, Field(examples=["price"])]
    """What was done"""
    clauses: Annotated[list[str], Field(examples=[["8d0f5f0c-6a55-5b0e-8f6c-1f1b8f6f9d10"]])]
    """The ids of the clauses it rests on, its own first"""
    inputs: Inputs
    """What went in, by name; decimals as text"""
    output: Quantity
    """What came out"""
    amount: Quantity | None
    """What it adds to the line, in units of the currency, not rounded; null where it only moves units"""
    text: Annotated[str, Field(examples=["up to 1000: 1000 at 0.1"])]
    """The same in words"""
    digest: Annotated[str, Field(examples=["5e0f3c0b9d1a7e42"])]
    """SHA-256 of `{op, clauses, inputs, output, amount}` as JSON without spaces, keys in order; its first 16 digits"""

    @classmethod
    def of(cls, step: StatementStep) -> Self:
        return made_from(
            cls,
            step,
            clauses=list(step.clauses),
            inputs=dict(step.inputs),
            text=text_of(step_of(step)),
            digest=_digest(step),
        )


def _digest(step: StatementStep) -> str:
    """Whoever works a document out again sees by it a change that no arithmetic shows, as of a bound that was not
    reached."""
    said = {
        "op": step.op,
        "clauses": step.clauses,
        "inputs": step.inputs,
        "output": plain(step.output),
        "amount": None if step.amount is None else plain(step.amount),
    }
    written = json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(written.encode()).hexdigest()[:16]
