"""Spending minimums and caps, whole and in part periods."""

from datetime import date
from decimal import Decimal
from typing import Any

from shared.pricing.balances import EMPTY
from shared.pricing.figures import price_within_bounds
from shared.pricing.inputs import VersionInForce
from shared.pricing.language import content_hash, parse_terms
from shared.pricing.results import PricedPeriod
from shared.values.money import to_decimal
from shared.values.period import ServicePeriod, day_after, period_between
from u2c.cases.answers import written
from u2c.cases.asking import ask, document, fee, less, settled, total_of, used
from u2c.cases.case import Answer, Answers, Case, Terms, known


def minimum(amount: str, start: str = "2026-01-01") -> list[dict[str, str]]:
    return [{"from": start, "minimum_spend": amount}]


def spend_bounds(case: Case) -> Answer:
    """A document of the period asks for the statement now less what was billed before."""
    terms, usage = case.terms, case.usage
    known(terms, "pricing", "minimum", "maximum", "discount_pct")
    known(
        usage,
        "quantity",
        "previous_quantity",
        "previously_billed",
        "final_slice",
        "first_slice_already_billed",
    )
    pricing = terms["pricing"]
    plain = {"lines": [written.line(pricing["model"], pricing)], **settled(pricing)}
    discount = {"key": "discount", "percent": terms.get("discount_pct")}
    discounted = plain | ({"discounts": [discount]} if "discount_pct" in terms else {})
    bounded = discounted | ({"phases": minimum(terms["minimum"])} if "minimum" in terms else {})
    bounded |= {"cap": {"spend_per_period": terms["maximum"]}} if "maximum" in terms else {}
    before = [used(usage["previous_quantity"])] if "previous_quantity" in usage else []
    rows = [*before, used(usage["quantity"])]
    charge, discounted_charge = _slice(plain, before, rows), _slice(discounted, before, rows)
    if usage.get("first_slice_already_billed"):
        charge = less(ask(document(**plain), usage=rows).total, usage["previously_billed"])
    until = "2026-02-01" if usage.get("final_slice", True) else "2026-01-31"
    priced = ask(document(**bounded), until=until, usage=rows)
    return {
        "charge": charge,
        "discount": less(_slice(plain, before, rows), discounted_charge),
        "true_up": priced.of_kind("minimum"),
        "max_spend_reduction": priced.of_kind("cap").copy_negate(),
        "total": less(priced.total, usage.get("previously_billed", "0")),
    }


def _slice(asked: Terms, before: list[dict[str, Any]], rows: list[dict[str, Any]]) -> Decimal:
    """Return what usage comes to beyond what was used before."""
    now = ask(document(**asked), usage=rows).total
    return less(now, ask(document(**asked), usage=before).total) if before else now


def true_up(case: Case) -> Answer:
    """What was billed stands as fees of the period; the minimum counts them once they are rounded."""
    terms = case.terms
    known(terms, "minimum", "conversion_rate", "round_used_first", "rounding", "currency")
    lines = _billed(case)
    over = {}
    if "conversion_rate" in terms:
        over = {"unit": "units"}
    lines = [{**line, **over} for line in lines]
    priced = ask(document(lines=lines, phases=minimum(terms["minimum"]), **settled(terms)))
    return {"true_up": priced.of_kind("minimum"), "true_up_units": priced.of_kind("minimum")}


def prorated_minimum(case: Case) -> Answer:
    """A period of so many days of a full one."""
    terms = case.terms
    known(terms, "minimum", "days_in_period", "rounding", "minimum_rounding")
    rounding = {
        "rounding": terms.get("rounding", terms.get("minimum_rounding", {"mode": "half_up", "scale": 2}))
    }
    period = days_of(int(case.usage["days"]), int(terms["days_in_period"]))
    written_ = {"phases": minimum(terms["minimum"]), **settled(rounding)}
    priced = priced_for(document(lines=_billed(case), **written_), period=period)
    alone = priced_for(document(**written_), period=period)
    return {"true_up": _of_minimum(priced, written_), "minimum": _of_minimum(alone, written_)}


def days_of(days: int, whole: int) -> ServicePeriod:
    """Return a period of the first days of 2026 that is part of one of `whole` days."""
    last = first = date(2026, 1, 1)
    for _ in range(days):
        last = day_after(last)
    return period_between(first, last, "UTC", whole_days=whole)


def priced_for(*versions: Terms, period: ServicePeriod) -> PricedPeriod:
    """Price a period that no calendar draws, by the function that prices statements."""
    parsed = [parse_terms(one) for one in versions]
    chain = [VersionInForce(n, one.effective_at, one, content_hash(one)) for n, one in enumerate(parsed, 1)]
    return price_within_bounds(chain, period, {}, EMPTY, explain=True)


def _billed(case: Case) -> list[dict[str, Any]]:
    return [fee(amount, key=f"fee{n}", proration="none") for n, amount in enumerate(case.usage["billed"])]


def _of_minimum(priced: PricedPeriod, written_: Terms) -> Decimal:
    money = parse_terms(document(**written_)).money
    return total_of(to_decimal(line.amount_minor, money) for line in priced.lines if line.kind == "minimum")


ANSWERS: Answers = {"spend_bounds": spend_bounds, "true_up": true_up, "prorated_minimum": prorated_minimum}
