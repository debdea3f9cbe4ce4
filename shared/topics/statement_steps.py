"""How the steps of an explanation travel and are kept, and how they are read again. Pure."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Final, cast

import msgspec

from shared.pricing.explanation import Op, Step
from shared.topics.rating import Explanation, StatementLine, StatementMessage, StatementStep
from shared.values.money import currency, to_decimal

_encode: Final = msgspec.json.Encoder(decimal_format="string").encode
_decode: Final = msgspec.json.Decoder(Explanation).decode


def told(explanation: Mapping[str, tuple[Step, ...]]) -> Explanation:
    """Return the steps by line as they travel: numbers as text, what is not said left out."""
    return {line_id: tuple(map(told_step, steps)) for line_id, steps in explanation.items()}


def told_step(step: Step) -> StatementStep:
    """A number keeps all its digits, trailing zeros too, and is written without exponent."""
    inputs: dict[str, object] = {}
    for name, value in step.inputs.items():
        if isinstance(value, Decimal):
            # half the time of a format; an exponent is seldom there
            text = str(value)
            inputs[name] = f"{value:f}" if "E" in text else text
        elif value is not None:
            inputs[name] = value
    return StatementStep(step.op, step.clauses, inputs, step.output, step.amount)


def steps_of(said: Sequence[StatementStep] | None) -> tuple[Step, ...] | None:
    """Return steps that have travelled: their words are made from them as from any others. None: they were not kept."""
    return None if said is None else tuple(map(step_of, said))


def step_of(said: StatementStep) -> Step:
    return Step(cast(Op, said.op), said.clauses, said.inputs, said.output, said.amount)


def steps_asked(statement: StatementMessage, line: StatementLine) -> tuple[StatementStep, ...] | None:
    """Return the steps that lead to a line of the statement's document; None where they were not kept.

    A note asks for what its line comes to now, less what other documents ask for: one step more.
    """
    if statement.explanation is None:
        return None
    steps = statement.explanation.get(line.line_id, ())
    if not statement.is_correction:
        return steps
    to = currency(statement.currency)
    whole = sum(one.amount_minor for one in statement.lines if one.line_id == line.line_id)
    exact, before, asked = (
        to_decimal(minor, to) for minor in (whole, whole - line.amount_minor, line.amount_minor)
    )
    said = {"exact": f"{exact:f}", "before": f"{before:f}", "currency": statement.currency}
    return (*steps, StatementStep("asked", (line.clause_id,), said, asked, asked - exact))


def apart(statement: StatementMessage) -> tuple[StatementMessage, str | None]:
    """Return the statement without its explanation, and that as JSON text: few ask for it, and who reads many
    statements is spared it."""
    if statement.explanation is None:
        return statement, None
    return msgspec.structs.replace(statement, explanation=None), _encode(statement.explanation).decode()


def together(statement: StatementMessage, explanation: str | None) -> StatementMessage:
    """Return the statement with the explanation that was kept beside it."""
    if explanation is None:
        return statement
    return msgspec.structs.replace(statement, explanation=_decode(explanation.encode()))
