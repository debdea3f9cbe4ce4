"""What a quantity costs: each case is a month with one usage line."""

from itertools import pairwise
from typing import Any

from u2c.cases.answers import written
from u2c.cases.asking import Priced, ask, document, less, total_of, usage_line, used
from u2c.cases.case import Answer, Answers, Case, Later, NotOffered, Terms, Unknown, known, one_of
from u2c.cases.reasons import not_offered

_METER = {"meter": "usage", "event_type": "usage", "aggregation": "sum", "field": "value"}


def quantity_priced(case: Case) -> Answer:
    """A slice costs the statement now less the statement before it. A tier may be selected by another quantity, that
    before it was prorated."""
    terms, usage = case.terms, case.usage
    known(usage, "quantity", "previous_quantity", "tier_selection_quantity")
    full = {"full_quantity": usage["tier_selection_quantity"]} if "tier_selection_quantity" in usage else {}
    picked = {"tier_by": "full_quantity"} if full else {}
    asked = document(lines=[written.line(case.model, terms, **picked)], **written.money(terms))
    before = [used(usage["previous_quantity"])] if "previous_quantity" in usage else []
    now = ask(asked, usage=[*before, used(usage["quantity"], **full)])
    amount = now.amount(terms)
    if before:
        amount = less(amount, ask(asked, usage=before).amount(terms))
    tiers = [step.number("quantity") for step in now.steps("price")]
    return {
        "amount": amount,
        "units_per_tier": [units for units in tiers if units],
        "packages": total_of(step.number("count") for step in now.steps("price")),
    }


def percentage(case: Case) -> Answer:
    terms = case.terms
    known(case.usage, "transactions")
    names = {
        "rate_pct": "rate",
        "fixed_fee": "fixed",
        "free_transactions": "free_events",
        "free_amount": "free_amount",
        "min_fee": "minimum",
        "max_fee": "maximum",
    }
    known(terms, *names, "fixed_fee_when_total_is_zero", "allowance_rule", "evaluation", "rounding")
    price: dict[str, Any] = {"model": "percentage"}
    price |= {names[name]: value for name, value in terms.items() if name in names}
    if "fixed_fee_when_total_is_zero" in terms:
        at_zero = one_of(terms, "fixed_fee_when_total_is_zero", {"none": "no", "charge": "yes"})
        price |= {"fixed_at_zero": at_zero} if at_zero == "no" else {}
    return {
        "amount": _of_events(price, [{"value": one} for one in case.usage["transactions"]], terms).amount(
            terms
        )
    }


def graduated_percentage(case: Case) -> Answer:
    terms = case.terms
    known(terms, "tiers", "zero_usage_flat_fee", "rounding")
    price = {
        "model": "graduated_percentage",
        "tiers": [written.tier(one) for one in terms["tiers"]],
        **written.conventions(terms),
    }
    asked = document(lines=[usage_line(price)], **written.money(terms))
    return {"amount": ask(asked, usage=[used(case.usage["quantity"])]).amount(terms)}


def event_priced(case: Case) -> Answer:
    terms = case.terms
    known(terms, "zero_quantity", "multiplier", "rounding")
    events = [{"value": one["quantity"], "amount": one["amount"]} for one in case.usage["events"]]
    return {"amount": _of_events(written.price(case.model, terms), events, terms).amount(terms)}


def _of_events(price: Terms, events: list[dict[str, Any]], terms: Terms) -> Priced:
    """Price events, one a day: whatever looks at each finds it."""
    sent = [
        {"id": str(n), "type": "usage", "time": f"2026-01-01T00:00:00.{n:06}Z", "data": data}
        for n, data in enumerate(events)
    ]
    asked = document(lines=[usage_line(price)], **written.money(terms))
    return ask(asked, meters=[_METER], events=sent)


def matrix(case: Case) -> Answer:
    """A list of values is a row for each; without a default row the rest is left unpriced."""
    terms = case.terms
    known(terms, "dimensions", "prices", "default_unit_price", "rounding")
    rates = [row for one in terms["prices"] for row in _rows(one)]
    default = terms.get("default_unit_price")
    price = {
        "model": "matrix",
        "dimensions": terms["dimensions"],
        "rates": rates if default is None else [*rates, {"unit": default}],
        **({} if default is not None else {"unmatched": "leave"}),
    }
    asked = document(lines=[usage_line(price)], **written.money(terms))
    priced = ask(asked, usage=[used(row["quantity"], group=row["dims"]) for row in case.usage["rows"]])
    return {
        "amount": priced.amount(terms),
        "unpriced_quantity": total_of(segment.unpriced for line in priced.lines for segment in line.segments),
    }


def _rows(price: Terms) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = [{"unit": price["unit_price"]}]
    for name, values in price["match"].items():
        listed = values if isinstance(values, list) else [values]
        rows = [{**row, name: value} for row in rows for value in listed]
    return rows


