"""Periods, days and parts of them, by the calendars that statements follow."""

from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import islice, takewhile
from typing import Any

from services.rating.catalogue.requests import MeterDocument, meter_of
from services.rating.metering.domain.paper import PaperEvent, PaperUsage
from shared.pricing.needs import Totals
from shared.pricing.results import PricedPeriod
from shared.values.decimals import QUANTITY_FRACTION_DIGITS_MAX
from shared.values.instants import read_instant, to_us
from shared.values.money import share
from shared.values.period import (
    BillingCalendar,
    ServicePeriod,
    add_months,
    day_after,
    days_between,
    local_date,
    local_midnight,
    period_between,
)
from u2c.cases.answers.spend import priced_for
from u2c.cases.asking import ask, day, document, fee, rounded, settled, total_of
from u2c.cases.case import Answer, Answers, Case, Later, Terms, known, one_of

_SUM = {"meter": "usage", "event_type": "usage", "aggregation": "sum", "field": "value"}
#: How a case counts the days of a period → the clause of a fee that does.
_PRORATIONS = {"actual/actual": "day", "actual/30": "day_30", "strict 30/30": "strict_30"}


def _calendar(terms: Terms, anchor: str) -> BillingCalendar:
    start = day(terms[anchor])
    return BillingCalendar(start, start.day, "UTC", int(terms["interval_months"]))


def billing_period(case: Case) -> Answer:
    known(case.terms, "anchor", "interval_months", "day_overflow")
    period = _calendar(case.terms, "anchor").containing(local_midnight(day(case.usage["date"]), "UTC"))
    return (
        {}
        if period is None
        else {
            "from": period.start_date.isoformat(),
            "to_exclusive": day_after(period.end_date).isoformat(),
        }
    )


def anchor_series(case: Case) -> Answer:
    known(case.terms, "anchor", "interval_months", "day_overflow")
    periods = islice(_calendar(case.terms, "anchor").periods(), int(case.usage["count"]))
    return {"dates": [period.start_date.isoformat() for period in periods]}


def local_month_start(case: Case) -> Answer:
    known(case.terms, "timezone")
    period = _month_of(read_instant(case.usage["instant"]), case.terms["timezone"])
    return {"next_month_start_utc": period.end.isoformat().replace("+00:00", "Z")}


def _month_of(instant: datetime, zone: str) -> ServicePeriod:
    period = BillingCalendar(datetime(1970, 1, 1, tzinfo=UTC).date(), 1, zone).containing(instant)
    assert period is not None
    return period


def local_period_count(case: Case) -> Answer:
    """What a meter counts in each local month, or day, that has an event."""
    terms, zone = case.terms, case.terms["timezone"]
    known(terms, "timezone", "period")
    digits = one_of(terms, "period", {"month": len("2026-01"), "day": len("2026-01-01")})
    events = case.usage["events"]
    meter = MeterDocument.model_validate(_SUM)
    usage = PaperUsage(
        [meter_of("usage", meter, 0, True)],
        [
            PaperEvent(
                str(n), "usage", to_us(read_instant(one["at"])), f'{{"value": "{one["value"]}"}}'.encode()
            )
            for n, one in enumerate(events)
        ],
    )
    instants = sorted(read_instant(one["at"]) for one in events)
    periods = {
        local_date(instant, zone).isoformat()[:digits]: _month_of(instant, zone)
        if terms["period"] == "month"
        else _day_of(instant, zone)
        for instant in instants
    }
    needs = [Totals("usage", "usage", period.start, period.end, ()) for period in periods.values()]
    return {"groups": {name: found[()] for name, found in zip(periods, usage.quantities(needs), strict=True)}}


def _day_of(instant: datetime, zone: str) -> ServicePeriod:
    day_ = local_date(instant, zone)
    return period_between(day_, day_after(day_), zone)


def calendar_days(case: Case) -> Answer:
    known(case.terms, "timezone")
    start, end = (
        local_date(read_instant(case.usage[name]), case.terms["timezone"]) for name in ("from", "to")
    )
    return {"days": days_between(start, end)}


def linear(case: Case) -> Answer:
    """A fee for part of a period: its days, or its seconds, over the whole period's."""
    terms = case.terms
    known(
        terms,
        "unit",
        "amount",
        "amount_unit",
        "rounding",
        "trial_days",
        "fraction_rounding",
        "fixed_days_in_period",
        "end_dates",
    )
    if "trial_days" in terms:
        ask(document(lines=[fee("1")], phases=[{"from": "2026-01-01", "factor": "0"}]))
        raise Later("a trial within a period that no calendar draws")
    unit = one_of(terms, "unit", {"day": "day", "second": "second"})
    if "fixed_days_in_period" in terms:
        unit = one_of(terms, "fixed_days_in_period", {"30": "strict_30"})
    line = fee(terms.get("amount", "1"), proration=unit)
    priced, answer = _charged_seconds(case, line) if unit == "second" else _charged_days(case, line)
    exact = total_of(segment.exact for one in priced.lines for segment in one.segments)
    if "fraction_rounding" in terms:
        return answer | {"fraction": rounded(exact, terms["fraction_rounding"])}
    return answer | {"amount": rounded(exact, terms["rounding"]) if "rounding" in terms else exact}


