"""Why a line costs what it costs: every step of pricing leaves a line, and their amounts sum to the
charge."""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

StepName = Literal["quantity", "allowance", "price", "settle", "minimum"]


@dataclass(frozen=True, slots=True)
class Step:
    """One step. `amount` is what the step adds to the charge, in currency units; a step that only moves units
    has none."""

    step: StepName
    clause: str  # clause id
    text: str
    quantity: Decimal | None = None
    amount: Decimal | None = None


@dataclass(slots=True)
class Explanation:
    """Collects steps when wanted. Callers ask `wanted` before they build a text, so that nobody pays for what
    nobody reads."""

    wanted: bool
    steps: list[Step] = field(default_factory=list)

    def add(
        self,
        step: StepName,
        clause: str,
        text: str,
        *,
        quantity: Decimal | None = None,
        amount: Decimal | None = None,
    ) -> None:
        if self.wanted:
            self.steps.append(Step(step, clause, text, quantity, amount))
