"""Answers to the outside cases about rounding and splitting."""

from decimal import Decimal
from typing import Any

from shared.values.money import Rounding, allocate, round_to
from tests.cases.answers_pricing import MODES, Answer, Answers, Case


def rounded(value: str | Decimal, rounding: Case) -> Decimal:
    return round_to(
        Decimal(value), rounding["scale"], Rounding(MODES.get(rounding["mode"], rounding["mode"]))
    )


def round_value(case: Case) -> Answer:
    return {"value": rounded(case["usage"]["value"], case["terms"]["rounding"])}


def round_sum(case: Case) -> Answer:
    values, rounding = [Decimal(value) for value in case["usage"]["values"]], case["terms"]["rounding"]
    return {
        "round_each_then_sum": sum(rounded(value, rounding) for value in values),
        "sum_then_round": rounded(sum(values, Decimal(0)), rounding),
    }


def split(case: Case) -> Answer:
    """The largest remainder; an amount above the sum of its lines is cut to it."""
    weights: list[Any] = [Decimal(weight) for weight in case["usage"]["weights"]]
    total = (
        min(Decimal(case["usage"]["total"]), sum(weights))
        if case["terms"].get("cap_at_sum")
        else Decimal(case["usage"]["total"])
    )
    parts = allocate(int(total), weights)
    return {"parts": parts, "sum": sum(parts)}


ANSWERS: Answers = {
    "round": round_value,
    "round_units": round_value,
    "round_sum": round_sum,
    "allocate": split,
}
