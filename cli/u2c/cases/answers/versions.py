"""Terms that change: versions, escalators, ramps, renewals."""

from datetime import date
from decimal import Decimal
from itertools import islice

from shared.pricing.language import Terms as ContractTerms
from shared.pricing.language import parse_terms
from shared.pricing.renewal import is_active, term_on
from shared.values.period import add_months
from u2c.cases.answers import written
from u2c.cases.asking import (
    ask,
    day,
    document,
    fee,
    less,
    mode_of,
    rounded,
    settled,
    total_of,
    usage_line,
    used,
)
from u2c.cases.case import Answer, Answers, Case, Later, NotOffered, known, one_of
from u2c.cases.reasons import not_offered


def _terms_of(start: str, months: str, **renewal: object) -> ContractTerms:
    return parse_terms(
        document(lines=[fee("1")], term={"start": start, "months": int(months)}, renewal=renewal)
    )


def fixed_term(case: Case) -> Answer:
    terms, usage = case.terms, case.usage
    known(terms, "interval_months", "term_months", "base_term_months", "trial_months")
    if terms.get("interval_months", "1") != "1":
        ask(document(lines=[fee("1")], billing={"interval": {"months": int(terms["interval_months"])}}))
        raise Later("billing by intervals of several months")
    if "base_term_months" in terms:
        raise Later("an add-on that ends with its base")
    if "trial_months" in terms:
        raise Later("a term that starts after its trial")
    contract, today = _terms_of(usage["start"], terms["term_months"]), day(usage["as_of"])
    begun = [period for period in contract.calendar.periods() if period.start_date <= today]
    return {
        "ends_on": contract.term.end.isoformat(),
        "active": is_active(contract, today),
        "invoices_so_far": len(begun),
    }


def renew(case: Case) -> Answer:
    terms, today = case.terms, day(case.usage["as_of"])
    known(terms, "start", "term_months", "auto_renew", "notice_days")
    if "notice" in case.usage:
        raise Later("notice and cancellation")
    contract = _terms_of(
        terms["start"],
        terms["term_months"],
        auto=terms["auto_renew"],
        notice_days=int(terms.get("notice_days", 0)),
    )
    term = term_on(contract, today)
    return {
        "term_number": term.number,
        "term_end_exclusive": term.end.isoformat(),
        "active": is_active(contract, today),
    }


def versioned_price(case: Case) -> Answer:
    """Each event by the version in force at its own time, among those recorded when the case is rated."""
    terms, usage = case.terms, case.usage
    known(terms, "versions", "rounding")
    known(usage, "usage", "rated_at", "already_invoiced")
    first = min(day(one["effective"]) for one in terms["versions"])
    documents = [
        document(
            term={"start": first.isoformat(), "months": 1200},
            effective=one["effective"],
            lines=[usage_line({"model": "per_unit", "unit": one["unit_price"]})],
        )
        | ({"recorded": one["recorded"]} if "recorded" in one else {})
        for one in terms["versions"]
    ]
    rows = [used(one["quantity"], one["at"]) for one in usage["usage"]]
    until = add_months(max(day(one["at"]) for one in usage["usage"]), 2).isoformat()
    known_at = {"as_known_at": usage["rated_at"]} if "rated_at" in usage else {}
    priced = ask(*documents, until=until, usage=rows, **known_at)
    amount = rounded(priced.exact, terms["rounding"]) if "rounding" in terms else priced.exact
    numbers = {n: one["effective"] for n, one in enumerate(terms["versions"], start=1)}
    segments = [segment for line in priced.lines for segment in line.segments if segment.quantity]
    return {
        "amount": amount,
        "adjustment": less(amount, usage.get("already_invoiced", "0")),
        "quantity_per_version": {
            numbers[version]: total_of(one.quantity for one in segments if one.version == version)
            for version in {one.version for one in segments}
        },
    }


def split_tiers(case: Case) -> Answer:
    """Tiers run through an amendment, or restart, by the clause."""
    terms, usage = case.terms, case.usage
    known(terms, "old", "new", "tier_counter")
    on_change = one_of(terms, "tier_counter", {"restart": "restart", "continue": "run_through"})
    old, new = (
        document(lines=[usage_line(written.price("graduated", terms[part]), on_change=on_change)])
        for part in ("old", "new")
    )
    priced = ask(
        old,
        new | {"effective": "2026-01-16"},
        usage=[used(usage["before"]), used(usage["after"], "2026-01-16")],
    )
    before, after = (segment.exact for segment in priced.lines[0].segments)
    return {"before": before, "after": after, "total": priced.exact}


