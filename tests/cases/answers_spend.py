"""Answers to the outside cases about spending minimums, whole and in part periods."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from shared.pricing import PricedPeriod, parse_terms
from shared.values.money import Rounding, currency, settle, share, to_decimal
from shared.values.period import period_between
from tests.cases.answers_pricing import Answer, Answers, Case, contract
from tests.shared.pricing.contracts import JANUARY, chain, document, price


def minimum(amount: str) -> list[dict[str, str]]:
    return [{"from": "2024-01-01", "minimum_spend": amount}]


def spend_bounds(case: Case) -> Answer:
    """A document of the period asks for the statement now less what was billed before."""
    terms, usage = case["terms"], case["usage"]
    pricing = terms["pricing"]
    versions = contract(pricing["model"], pricing, phases=minimum(terms["minimum"]))
    priced = price(versions, usage["quantity"])
    charged = in_units(priced, "usage") - Decimal(usage.get("previously_billed", 0))
    return {
        "charge": charged,
        "true_up": in_units(priced, "minimum"),
        "total": charged + in_units(priced, "minimum"),
    }


def true_up(case: Case) -> Answer:
    """What was billed stands as fees of the period; the minimum counts them once they are rounded."""
    return billed(case, JANUARY.whole_days, JANUARY.whole_days)


def prorated_minimum(case: Case) -> Answer:
    return billed(case, int(case["usage"]["days"]), int(case["terms"]["days_in_period"]))


def billed(case: Case, days: int, whole: int) -> Answer:
    fees: list[dict[str, Any]] = [
        {"key": f"fee{index}", "kind": "recurring", "amount": amount, "proration": "none"}
        for index, amount in enumerate(case["usage"]["billed"])
    ]
    rounded_to_units = case["terms"].get("rounding", case["terms"].get("minimum_rounding"))
    code = "JPY" if rounded_to_units else "USD"
    written = document(currency=code, lines=fees, phases=minimum(case["terms"]["minimum"]))
    period = period_between(
        date(2026, 1, 1), date(2026, 1, 1) + timedelta(days=days), "UTC", whole_days=whole
    )
    priced = price(chain(parse_terms(written)), period=period)
    least = settle(share(Decimal(case["terms"]["minimum"]), days, whole), currency(code), Rounding.HALF_UP)
    return {"true_up": in_units(priced, "minimum", code), "minimum": least.to_decimal()}


def in_units(priced: PricedPeriod, kind: str, code: str = "USD") -> Decimal:
    return to_decimal(sum(line.amount_minor for line in priced.lines if line.kind == kind), currency(code))


ANSWERS: Answers = {"spend_bounds": spend_bounds, "true_up": true_up, "prorated_minimum": prorated_minimum}
