"""Discounts: percentages and amounts, one after the other or over several lines."""

from decimal import Decimal
from typing import Any

from shared.values.money import part_of
from u2c.cases.asking import ask, document, fee, less, rounded, settled
from u2c.cases.case import Answer, Answers, Case, Terms, known, one_of


def sequential(case: Case) -> Answer:
    """Each discount on what the one before it leaves, in the order that the terms say."""
    terms = case.terms
    known(terms, "percentage_base", "order", "rounding")
    one_of(terms, "percentage_base", {"remaining": True}, True)
    as_written = one_of(terms, "order", {"as_applied": True, "percentage_first": False}, False)
    asked = document(
        lines=[fee(case.usage["base"])],
        discounts=[
            {**_discount(n, one), **({"order": "as_written"} if as_written else {})}
            for n, one in enumerate(case.usage["discounts"])
        ],
        **settled(terms),
    )
    net = ask(asked).total
    return {"net": net, "discount": less(Decimal(case.usage["base"]), net)}


def _discount(n: int, one: Terms) -> dict[str, Any]:
    known(one, "amount", "pct")
    names = {"amount": "amount", "pct": "percent"}
    return {"key": f"discount{n}", **{names[name]: value for name, value in one.items()}}


def ordered(case: Case) -> Answer:
    """An amount that is taken off line by line until it is used up."""
    known(case.terms, "order")
    one_of(case.terms, "order", {"line order": True})
    lines = [fee(amount, key=f"line{n}") for n, amount in enumerate(case.usage["lines"])]
    discount = {"key": "discount", "amount": case.usage["discount"], "split": "in_order"}
    before = ask(document(lines=lines))
    priced = ask(document(lines=lines, discounts=[discount]))
    used_up = less(before.total, priced.total)
    return {
        "adjusted": [line["amount"] for line in priced.statements[0]["lines"]],
        "unused_discount": less(Decimal(case.usage["discount"]), used_up),
    }


def percentage_of(case: Case) -> Answer:
    """A percentage of a base, by the function that discounts take it by."""
    terms, base = case.terms, Decimal(case.usage["base"])
    known(terms, "pct", "currency", "rounding", "clamp_to_base")
    exact = part_of(base, Decimal(terms["pct"]).scaleb(-2))
    value = rounded(exact, terms["rounding"]) if "rounding" in terms else exact
    if terms.get("clamp_to_base"):
        value = min(value, base)
    return {"value": value, "net": less(base, value)}


ANSWERS: Answers = {
    "sequential_discounts": sequential,
    "ordered_discount": ordered,
    "pct_of": percentage_of,
}