def two_plans(case: Case) -> Answer:
    """The old plan's fee until the switch, the new one's from then: each a line of its own."""
    terms, usage = case.terms, case.usage
    known(terms, "old_price", "new_price", "switch_day", "rounding")
    if terms.get("switch_day") == "both":
        raise NotOffered(not_offered("day_twice"))
    old_day = one_of(terms, "switch_day", {"new": False, "old": True}, False)
    start = usage["period_from"]
    billing = {**settled(terms).get("billing", {}), **({"switch_day": "old"} if old_day else {})}
    over = {"term": {"start": start, "months": 1200}, "billing": billing}
    priced = ask(
        document(lines=[fee(terms["old_price"], key="old")], **over),
        document(lines=[fee(terms.get("new_price", "0"), key="new")], effective=usage["switch_on"], **over),
        until=usage["period_to"],
    )
    amounts = {line["key"]: line["amount"] for line in priced.statements[0]["lines"]}
    days = {line.key: priced.days_of(line.line_id) for line in priced.lines}
    return {
        "old": amounts["old"],
        "new": amounts["new"],
        "old_days": days["old"],
        "new_days": days["new"],
        "total": priced.total,
    }


def escalator(case: Case) -> Answer:
    """A yearly price that rises: what the first month of each year costs."""
    terms = case.terms
    known(terms, "price", "uplift_pct", "kind", "rounding", "floor_pct", "cap_pct")
    kind = one_of(terms, "kind", {"compound": "compound", "simple": "simple"}, "compound")
    rise: dict[str, object] = {"every_months": 12, "applies_to": ["fee"]}
    if "uplift_pct" in terms:
        rise["percent"] = terms["uplift_pct"]
    if "floor_pct" in terms or "cap_pct" in terms:
        raise Later("an escalator that follows a published index (index: floor, cap)")
    if kind == "simple":
        rise["kind"] = "simple"
    if "rounding" in terms:
        rise["round_price"] = {**terms["rounding"], "mode": mode_of(terms["rounding"])}
    until = date(2026, 1, 1)
    for _ in range(int(case.usage["years"])):
        until = add_months(until, 12)
    asked = document(
        lines=[fee(terms["price"])], escalators=[rise], term={"start": "2026-01-01", "months": 600}
    )
    priced = ask(asked, until=until.isoformat())
    prices = [Decimal(one["lines"][0]["exact"]) for one in islice(priced.statements, 0, None, 12)]
    return {"prices": prices, "total": total_of(prices)}


def ramp_schedule(case: Case) -> Answer:
    """A ramp is a version for each segment: so many units a month at its price."""
    terms = case.terms
    known(terms, "segments")
    starts = [date(2026, 1, 1)]
    for segment in terms["segments"]:
        starts.append(add_months(starts[-1], int(segment["months"])))
    documents = [
        document(
            lines=[usage_line({"model": "per_unit", "unit": segment["unit_price"]})],
            effective=start.isoformat(),
        )
        for segment, start in zip(terms["segments"], starts, strict=False)
    ]
    rows = [
        used(segment["quantity"], add_months(start, n).isoformat())
        for segment, start in zip(terms["segments"], starts, strict=False)
        for n in range(int(segment["months"]))
    ]
    priced = ask(*documents, until=starts[-1].isoformat(), usage=rows)
    charges = [Decimal(one["total"]) for one in priced.statements]
    months = iter(charges)
    totals = [total_of(islice(months, int(segment["months"]))) for segment in terms["segments"]]
    return {
        "segment_totals": totals,
        "contract_value": priced.total,
        "month_charge": charges[: int(case.usage["month"])][-1],
    }


def renewal_price(case: Case) -> Answer:
    """The price of a renewal, by an uplift on that of a segment."""
    terms = case.terms
    known(terms, "basis", "uplift_pct", "segments", "compounding", "round_up_to_full_year")
    one_of(terms, "basis", {"first_segment": "first", "last_segment": "last"})
    ask(document(lines=[fee("1")], renewal={"auto": True, "uplift_percent": terms["uplift_pct"]}))
    raise Later("an uplift at renewal")


ANSWERS: Answers = {
    "fixed_term": fixed_term,
    "renew": renew,
    "versioned_price": versioned_price,
    "split_tiers": split_tiers,
    "two_plans": two_plans,
    "escalator": escalator,
    "ramp_schedule": ramp_schedule,
    "renewal_price": renewal_price,
}
