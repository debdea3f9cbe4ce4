"""Answers to the outside cases about calendars, proration by the day, terms and versions."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import islice, takewhile
from typing import Any

from shared.pricing import Group, Totals, VersionInForce, parse_terms, price_period, usage_needs
from shared.pricing.language import Terms
from shared.pricing.renewal import is_active, term_on
from shared.values.money import Rounding, round_to, share, to_decimal
from shared.values.period import BillingCalendar, ServicePeriod, local_date, period_between
from tests.cases.answers_pricing import Answer, Answers, Case, written_tier
from tests.shared.pricing.contracts import chain, document, price, usage_line


def day(text: str) -> date:
    return date.fromisoformat(text)


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def calendar_of(terms: Case, anchor: str) -> BillingCalendar:
    start = day(terms[anchor])
    return BillingCalendar(start, start.day, "UTC", int(terms["interval_months"]))


def billing_period(case: Case) -> Answer:
    period = calendar_of(case["terms"], "anchor").containing(
        datetime.combine(day(case["usage"]["date"]), datetime.min.time(), UTC)
    )
    assert period is not None
    return {
        "from": period.start_date.isoformat(),
        "to_exclusive": (period.end_date + timedelta(days=1)).isoformat(),
    }


def anchor_series(case: Case) -> Answer:
    periods = islice(calendar_of(case["terms"], "anchor").periods(), int(case["usage"]["count"]))
    return {"dates": [period.start_date.isoformat() for period in periods]}


def local_month_start(case: Case) -> Answer:
    zone, moment = case["terms"]["timezone"], instant(case["usage"]["instant"])
    period = BillingCalendar(date(2000, 1, 1), 1, zone).containing(moment)
    assert period is not None
    return {"next_month_start_utc": period.end.isoformat().replace("+00:00", "Z")}


def local_period_count(case: Case) -> Answer:
    digits = {"month": 7, "day": 10}[case["terms"]["period"]]
    groups: Counter[str] = Counter()
    for event in case["usage"]["events"]:
        groups[local_date(instant(event["at"]), case["terms"]["timezone"]).isoformat()[:digits]] += int(
            event["value"]
        )
    return {"groups": dict(groups)}


def calendar_days(case: Case) -> Answer:
    zone, usage = case["terms"]["timezone"], case["usage"]
    return {"days": (local_date(instant(usage["to"]), zone) - local_date(instant(usage["from"]), zone)).days}


def linear(case: Case) -> Answer:
    """A fee for part of a period: its days over the whole period's."""
    terms, usage = case["terms"], case["usage"]
    whole = (day(usage["period_to"]) - day(usage["period_from"])).days
    period = period_between(day(usage["service_from"]), day(usage["service_to"]), "UTC", whole_days=whole)
    answer: Answer = {"days": period.billed_days, "days_in_period": whole}
    if "fraction_rounding" in terms:
        return {**answer, "fraction": fraction(period, terms)}
    written = document(
        currency="JPY", term={"start": "2000-01-01", "months": 600}, lines=[fee(terms["amount"])]
    )
    return {**answer, "amount": price(chain(parse_terms(written)), period=period).subtotal_minor}


def fraction(period: ServicePeriod, terms: Case) -> Decimal:
    return round_to(
        share(Decimal(1), period.billed_days, period.whole_days),
        terms["fraction_rounding"]["scale"],
        Rounding.HALF_UP,
    )


def fee(amount: str, **over: str) -> dict[str, Any]:
    return {"key": "fee", "kind": "recurring", "amount": amount, **over}


def cycles(case: Case) -> Answer:
    """Every cycle begun by the target day, part cycles by their days."""
    terms, usage = case["terms"], case["usage"]
    end = day(usage["end"]) if usage["end"] else None
    calendar = BillingCalendar(
        day(usage["start"]), int(terms["billing_day"]), "UTC", int(terms["interval_months"]), end
    )
    begun = takewhile(lambda period: period.start_date <= day(usage["target"]), calendar.periods())
    return {"cycles": sum(fraction(period, terms) for period in begun)}


def day_count(case: Case) -> Answer:
    usage = case["usage"]
    last = day(usage["to_inclusive"])
    month = next(BillingCalendar(last.replace(day=1), 1, "UTC").periods())
    return {
        "days": period_between(day(usage["from"]), last + timedelta(days=1), "UTC").billed_days,
        "days_in_month": month.whole_days,
    }


