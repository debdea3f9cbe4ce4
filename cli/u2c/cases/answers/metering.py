"""What events come to: metered into a store, and read from it as pricing reads usage."""

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from itertools import count
from typing import Any, Final

import msgspec

from services.rating.metering.domain.aggregations.offered import AGGREGATIONS
from shared.pricing.needs import Totals
from shared.topics.usage_ingest import UsageMessage
from shared.values.instants import read_instant, to_us
from shared.values.period import local_midnight
from u2c.cases.asking import day, total_of
from u2c.cases.case import Answer, Answers, Case, Later, NotOffered, Terms, Unknown, known, one_of
from u2c.cases.reasons import not_offered
from u2c.cases.store import store

#: What a case calls an aggregation → what the language does, offered or not.
_AGGREGATIONS: Final[Mapping[str, str]] = {
    "count": "count",
    "sum": "sum",
    "unique_count": "unique",
    "max": "max",
    "min": "min",
    "average": "average",
    "latest": "latest",
    "percentile": "percentile",
    "weighted_sum": "weighted",
    "running_sum_floor_zero": "running sum",
    "prorated_sum": "prorated sum",
    "prorated_unique_count": "prorated unique",
}
#: Terms of meters that the language knows and does not offer yet → what they are.
_LATER: Final[Mapping[str, str]] = {
    "rounding": "meters that round their quantity (round_quantity)",
    "opening_value": "levels that carry over (carry)",
    "negative_result": "meters whose result is never negative (negative: zero)",
    "days_in_full_period": "meters that prorate by day",
}
_ALWAYS: Final = (datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC))


def aggregate(case: Case) -> Answer:
    terms = case.terms
    known(
        terms,
        "aggregation",
        "period",
        "group_by",
        "filter",
        "carry_over",
        "dedupe_key",
        "accept_until",
        *_LATER,
    )
    aggregation = one_of(terms, "aggregation", _AGGREGATIONS)
    if aggregation not in AGGREGATIONS:
        raise Later(f"{aggregation} meters")
    if late := [_LATER[name] for name in _LATER if name in terms]:
        raise Later(late[0])
    if terms.get("carry_over"):
        raise Later("levels and sets of items that carry over (carry)")
    if any("op" in event for event in case.usage["events"]):
        raise Later("unique meters whose events add and remove items (operation)")
    if "dedupe_key" in terms and sorted(terms["dedupe_key"]) != ["id", "source"]:
        raise Unknown(f"events are known by id and source, not by {terms['dedupe_key']}")
    meter = _meter(aggregation, terms)
    start, end = _span(terms["period"]) if "period" in terms else _ALWAYS
    messages = _messages(case.usage["events"], start, terms.get("accept_until"))
    dimensions = tuple(sorted(terms.get("group_by", ())))
    found = store().read(meter, messages, [Totals("case", "case", start, end, dimensions)])[0]
    counted = store().read(
        {"aggregation": "count", **_filters(terms)}, messages, [Totals("case", "case", start, end, ())]
    )[0]
    return {
        "value": total_of(found.values()),
        "groups": {",".join(value for _, value in group): quantity for group, quantity in found.items()},
        "events_counted": total_of(counted.values()),
    }


def _meter(aggregation: str, terms: Terms) -> dict[str, Any]:
    field = {"sum": {"field": "value"}, "unique": {"field": "item"}}.get(aggregation, {})
    group_by = {"group_by": terms["group_by"]} if "group_by" in terms else {}
    return {"aggregation": aggregation, "missing": "ignore", **field, **group_by, **_filters(terms)}


def _filters(terms: Terms) -> dict[str, Any]:
    return {"filters": terms["filter"]} if "filter" in terms else {}


def _span(period: Terms) -> tuple[datetime, datetime]:
    return _instant(period["from"]), _instant(period["to"])


def _instant(text: str) -> datetime:
    return read_instant(text) if "T" in text else local_midnight(day(text), "UTC")


def _messages(events: list[Terms], otherwise: datetime, accept_until: str | None) -> list[UsageMessage]:
    """What has been received when the period is cut."""
    numbers = count(1)
    return [
        _message(event, f"event-{next(numbers)}", otherwise)
        for event in events
        if accept_until is None or read_instant(event["received"]) <= read_instant(accept_until)
    ]


def _message(event: Terms, name: str, otherwise: datetime) -> UsageMessage:
    data = {key: event[key] for key in ("value", "item") if key in event} | dict(event.get("props", {}))
    body = msgspec.json.encode(data, order="sorted")
    at = _instant(event["at"]) if "at" in event else otherwise
    said = msgspec.json.encode([event.get("type", ""), at, data], order="sorted")
    return UsageMessage(
        source=event.get("source", "case"),
        id=event.get("id", name),
        received_us=to_us(at),
        type="case",
        subject="case",
        time_us=to_us(at),
        data=msgspec.Raw(body),
        body_hash=hashlib.sha256(said).hexdigest()[:32],
    )


def windowed_sum(case: Case) -> Answer:
    """A query between two instants; windows that it cuts are counted as far as it reaches into them."""
    terms = case.terms
    known(terms, "window", "query", "query_truncated_to")
    start, end = _span(terms["query"])
    whole = one_of(terms, "window", {"second": ("microsecond",), "minute": ("microsecond", "second")})
    if any(getattr(instant, part) for instant in (start, end) for part in whole):
        raise NotOffered(not_offered("part_windows"))
    messages = _messages(case.usage["events"], start, None)
    found = store().read(_meter("sum", {}), messages, [Totals("case", "case", start, end, ())])[0]
    return {"value": found.get((), Decimal(0))}


ANSWERS: Answers = {"aggregate": aggregate, "windowed_sum": windowed_sum}
