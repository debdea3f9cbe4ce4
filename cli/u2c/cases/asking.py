"""What the answers of cases ask of the product: questions priced on paper, and figures taken from what comes back."""

import json
from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any, Final

from services.rating.paper.answers import PaperAnswer
from services.rating.paper.domain.answered import Answered
from services.rating.paper.usecases import answer_question
from shared.pricing.explanation import Step
from shared.pricing.faults import ClauseNotPricedYet
from shared.pricing.results import PricedLine, PricedPeriod
from shared.values.money import Rounding, round_to
from u2c.cases.case import Later, Terms, Unknown

START: Final = "2026-01-01"
FIRST_MONTH_ENDS: Final = "2026-02-01"
CURRENCY_OF_SCALE: Final[Mapping[int, str]] = {0: "JPY", 2: "USD", 3: "KWD", 4: "CLF"}
MODES: Final[Mapping[str, str]] = {mode.value: mode.value for mode in Rounding} | {"ceil": "ceiling"}
"""A mode as cases write it → as the language does."""


def document(**over: Any) -> dict[str, Any]:
    """Return a terms document that begins with 2026 and runs by the month."""
    return {
        "contract": "case",
        "customer": "case",
        "currency": "USD",
        "timezone": "UTC",
        "term": {"start": START, "months": 1200},
        **over,
    }


def usage_line(price: Terms, **over: Any) -> dict[str, Any]:
    return {"key": "usage", "kind": "usage", "meter": "usage", "price": dict(price), **over}


def fee(amount: str, **over: Any) -> dict[str, Any]:
    return {"key": "fee", "kind": "recurring", "amount": amount, **over}


def used(quantity: str, at: str = START, line: str = "usage", **over: Any) -> dict[str, Any]:
    return {"line": line, "at": at, "quantity": quantity, **over}


class Priced:
    """An answered question: its periods as pricing hands them over, and as they are told."""

    def __init__(self, answered: Answered, told: dict[str, Any]) -> None:
        self.periods: list[PricedPeriod] = [one.priced for one in answered]
        self.statements: list[dict[str, Any]] = told["statements"]
        self.balances: dict[str, Decimal] = {one["block"]: Decimal(one["left"]) for one in told["balances"]}

    @property
    def total(self) -> Decimal:
        """What all documents of the periods ask for."""
        return total_of(Decimal(one["total"]) for one in self.statements)

    @property
    def exact(self) -> Decimal:
        """What all lines come to before they are rounded."""
        return total_of(
            Decimal(line["exact"]) for statement in self.statements for line in statement["lines"]
        )

    @property
    def lines(self) -> list[PricedLine]:
        return [line for period in self.periods for line in period.lines]

    def steps(self, op: str) -> list[Step]:
        """Return the steps of this operation, line after line."""
        return [step for period in self.periods for step in period.steps if step.op == op]

    def amount(self, terms: Terms) -> Decimal:
        """Return what a case with or without a rounding term expects: the settled amount, or the exact one."""
        return self.total if "rounding" in terms else self.exact

    def days_of(self, line_id: str) -> int:
        """Return for how many days a fee was charged."""
        steps = [step for period in self.periods for step in period.explanation.get(line_id, ())]
        return sum([int(str(step.inputs["days"])) for step in steps if step.op == "fee"])

    def of_kind(self, kind: str) -> Decimal:
        """Return what the lines of a kind come to."""
        return total_of(
            Decimal(line["amount"])
            for statement in self.statements
            for line in statement["lines"]
            if line["kind"] == kind
        )


def ask(*versions: Mapping[str, Any], until: str = FIRST_MONTH_ENDS, **over: Any) -> Priced:
    """Price a question. Raises Later for terms that the language knows and refuses by name."""
    question = {"versions": list(versions), "until": until, **over}
    try:
        answered, until_, currency = answer_question(json.dumps(question).encode())
    except ClauseNotPricedYet as fault:
        raise Later(fault.detail) from fault
    return Priced(answered, PaperAnswer.of(answered, until_, currency).as_json())


def total_of(figures: Iterable[Decimal]) -> Decimal:
    """Return the sum of figures that were answered."""
    return sum(figures, Decimal(0))


def less(now: Decimal, before: Decimal | str) -> Decimal:
    """Return what a document asks for whose earlier ones asked for `before`."""
    return now - Decimal(before)


def scale_of(terms: Terms) -> int:
    """Return the decimals a case rounds to, those of a dollar where it says nothing."""
    rounding = terms.get("rounding", {"scale": 2})
    return int(rounding.get("scale", 2))


def mode_of(rounding: Terms) -> str:
    mode = rounding.get("mode", "half_up")
    if mode not in MODES:
        raise Unknown(f"no rounding is called {mode!r}")
    return MODES[mode]


def settled(terms: Terms) -> dict[str, Any]:
    """Return the sections of a document that settles as a case rounds: a currency of so many decimals."""
    rounding, scale = terms.get("rounding", {}), scale_of(terms)
    if scale not in CURRENCY_OF_SCALE or "step" in rounding:
        return {}
    return {"currency": CURRENCY_OF_SCALE[scale], "billing": {"rounding": mode_of(rounding)}}


def rounded_otherwise(terms: Terms) -> dict[str, Any]:
    """Return the clause of a line that rounds as no currency does: to a step, or to other decimals."""
    rounding = terms.get("rounding", {})
    if not rounding or settled(terms):
        return {}
    return {"rounding": {**rounding, "mode": mode_of(rounding)}}


def rounded(value: str | Decimal, rounding: Terms) -> Decimal:
    """Return a value rounded by the function that settles."""
    return round_to(Decimal(value), int(rounding["scale"]), Rounding(mode_of(rounding)))


def day(text: str) -> date:
    return date.fromisoformat(text[:10])
