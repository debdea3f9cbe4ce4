"""Silence of meters: one fact a silence, told on the day it becomes an outage."""

from collections.abc import Mapping
from datetime import date

from services.signals.domain.customer_day import Known
from services.signals.domain.fact import Fact
from services.signals.domain.silence import Silence, Silences, silence


def silences_of(known: Known) -> Silences:
    """Meter → its silence, of those that ever spoke."""
    meters, rule = known.customer.meters, known.policy.silence
    found = {
        meter: silence(rollup, known.day, meters[meter].heartbeat_s if meter in meters else None, rule)
        for meter, rollup in known.customer.matched().items()
    }
    return {meter: one for meter, one in found.items() if one is not None}


def fall_silent(
    known: Known, silences: Silences, before: Mapping[str, date]
) -> tuple[list[Fact], Mapping[str, date]]:
    """Meters of one event type fall silent together: one source, one outage."""
    outages = {meter: found.last_seen_on for meter, found in silences.items() if found.is_outage}
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
    return Fact("meter.silent", (known.customer.customer_id, event_type, last), known.day, data)
