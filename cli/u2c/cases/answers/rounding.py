"""Rounding and splitting, by the functions that settle."""

from decimal import Decimal

from shared.values.money import Currency, Rest, Rounding, allocate, settle, to_decimal
from u2c.cases.asking import (
    ask,
    document,
    rounded,
    rounded_otherwise,
    settled,
    total_of,
    usage_line,
    used,
)
from u2c.cases.case import Answer, Answers, Case, NotOffered, Terms, known, one_of
from u2c.cases.reasons import not_offered

_UNIT = {"model": "per_unit", "unit": "1"}


def round_value(case: Case) -> Answer:
    known(case.terms, "rounding", "currency")
    rounding = case.terms["rounding"]
    if "step" in rounding:
        line = usage_line(_UNIT, **rounded_otherwise(case.terms))
        return {"value": ask(document(lines=[line]), usage=[used(case.usage["value"])]).total}
    return {"value": rounded(case.usage["value"], rounding)}


def round_sum(case: Case) -> Answer:
    """A line for each value, or one for all: each line is rounded once."""
    known(case.terms, "rounding")
    money, own, values = settled(case.terms), rounded_otherwise(case.terms), case.usage["values"]
    each = [usage_line(_UNIT, key=f"line{n}", **own) for n in range(len(values))]
    apart = [used(value, line=f"line{n}") for n, value in enumerate(values)]
    together = [used(value) for value in values]
    return {
        "round_each_then_sum": ask(document(lines=each, **money), usage=apart).total,
        "sum_then_round": ask(document(lines=[usage_line(_UNIT, **own)], **money), usage=together).total,
    }


def split(case: Case) -> Answer:
    """By largest remainder, or with the rest on the last; an amount above the sum of its lines is cut to it."""
    terms, weights = case.terms, [Decimal(weight) for weight in case.usage["weights"]]
    known(terms, "scale", "leftover", "cap_at_sum", "returns")
    rest = _rest(terms)
    money = Currency("", int(terms.get("scale", 0)))
    wanted = [Decimal(case.usage["total"]), *([total_of(weights)] if terms.get("cap_at_sum") else [])]
    minor = allocate(settle(min(wanted), money, Rounding.HALF_UP).minor, weights, rest)
    parts = [to_decimal(part, money) for part in minor]
    return {"parts": parts, "sum": total_of(parts)}


def _rest(terms: Terms) -> Rest:
    leftover = terms.get("leftover", "largest_remainder")
    if leftover in ("largest", "cascade_from_last", "none_round_each") or "returns" in terms:
        raise NotOffered(not_offered("rest_elsewhere"))
    rests: dict[str, Rest] = {"largest_remainder": "largest_remainder", "last": "last"}
    return one_of({"leftover": leftover}, "leftover", rests)


ANSWERS: Answers = {
    "round": round_value,
    "round_units": round_value,
    "round_sum": round_sum,
    "allocate": split,
}
