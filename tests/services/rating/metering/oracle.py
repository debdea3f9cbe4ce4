"""The brute-force oracle: quantities from the list of sent events, by nothing but loops; and aggregates by one
tally of everything that stands."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec

from services.rating.catalogue.domain.meter import Meter
from services.rating.metering.domain.admission import Admission
from services.rating.metering.domain.tally import HOUR_US, Catalogue
from shared.runtime.clock import from_us, to_us
from shared.topics.usage_ingest import UsageMessage
from tests.services.rating.metering.book import Aggregates

Group = tuple[tuple[str, str], ...]


def standing(messages: Sequence[UsageMessage]) -> list[UsageMessage]:
    """The first of each id, less what is void."""
    voided = {message.id for message in messages if message.kind == "void"}
    first: dict[str, UsageMessage] = {}
    for message in messages:
        if message.kind == "event":
            first.setdefault(message.id, message)
    return [message for message in first.values() if message.id not in voided]


def tallied(messages: Sequence[UsageMessage], meters: Sequence[Meter], admission: Admission) -> Aggregates:
    """All aggregates that are not zero, by one tally of what stands."""
    tally = Catalogue(0, meters).tally(standing(messages)).regrouped(admission.where)
    days: dict[tuple[str, str, str, Any], tuple[int, Decimal]] = {}
    hours: dict[tuple[str, str, str, datetime], tuple[int, Decimal]] = {}
    for (subject, name, group, hour), change in tally.sums.items():
        at = from_us(hour * HOUR_US)
        hours[subject, name, group, at] = change.events, Decimal(change.value).normalize()
        events, value = days.get((subject, name, group, at.date()), (0, Decimal(0)))
        days[subject, name, group, at.date()] = events + change.events, (value + change.value).normalize()
    uniques = {
        (subject, name, group, from_us(hour * HOUR_US), item): count
        for (subject, name, group, hour, item), count in tally.items.items()
    }
    return Aggregates(hours, days, uniques)


def quantities(
    messages: Sequence[UsageMessage],
    terms: dict[str, Any],
    subjects: Sequence[str],
    start: datetime,
    end: datetime,
    dimensions: Sequence[str],
) -> dict[Group, Decimal]:
    """Group → quantity in [start, end)."""
    sums: dict[Group, Decimal] = {}
    items: dict[Group, set[str]] = {}
    for message in standing(messages):
        if (
            message.subject not in subjects
            or message.type != terms["event_type"]
            or not to_us(start) <= message.time_us < to_us(end)
        ):
            continue
        data = _data(message)
        group = tuple((name, str(data.get(name, ""))) for name in sorted(dimensions))
        if terms["aggregation"] == "unique":
            items.setdefault(group, set()).add(str(data[terms["field"]]))
        else:
            value = Decimal(1) if terms["aggregation"] == "count" else Decimal(str(data[terms["field"]]))
            sums[group] = sums.get(group, Decimal(0)) + value
    return {**sums, **{group: Decimal(len(found)) for group, found in items.items()}}


def _data(message: UsageMessage) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.json.decode(bytes(message.data))
    return found
