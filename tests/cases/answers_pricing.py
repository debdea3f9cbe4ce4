"""Answers to the outside cases about prices: each case's terms written in this project's language and priced
as a period."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from itertools import pairwise
from typing import Any

from shared.pricing import Group, PricedPeriod, VersionInForce, parse_terms
from shared.values.money import to_decimal
from tests.shared.pricing.contracts import chain, document, price, usage_line

Case = Mapping[str, Any]
Answer = dict[str, Any]
Answers = Mapping[str, Callable[[Case], Answer]]
MODES: Mapping[str, str] = {"ceil": "ceiling"}
UNDERSTOOD = frozenset(
    {
        "model",
        "unit_price",
        "tiers",
        "package_size",
        "package_price",
        "partial_package",
        "free_units",
        "zero_usage_flat_fee",
        "boundary",
        "rounding",
        "currency",
        "negative_quantity",
    }
)
CURRENCY_OF_SCALE = {0: "JPY", 2: "USD", 3: "KWD"}


def written_price(terms: Case) -> dict[str, Any]:
    """Return the price of a case as a price of this project's language; a term it does not understand is
    never left out."""
    assert (
        terms.keys() <= UNDERSTOOD and terms.get("negative_quantity", "treat_as_zero") == "treat_as_zero"
    ), terms
    if "package_size" in terms:
        down = {"partial_pack": "down"} if terms.get("partial_package") == "round_down" else {}
        return {"model": "package", "size": terms["package_size"], "price": terms["package_price"], **down}
    if "tiers" in terms:
        return {
            "model": terms["model"],
            "tiers": list(map(written_tier, terms["tiers"])),
            **zero(terms),
            **boundary(terms),
        }
    return {"model": "per_unit", "unit": terms["unit_price"]}


def written_tier(tier: Case) -> dict[str, Any]:
    assert tier.keys() <= {"up_to", "unit_price", "flat_fee"}, tier
    flat = {"flat": tier["flat_fee"]} if "flat_fee" in tier else {}
    return {"up_to": tier["up_to"], "unit": tier["unit_price"], **flat}


def zero(terms: Case) -> dict[str, str]:
    return {
        "flat_at_zero": {"charge_first_tier": "first_tier", "none": "none"}[
            terms.get("zero_usage_flat_fee", "charge_first_tier")
        ]
    }


def boundary(terms: Case) -> dict[str, str]:
    return {
        "boundary": {"upper_inclusive": "upper", "lower_inclusive": "lower"}[
            terms.get("boundary", "upper_inclusive")
        ]
    }


def contract(model: str, terms: Case, **over: Any) -> tuple[VersionInForce, ...]:
    """Return a contract with one usage line; its currency has the scale the case rounds to."""
    rounding = terms.get("rounding", {"mode": "half_up", "scale": 2})
    line = usage_line(
        written_price({**terms, "model": model}),
        **({"included": terms["free_units"]} if "free_units" in terms else {}),
    )
    billing = {"rounding": MODES.get(rounding["mode"], rounding["mode"])}
    return chain(
        parse_terms(
            document(lines=[line], currency=CURRENCY_OF_SCALE[rounding["scale"]], billing=billing, **over)
        )
    )


def amount_of(priced: PricedPeriod, terms: Case, versions: tuple[VersionInForce, ...]) -> Decimal:
    """Return the settled amount where the case rounds, else the exact one."""
    if "rounding" in terms:
        return to_decimal(priced.subtotal_minor, versions[-1].terms.money)
    return sum((segment.exact for line in priced.lines for segment in line.segments), Decimal(0))


def quantity_priced(case: Case) -> Answer:
    """A slice costs the statement now less the statement before it."""
    terms, usage = case["terms"], case["usage"]
    versions = contract(case["model"], terms)
    before = Decimal(usage.get("previous_quantity", 0))
    now = price(versions, str(before + Decimal(usage["quantity"])))
    amount = amount_of(now, terms, versions)
    if "previous_quantity" in usage:
        amount -= amount_of(price(versions, str(before)), terms, versions)
    return {
        "amount": amount,
        "units_per_tier": [step.quantity for step in now.steps if step.op == "price" and step.quantity],
        **packs(case),
    }


def packs(case: Case) -> Answer:
    terms = case["terms"]
    if case["model"] != "package":
        return {}
    above = max(Decimal(0), Decimal(case["usage"]["quantity"]) - Decimal(terms.get("free_units", 0)))
    line = contract("package", terms)[0].terms.usage_lines[0]
    return {"packages": line.price.cost(above) / Decimal(terms["package_price"])}


def percentage(case: Case) -> Answer:
    """The meter adds up what the transactions are worth."""
    terms = {name: value for name, value in case["terms"].items() if name != "rate_pct"}
    assert not terms, terms
    written = {"model": "percentage", "rate": case["terms"]["rate_pct"]}
    versions = chain(parse_terms(document(lines=[usage_line(written)])))
    value = sum(map(Decimal, case["usage"]["transactions"]))
    return {"amount": amount_of(price(versions, str(value)), terms, versions)}


def graduated_percentage(case: Case) -> Answer:
    terms = case["terms"]
    assert terms.keys() == {"tiers", "zero_usage_flat_fee"}, terms
    tiers = [
        {"up_to": tier["up_to"], "rate": tier["rate_pct"], "flat": tier["flat_fee"]}
        for tier in terms["tiers"]
    ]
    written = {"model": "graduated_percentage", "tiers": tiers, **zero(terms)}
    versions = chain(parse_terms(document(lines=[usage_line(written)])))
    return {"amount": amount_of(price(versions, case["usage"]["quantity"]), terms, versions)}


def matrix(case: Case) -> Answer:
    terms = case["terms"]
    rates = [row for price in terms["prices"] for row in matrix_rows(price)] + [
        {"unit": terms["default_unit_price"]}
    ]
    written = {"model": "matrix", "dimensions": terms["dimensions"], "rates": rates}
    usage: dict[Group, Decimal] = {
        tuple(sorted(row["dims"].items())): Decimal(row["quantity"]) for row in case["usage"]["rows"]
    }
    versions = chain(parse_terms(document(lines=[usage_line(written)])))
    return {"amount": amount_of(price(versions, usage), terms, versions), "unpriced_quantity": 0}


def matrix_rows(price: Case) -> list[dict[str, str]]:
    """A list of values is a row for each."""
    rows: list[dict[str, str]] = [{"unit": price["unit_price"]}]
    for name, values in price["match"].items():
        rows = [
            {**row, name: value}
            for row in rows
            for value in (values if isinstance(values, list) else [values])
        ]
    return rows


def free_units(case: Case) -> Answer:
    """The allowance over slices of one period: what each slice adds to the priced units."""
    versions = contract("per_unit", {"unit_price": "1", **case["terms"]})
    totals, billed = Decimal(0), [Decimal(0)]
    for quantity in case["usage"]["slices"]:
        totals += Decimal(quantity)
        billed.append(price(versions, str(totals)).lines[0].segments[0].priced)
    covered = totals - billed[-1]
    per_slice = [later - earlier for earlier, later in pairwise(billed)]
    return {
        "billed_per_slice": per_slice,
        "remaining_free_units": Decimal(case["terms"]["free_units"]) - covered,
    }


ANSWERS: Answers = {
    "per_unit": quantity_priced,
    "graduated": quantity_priced,
    "volume": quantity_priced,
    "package": quantity_priced,
    "matrix": matrix,
    "percentage": percentage,
    "graduated_percentage": graduated_percentage,
    "progressive_usage_discount": free_units,
}
