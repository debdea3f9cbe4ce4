"""Prices as cases write them, in the terms language."""

from typing import Any

from u2c.cases.asking import rounded_otherwise, settled
from u2c.cases.case import Terms, Unknown, known, one_of

_PRICE_TERMS = frozenset(
    {
        "model",
        "unit_price",
        "tiers",
        "package_size",
        "package_price",
        "partial_package",
        "zero_usage_flat_fee",
        "boundary",
        "multiplier",
        "zero_quantity",
    }
)
_LINE_TERMS = frozenset({"free_units", "cap_amount", "negative_quantity"})
_OF_THE_MONEY = frozenset({"rounding", "currency"})


def price(model: str, terms: Terms, **over: Any) -> dict[str, Any]:
    """Return a price. Raises Unknown for a term that it does not have."""
    known(terms, *_PRICE_TERMS, *_LINE_TERMS, *_OF_THE_MONEY)
    return {**_MODELS[model](terms), **over} if model in _MODELS else _no_model(model)


def line(model: str, terms: Terms, **over: Any) -> dict[str, Any]:
    """Return a usage line with the price, the allowance and the bounds of a case."""
    one_of(terms, "negative_quantity", {"treat_as_zero": True}, True)
    return {
        "key": "usage",
        "kind": "usage",
        "meter": "usage",
        "price": price(model, terms, **over),
        **({"included": terms["free_units"]} if "free_units" in terms else {}),
        **({"maximum": terms["cap_amount"]} if "cap_amount" in terms else {}),
        **rounded_otherwise(terms),
    }


def money(terms: Terms) -> dict[str, Any]:
    """Return the sections that settle as the case does; its `currency` is a label."""
    return settled(terms)


def _no_model(model: str) -> dict[str, Any]:
    raise Unknown(f"no price is called {model}")


def _per_unit(terms: Terms) -> dict[str, Any]:
    return {"model": "per_unit", "unit": terms["unit_price"]}


def _tiers(terms: Terms) -> list[dict[str, Any]]:
    return [tier(one) for one in terms["tiers"]]


def tier(one: Terms) -> dict[str, Any]:
    known(one, "up_to", "unit_price", "flat_fee", "tier_cap", "rate_pct")
    names = {
        "up_to": "up_to",
        "unit_price": "unit",
        "flat_fee": "flat",
        "tier_cap": "cap",
        "rate_pct": "rate",
    }
    return {names[name]: value for name, value in one.items() if value is not None}


def conventions(terms: Terms) -> dict[str, str]:
    """Return what is charged at zero usage, and to which tier a bound belongs."""
    said = {}
    if "zero_usage_flat_fee" in terms:
        meanings = {"charge_first_tier": "first_tier", "none": "none"}
        said["flat_at_zero"] = one_of(terms, "zero_usage_flat_fee", meanings)
    if "boundary" in terms:
        meanings = {"upper_inclusive": "upper", "lower_inclusive": "lower"}
        said["boundary"] = one_of(terms, "boundary", meanings)
    return said


def _graduated(terms: Terms) -> dict[str, Any]:
    return {"model": "graduated", "tiers": _tiers(terms), **conventions(terms)}


def _volume(terms: Terms) -> dict[str, Any]:
    return {"model": "volume", "tiers": _tiers(terms), **conventions(terms)}


def _package(terms: Terms) -> dict[str, Any]:
    written = {"model": "package", "size": terms["package_size"], "price": terms["package_price"]}
    part = one_of(terms, "partial_package", {"round_down": "down", "round_up": "up"}, "up")
    return {**written, **({"partial_pack": part} if part == "down" else {})}


def _event_priced(terms: Terms) -> dict[str, Any]:
    zero = one_of(terms, "zero_quantity", {"charge_nothing": "none", "charge": "charge"}, "none")
    multiplier = {"multiplier": terms["multiplier"]} if "multiplier" in terms else {}
    return {"model": "dynamic", "amount": "data.amount", "zero": zero, **multiplier}


_MODELS = {
    "per_unit": _per_unit,
    "graduated": _graduated,
    "volume": _volume,
    "package": _package,
    "event_priced": _event_priced,
}
