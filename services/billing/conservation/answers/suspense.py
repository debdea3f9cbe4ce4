"""What waits in suspense, and what of it somebody has accepted in writing."""

from collections.abc import Sequence
from typing import Annotated, Literal, Self

from pydantic import Field

from services.billing.conservation.answers.reconciled import Customer
from services.billing.conservation.domain.accepted import Acceptance, Suspended, SuspendedLine
from services.billing.conservation.domain.waiting import added
from shared.http.answers import Answer, Instant, WorthAnswer
from shared.http.shown_names import EventType
from shared.values.made_from import made_from


class SuspendedAnswer(Answer):
    """What is in suspense, over all months."""

    events: int
    value: list[WorthAnswer]
    """At list price"""

    @classmethod
    def of(cls, found: Suspended) -> Self:
        return cls(events=found.events, value=WorthAnswer.each(found.value))


class AcceptanceAnswer(Answer):
    """Usage in suspense that somebody has accepted in writing. It falls when more waits than was seen."""

    object: Literal["acceptance"] = "acceptance"
    id: Annotated[str, Field(examples=["acc_0355r6GMHPjnilLt70JBPV"])]
    customer: Annotated[str, Field(examples=["EV"])]
    """Or a subject that no customer has"""
    type: EventType
    reason: Annotated[str, Field(examples=["no_contract"])]
    because: str
    by: Annotated[str, Field(examples=["usr_1"])]
    at: Instant
    """Of the business clock"""
    seen: SuspendedAnswer
    now: SuspendedAnswer
    stands: bool
    """No more waits than was seen"""

    @classmethod
    def of(cls, acceptance: Acceptance, now: Suspended) -> Self:
        return made_from(
            cls,
            acceptance,
            id=acceptance.acceptance_id,
            seen=SuspendedAnswer.of(acceptance.seen),
            now=SuspendedAnswer.of(now),
            stands=not now.exceeds(acceptance.seen),
        )


class AcceptedAnswer(Answer):
    """The acceptance that stands."""

    id: Annotated[str, Field(examples=["acc_0355r6GMHPjnilLt70JBPV"])]
    by: Annotated[str, Field(examples=["usr_1"])]
    at: Instant
    """Of the business clock"""
    because: str

    @classmethod
    def of(cls, acceptance: Acceptance) -> Self:
        return made_from(cls, acceptance, id=acceptance.acceptance_id)


class SuspendedLineAnswer(Answer):
    """What waits of one customer, or of a subject without one, of a type and for a reason, over all months."""

    customer: Customer
    subject: Annotated[str | None, Field(examples=["acme-eu"])]
    """Null where a customer has it"""
    type: EventType
    reason: Annotated[str, Field(examples=["no_contract"])]
    owner: Annotated[str, Field(examples=["account executive"])]
    """Who makes it billable"""
    first_month: Annotated[str, Field(examples=["2013-01"])]
    """UTC"""
    last_month: Annotated[str, Field(examples=["2013-12"])]
    events: int
    value: list[WorthAnswer]
    """At list price"""
    unvalued: int
    """How many of the events have no list price"""
    acceptance: AcceptedAnswer | None
    """Null where nobody has accepted it, or more waits than was seen then"""

    @classmethod
    def of(cls, line: SuspendedLine) -> Self:
        return made_from(
            cls,
            line,
            reason=str(line.reason),
            first_month=f"{line.first_month:%Y-%m}",
            last_month=f"{line.last_month:%Y-%m}",
            events=line.waits.events,
            value=WorthAnswer.each(line.waits.value),
            acceptance=AcceptedAnswer.of(line.acceptance) if line.acceptance else None,
        )


class SuspenseSummaryAnswer(Answer):
    """What waits in suspense, and how much of it is accepted in writing."""

    object: Literal["suspense_summary"] = "suspense_summary"
    suspended: int
    """Of how many customers and subjects, by type and reason"""
    accepted: int
    events: int
    """Of what nobody has accepted"""
    value: list[WorthAnswer]
    """What that is worth at list price"""
    lines: list[SuspendedLineAnswer]
    """First what nobody has accepted, and of that where most events wait"""
    more: bool
    """There are more than are shown"""

    @classmethod
    def of(cls, lines: Sequence[SuspendedLine], lines_max: int) -> Self:
        open_ = [line.waits for line in lines if line.acceptance is None]
        return cls(
            suspended=len(lines),
            accepted=len(lines) - len(open_),
            events=sum(one.events for one in open_),
            value=WorthAnswer.each(added(value for one in open_ for value in one.value)),
            lines=[SuspendedLineAnswer.of(line) for line in lines[:lines_max]],
            more=len(lines) > lines_max,
        )
