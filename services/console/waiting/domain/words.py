"""What the places, reasons and steps of billing are called here, and on which page each lists its parts."""

from collections.abc import Mapping
from typing import Final

from services.console.domain.addresses import with_query
from services.console.domain.times import Zones

NOTHING: Final[dict[str, str]] = {}
PLACES: Final[Mapping[str, str]] = {
    "suspense": "in suspense",
    "held_late": "late",
    "held": "held",
    "unbilled": "not invoiced yet",
}
REASONS: Final[Mapping[str, str]] = {
    "no_customer": "no customer goes by the subject",
    "no_meter": "no meter counts the type",
    "no_contract": "the customer has no contract then",
    "after_the_cut": "came after its period was final",
    "pricing_failed": "its period cannot be priced",
    "period_open": "the period is still open",
    "not_finalized": "final, without an invoice",
}
STEPS: Final[Mapping[str, str]] = {
    "stored": "stored",
    "voided": "voided",
    "suspense": "in suspense",
    "held_late": "late",
    "held": "held",
    "waived": "waived",
    "unbilled": "not invoiced yet",
    "invoiced": "invoiced",
}


def place_of(place: str) -> str:
    return PLACES.get(place, place)


def page_of_waiting(place: str, reason: str, currency: str, zones: Zones) -> str:
    """Where what waits in a place is listed; `currency` narrows documents, "" does not."""
    state = {"held": "held", "period_open": "open"}.get(place if place == "held" else reason, "")
    documents = {"status": "draft", "state": state, "currency": currency}
    path, asked = {"suspense": ("/suspense", NOTHING), "held_late": ("/late", NOTHING)}.get(
        place, ("/invoices", documents)
    )
    return with_query(path, {**asked, **zones.query})


def page_of_step(step: str, currency: str, zones: Zones) -> str:
    """Where the parts of a step are listed; the books, where no list has them."""
    if step in ("suspense", "held_late", "held", "unbilled"):
        return page_of_waiting(step, "", currency, zones)
    path, asked = {
        "waived": ("/late", NOTHING),
        "invoiced": ("/invoices", {"status": "finalized", "currency": currency}),
    }.get(step, ("/reconciliation", NOTHING))
    return with_query(path, {**asked, **zones.query})