def converted(case: Case) -> Answer:
    terms = case.terms
    known(terms, "conversion", "pricing", "usage_discount", "rounding")
    conversion = terms["conversion"]
    modes = {"none": None, "ceiling": "ceiling", "ceil": "ceiling", "floor": "floor", "half_up": "half_up"}
    mode = modes.get(conversion["rounding"], "?")
    if mode == "?":
        raise Unknown(f"no rounding is called {conversion['rounding']!r}")
    convert = {
        conversion["operation"]: conversion["factor"],
        **({"round": {"mode": mode, "scale": 0}} if mode else {}),
    }
    pricing = terms.get("pricing", {"model": "per_unit", "unit_price": "1"})
    line = {**written.line(pricing["model"], pricing), "convert": convert}
    discount = {"key": "units", "units": terms.get("usage_discount"), "applies_to": ["usage"]}
    over = {"discounts": [discount]} if "usage_discount" in terms else {}
    priced = ask(document(lines=[line], **written.money(terms), **over), usage=[used(case.usage["quantity"])])
    billed = total_of(segment.priced for line_ in priced.lines for segment in line_.segments)
    return {"amount": priced.amount(terms), "billed_quantity": billed}


def duration(case: Case) -> Answer:
    """Bands by local time, each with groups by seconds since the start."""
    terms = case.terms
    known(terms, "schedule", "rounding", "increment_price_rounding", "first_slice", "max_cost")
    price = {
        "model": "duration",
        "bands": [_band(one) for one in terms["schedule"]],
        **({"maximum": terms["max_cost"]} if "max_cost" in terms else {}),
        **(
            {"increment_rounding": terms["increment_price_rounding"]}
            if "increment_price_rounding" in terms
            else {}
        ),
    }
    seconds = {"value": case.usage.get("seconds", "0"), "first": terms.get("first_slice", True)}
    return {"amount": _of_events(price, [seconds], terms).amount(terms)}


def _band(one: Terms) -> dict[str, Any]:
    known(one, "days", "from", "connect_fee", "groups")
    names = {
        "from_second": "after_s",
        "price": "price",
        "per_seconds": "per_s",
        "increment_seconds": "increment_s",
    }
    groups = [{names[name]: value for name, value in group.items()} for group in one["groups"]]
    return {**one, "groups": groups}


def tiered_blocks(case: Case) -> Answer:
    terms = case.terms
    known(terms, "policy", "tiers", "rounding")
    names = {"block_size": "size", "max_blocks": "max", "block_price": "price"}
    tiers = [
        {names[name]: value for name, value in one.items() if value is not None} for one in terms["tiers"]
    ]
    charge = one_of(terms, "policy", {"all_tiers": "all_tiers", "top_tier": "top_tier"})
    asked = document(
        lines=[usage_line({"model": "blocks", "charge": charge, "tiers": tiers})], **written.money(terms)
    )
    priced = ask(asked, usage=[used(case.usage["quantity"])])
    return {
        "amount": priced.amount(terms),
        "amount_per_tier": [step.amount for step in priced.steps("price") if step.amount],
    }


def capacity_tier(case: Case) -> Answer:
    raise NotOffered(not_offered("worst_of_meters"))


def bucketed(case: Case) -> Answer:
    terms = case.terms
    known(terms, "bucket_aggregation", "pricing", "rounding")
    pricing = terms["pricing"]
    per_bucket = {"window": "hour", "aggregate": terms["bucket_aggregation"]}
    line = {**written.line(pricing["model"], pricing), "per_bucket": per_bucket}
    events = [
        {"line": "usage", "at": f"2026-01-01T{hour:02}:00:00Z", "quantity": value}
        for hour, values in enumerate(case.usage["buckets"])
        for value in (values if isinstance(values, list) else [values])
    ]
    return {"amount": ask(document(lines=[line], **written.money(terms)), usage=events).amount(terms)}


def components(case: Case) -> Answer:
    raise Later("meters whose value is a product of fields and a factor")


def free_units(case: Case) -> Answer:
    """The allowance over slices of one period: what each slice adds to the units that are priced."""
    known(case.terms, "free_units")
    asked = document(lines=[written.line("per_unit", {"unit_price": "1", **case.terms})])
    slices = case.usage["slices"]
    reached = [*(slices[:n] for n, _ in enumerate(slices)), slices]
    asked_until = [ask(asked, usage=[used(one) for one in some]) for some in reached]
    priced = [
        total_of(segment.priced for line in one.lines for segment in line.segments) for one in asked_until
    ]
    covered = total_of(segment.allowance for line in asked_until[-1].lines for segment in line.segments)
    return {
        "billed_per_slice": [less(now, before) for before, now in pairwise(priced)],
        "remaining_free_units": less(covered, case.terms["free_units"]).copy_negate(),
    }


def daily_allowance(case: Case) -> Answer:
    known(case.terms, "allowance_per_day", "unit_price")
    price = {"model": "per_unit", "unit": case.terms["unit_price"]}
    line = usage_line(price, included={"units": case.terms["allowance_per_day"], "per": "day"})
    usage = [used(quantity, f"2026-01-{n:02}") for n, quantity in enumerate(case.usage["daily"], start=1)]
    priced = ask(document(lines=[line]), usage=usage)
    return {
        "billable": total_of(segment.priced for line_ in priced.lines for segment in line_.segments),
        "amount": priced.exact,
    }


ANSWERS: Answers = {
    "per_unit": quantity_priced,
    "graduated": quantity_priced,
    "volume": quantity_priced,
    "package": quantity_priced,
    "matrix": matrix,
    "percentage": percentage,
    "graduated_percentage": graduated_percentage,
    "event_priced": event_priced,
    "converted": converted,
    "duration": duration,
    "tiered_blocks": tiered_blocks,
    "capacity_tier": capacity_tier,
    "bucketed": bucketed,
    "components": components,
    "progressive_usage_discount": free_units,
    "daily_allowance": daily_allowance,
}