def _charged_days(case: Case, line: Terms) -> tuple[PricedPeriod, Answer]:
    """A part period, of the fee and nothing else."""
    period = _part(case.terms, case.usage)
    asked = _since_ever(lines=[line])
    return priced_for(asked, period=period), {"days": period.billed_days, "days_in_period": period.whole_days}


def _charged_seconds(case: Case, line: Terms) -> tuple[PricedPeriod, Answer]:
    """A whole period, in which the fee is in force from one instant to another."""
    usage, without = case.usage, [fee("0", key="another")]
    begins, ends = usage["service_from"], usage["service_to"]
    versions = [_since_ever(lines=without), _since_ever(lines=[line], effective=begins)]
    if ends < usage["period_to"]:
        versions.append(_since_ever(lines=without, effective=ends))
    return priced_for(*versions, period=_part(case.terms, _whole(usage))), {}


def _whole(usage: Terms) -> Terms:
    return {**usage, "service_from": usage["period_from"], "service_to": usage["period_to"]}


def _since_ever(**over: Any) -> Terms:
    return document(term={"start": "1980-01-01", "months": 1200}, **over)


def _part(terms: Terms, usage: Terms) -> ServicePeriod:
    """Where no period is named, the part is of a month."""
    ends = {"inclusive": day_after, "exclusive": _same}
    after = one_of(terms, "end_dates", ends, _same)
    begins = day(usage["service_from"])
    first, last = usage.get("period_from", usage["service_from"]), usage.get("period_to")
    whole = days_between(day(first), add_months(begins, 1) if last is None else after(day(last)))
    return period_between(begins, after(day(usage["service_to"])), "UTC", whole_days=whole)


def _same(value: date) -> date:
    return value


def _fraction(period: ServicePeriod, rounding: Terms) -> Decimal:
    return rounded(share(Decimal(1), period.billed_days, period.whole_days), rounding)


def cycles(case: Case) -> Answer:
    """Every cycle begun by the target day, part cycles by their days."""
    terms, usage = case.terms, case.usage
    known(terms, "interval_months", "billing_day", "fraction_rounding")
    rounding = terms.get("fraction_rounding", {"mode": "half_up", "scale": QUANTITY_FRACTION_DIGITS_MAX})
    end = day(usage["end"]) if usage["end"] else None
    calendar = BillingCalendar(
        day(usage["start"]), int(terms["billing_day"]), "UTC", int(terms["interval_months"]), end
    )
    begun = takewhile(lambda period: period.start_date <= day(usage["target"]), calendar.periods())
    return {"cycles": total_of(_fraction(period, rounding) for period in begun)}


def day_count(case: Case) -> Answer:
    usage = case.usage
    known(case.terms, "convention")
    proration = one_of(case.terms, "convention", _PRORATIONS)
    first, last = day(usage["from"]), day(usage["to_inclusive"])
    month = next(BillingCalendar(last.replace(day=1), 1, "UTC").periods())
    period = period_between(first, day_after(last), "UTC", whole_days=month.whole_days)
    (step,) = priced_for(_since_ever(lines=[fee("1", proration=proration)]), period=period).steps[:1]
    return {"days": step.inputs["days"], "days_in_month": step.inputs["whole_days"]}


def cycle_terms(case: Case) -> Answer:
    """A fee by the cycle; one in part is due whole, or by its days."""
    terms, usage = case.terms, case.usage
    known(terms, "price_per_cycle", "cycle_day", "partial_cycle", "rounding")
    proration = one_of(terms, "partial_cycle", {"whole": "none", "prorate": "day"})
    calendar = BillingCalendar(
        day(usage["from"]), int(terms["cycle_day"]), "UTC", end_date=day_after(day(usage["to_inclusive"]))
    )
    asked = _since_ever(lines=[fee(terms["price_per_cycle"], proration=proration)], **settled(terms))
    priced = [priced_for(asked, period=period) for period in calendar.periods()]
    quantities = [line.quantity for one in priced for line in one.lines]
    exact = [segment.exact for one in priced for line in one.lines for segment in line.segments]
    amounts = [rounded(one, terms["rounding"]) for one in exact] if "rounding" in terms else exact
    return {"cycles": total_of(quantities), "amount": total_of(amounts)}


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
}
