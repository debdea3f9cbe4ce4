"""Pure: which disposition a stored event has, and what to say of it. Written apart from the conservation
checker, which must agree.

The verdict is the one word for whoever asks what became of an event. It is that of the event that stands: a
second body under its id was refused, and is listed. Only where what stands charges nothing because it is
void, and another body was refused, is the word `conflict`: then somebody sent usage that is counted nowhere,
most likely as a correction under the old id.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from services.rating.disposition.domain.covering import Covering, Holding

Reason = Literal["no_customer", "no_meter", "no_contract"]
Disposition = Literal[
    "in_flight", "voided", "suspense", "unpriced", "held_late", "waived_late", "held", "priced"
]


class Verdict(StrEnum):
    """What became of an event, as far as rating and the bus know. Usage_ingest knows a further one:
    quarantined."""

    BILLED = "billed"
    WILL_BE_BILLED = "will_be_billed"
    SUSPENSE = "suspense"
    UNPRICED = "unpriced"
    VOIDED = "voided"
    HELD_LATE = "held_late"
    WAIVED_LATE = "waived_late"
    HELD = "held"
    CONFLICT = "conflict"
    SET_ASIDE = "set_aside"
    IN_FLIGHT = "in_flight"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Story:
    """What is known of a stored event. `charged`: the contracts in force whose lines price it; `in_force`:
    whether there is any contract; `in_flight`: what the fold has not passed, the event or its void."""

    subject: str
    type: str
    customer: str | None  # external id
    void: bool
    metered: bool
    in_force: bool
    charged: Sequence[Covering]
    # external id of the customer whose final statement charges it, though its subject left since
    left: str | None = None
    in_flight: Literal["event", "void"] | None = None


def verdict(story: Story) -> tuple[Disposition, str]:
    """Return (disposition, detail).

    What the fold has not passed is under way: no statement knows it. A void that came after the cut of a
    final statement leaves its event on that statement, unless the event came after it too.
    """
    if story.in_flight:
        return "in_flight", _WAITS[story.in_flight]
    late = any(contract.late for contract in story.charged)
    void_late = any(contract.void_late for contract in story.charged)
    if story.void and (late or not void_late):
        return "voided", "a void is in force for it: no statement charges it"
    if story.left is not None and not void_late:
        return "priced", (
            f"the final statement of {story.left!r} below was cut before its subject {story.subject!r} left: it still charges it, "
            "and the leaving is held late"
        )
    return _unbilled(story) or _waived(story, late) or _billed(story, late, void_late)


def suspended_for(story: Story) -> Reason | None:
    """Why nobody can be charged for it yet: in suspense by this alone."""
    if story.customer is None:
        return "no_customer"
    if not story.metered:
        return "no_meter"
    return None if story.in_force else "no_contract"


def verdict_of(disposition: Disposition, charged: Collection[Covering], conflicts: int) -> Verdict:
    """The word for a stored event. Billed is what final statements charge; what one of them still lacks will
    be."""
    if disposition == "priced":
        return Verdict.BILLED if all(contract.final for contract in charged) else Verdict.WILL_BE_BILLED
    return Verdict.CONFLICT if disposition == "voided" and conflicts else Verdict(disposition)


_WAITS = {
    "event": "stored; the fold adds it to what statements count within seconds: if that lasts, ./u2c verify says since when",
    "void": "its void is stored; until the fold comes to it, within seconds, statements still count the event",
}


_SUSPENDED: dict[Reason, str] = {
    "no_customer": "no customer goes by the subject {story.subject!r}; create it or add the alias and it is billed",
    "no_meter": "no meter takes this {story.type!r} event; create one and it is counted",
    "no_contract": "customer {story.customer!r} has no contract in force at the event's time",
}


def _unbilled(story: Story) -> tuple[Disposition, str] | None:
    if story.left is not None:
        return None
    if (reason := suspended_for(story)) is not None:
        return "suspense", _SUSPENDED[reason].format(story=story)
    if not story.charged:
        return "unpriced", "the contract in force has no line for any meter that counts this event"
    return None


def _waived(story: Story, late: bool) -> tuple[Disposition, str] | None:
    if not late or not any(contract.waived for contract in story.charged):
        return None
    return "waived_late", (
        "it came after all was accepted for its period, and it was decided that nobody is billed for it: "
        "GET /v1/audit says who decided"
    )


def _billed(story: Story, late: bool, void_late: bool) -> tuple[Disposition, str]:
    if late:
        return "held_late", (
            "it came after the final statement of its period was cut, or its subject was unknown then: that statement stays, "
            "and the next correction of the period asks for it, at the contract's next close; what came after all was accepted "
            "is listed by GET /v1/late-usage until it is decided"
        )
    held = exceptions_of(story.charged)
    if held:
        return "held", f"its period is on hold, owner {held[0].owner}: {held[0].detail}"
    if void_late and all(contract.void_waived for contract in story.charged if contract.void_late):
        return (
            "priced",
            "its void came after all was accepted for its period, and it was decided that the statement below stays: "
            "GET /v1/audit says who decided",
        )
    if void_late:
        return (
            "priced",
            "its void came after the final statement below was cut: the statement still charges it, and the void is held late",
        )
    return "priced", "its line is in the statement of the period below"


def exceptions_of(charged: Collection[Covering]) -> list[Holding]:
    """The exceptions that hold the periods of these contracts."""
    return [contract.exception for contract in charged if contract.exception]
