"""Silence of meters: one fact a silence, told on the day it becomes an outage."""

from collections.abc import Mapping
from datetime import date, timedelta

from services.signals.domain.customer_day import Customer, Known
from services.signals.domain.event_types import METER_SILENT
from services.signals.domain.fact import Fact
from services.signals.domain.silence import Silence, SilenceRule, Silences, silence


def silences_of(known: Known) -> Silences:
    """Meter → its silence, of those that ever spoke."""
    meters, rule = known.customer.meters, known.policy.silence
    found = {
        meter: silence(rollup, known.day, meters[meter].heartbeat_s if meter in meters else None, rule)
        for meter, rollup in known.customer.matched().items()
    }
    return {meter: one for meter, one in found.items() if one is not None}


def silent_event_types(customer: Customer, day: date, rule: SilenceRule) -> set[str]:
    """The event types of the meters of a customer that are silent as the day begins."""
    found = set()
    for meter, rollup in customer.matched().items():
        of_catalogue, last = customer.meters.get(meter), rollup.last_day_before(day)
        if of_catalogue is None or last is None or last >= day - timedelta(days=1):
            continue
        quiet = silence(rollup, day, of_catalogue.heartbeat_s, rule)
        if quiet is not None and quiet.is_outage:
            found.add(of_catalogue.event_type)
    return found


def fall_silent(
    known: Known, silences: Silences, before: Mapping[str, date]
) -> tuple[list[Fact], Mapping[str, date]]:
    """Meters of one event type fall silent together: one source, one outage. Where it is the producer, that is told
    once for all its customers, and of this one only if it stays silent when the others speak again."""
    outages = {
        meter: found.last_seen_on
        for meter, found in silences.items()
        if found.is_outage and _event_type(known, meter) not in known.producers
    }
    sources: dict[tuple[str, date], list[str]] = {}
    for meter, last in sorted(outages.items()):
        if before.get(meter) != last:
            sources.setdefault((_event_type(known, meter), last), []).append(meter)
    facts = [
        _silent(known, event_type, meters, silences[meters[0]]) for (event_type, _), meters in sources.items()
    ]
    return facts, outages


def _event_type(known: Known, meter: str) -> str:
    of_catalogue = known.customer.meters.get(meter)
    return of_catalogue.event_type if of_catalogue else meter


def _silent(known: Known, event_type: str, meters: list[str], found: Silence) -> Fact:
    last = found.last_seen_on.isoformat()
    data = {
        "meters": meters,
        "last_seen_on": last,
        "silent_days": found.days,
        "bearable_days": found.bearable_days,
    }
    return Fact(METER_SILENT, (known.customer.customer_id, event_type, last), known.day, data)