def cycle_terms(case: Case) -> Answer:
    """With `proration: none` a part cycle is due whole."""
    terms, usage = case["terms"], case["usage"]
    written = document(
        term={"start": "2000-01-01", "months": 600}, lines=[fee(terms["price_per_cycle"], proration="none")]
    )
    versions = chain(parse_terms(written))
    calendar = BillingCalendar(
        day(usage["from"]),
        int(terms["cycle_day"]),
        "UTC",
        end_date=day(usage["to_inclusive"]) + timedelta(days=1),
    )
    priced = [price(versions, period=period).subtotal_minor for period in calendar.periods()]
    return {"cycles": len(priced), "amount": to_decimal(sum(priced), versions[0].terms.money)}


def terms_of(start: str, months: str, **renewal: Any) -> Terms:
    return parse_terms(document(term={"start": start, "months": int(months)}, renewal=renewal))


def fixed_term(case: Case) -> Answer:
    usage = case["usage"]
    terms, today = terms_of(usage["start"], case["terms"]["term_months"]), day(usage["as_of"])
    begun = [period for period in terms.calendar.periods() if period.start_date <= today]
    return {
        "ends_on": terms.term.end.isoformat(),
        "active": is_active(terms, today),
        "invoices_so_far": len(begun),
    }


def renew(case: Case) -> Answer:
    written, today = case["terms"], day(case["usage"]["as_of"])
    terms = terms_of(
        written["start"],
        written["term_months"],
        auto=written["auto_renew"],
        notice_days=int(written.get("notice_days", 0)),
    )
    term = term_on(terms, today)
    return {
        "term_number": term.number,
        "term_end_exclusive": term.end.isoformat(),
        "active": is_active(terms, today),
    }


def versioned_price(case: Case) -> Answer:
    """Each event by the version in force at its own time, among the versions recorded when the case is
    rated."""
    usage = case["usage"]
    known = [
        version
        for version in case["terms"]["versions"]
        if version.get("recorded", "") <= usage.get("rated_at", "9999")
    ]
    versions = tuple(version_in_force(number, version) for number, version in enumerate(known, start=1))
    period = period_between(
        versions[0].effective_at.date(), date(versions[-1].effective_at.year + 1, 1, 1), "UTC"
    )
    counted: dict[Totals, dict[Group, Decimal]] = {
        need: {
            (): sum(
                (
                    Decimal(event["quantity"])
                    for event in usage["usage"]
                    if need.start <= instant(event["at"]) < need.end
                ),
                Decimal(0),
            )
        }
        for need in usage_needs(versions, period)
    }
    priced = price_period(versions, period, counted)
    amount = to_decimal(priced.subtotal_minor, versions[0].terms.money)
    written = {version.version: known[version.version - 1]["effective"] for version in versions}
    return {
        "amount": amount,
        "adjustment": amount - Decimal(usage.get("already_invoiced", 0)),
        "quantity_per_version": {
            written[segment.version]: segment.quantity for segment in priced.lines[0].segments
        },
    }


def version_in_force(number: int, version: Case) -> VersionInForce:
    line = usage_line({"model": "per_unit", "unit": version["unit_price"]})
    terms = parse_terms(
        document(term={"start": "2000-01-01", "months": 600}, effective=version["effective"], lines=[line])
    )
    return VersionInForce(number, terms.effective_at, terms, terms.hash)


def split_tiers(case: Case) -> Answer:
    """Tiers run through an amendment, or restart, by the clause."""
    terms, usage = case["terms"], case["usage"]
    on_change = {"restart": "restart", "continue": "run_through"}[terms["tier_counter"]]
    prices = [
        {"model": "graduated", "tiers": list(map(written_tier, terms[part]["tiers"]))}
        for part in ("old", "new")
    ]
    old, new = ([usage_line(written, on_change=on_change)] for written in prices)
    versions = chain(
        parse_terms(document(lines=old)), parse_terms(document(lines=new, effective="2026-01-16"))
    )
    priced = price(versions, usage["before"], usage["after"])
    before, after = (segment.exact for segment in priced.lines[0].segments)
    return {
        "before": before,
        "after": after,
        "total": to_decimal(priced.subtotal_minor, versions[0].terms.money),
    }


ANSWERS: Answers = {
    "billing_period": billing_period,
    "anchor_series": anchor_series,
    "local_month_start": local_month_start,
    "calendar_days": calendar_days,
    "local_period_count": local_period_count,
    "linear": linear,
    "cycles": cycles,
    "day_count": day_count,
    "cycle_terms": cycle_terms,
    "fixed_term": fixed_term,
    "renew": renew,
    "versioned_price": versioned_price,
    "split_tiers": split_tiers,
}
