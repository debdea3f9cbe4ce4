"""What the API shows of what waited on a day: by place, reason and owner, beside another day, and on the way from what is
stored to what is invoiced."""

from datetime import date
from typing import Annotated, Literal, Self

from pydantic import Field

from services.billing.conservation.domain.waited import (
    Change,
    Pile,
    Standing,
    Waited,
    WaitedDay,
    by_owner,
    changes,
    together,
)
from services.billing.conservation.domain.waterfall import Step, Waterfall
from shared.http.answers import Amount, Answer, Instant, WorthAnswer
from shared.http.shown_names import CurrencyCode, Owner
from shared.values.made_from import made_from

Oldest = Annotated[date | None, Field(examples=["2013-01-01"])]


class WaitedAnswer(Answer):
    """Events that waited, and what they are worth; of settled money, what that is."""

    events: int
    unvalued: int
    """How many of the events `value` is without"""
    value: list[WorthAnswer]

    @classmethod
    def of(cls, waited: Waited) -> Self:
        return made_from(cls, waited, value=WorthAnswer.each(waited.value))


class PileAnswer(WaitedAnswer):
    """What waited in a place for one reason."""

    place: Annotated[str, Field(examples=["suspense"])]
    reason: Annotated[str, Field(examples=["no_contract"])]
    owner: Owner
    oldest: Oldest
    """First day of the month (UTC), or of the period, that the oldest of it is of; null where that was not kept"""

    @classmethod
    def of_pile(cls, pile: Pile, waited: Waited) -> Self:
        place, reason, owner = pile
        value = WorthAnswer.each(waited.value)
        return made_from(cls, waited, place=place, reason=reason, owner=owner, value=value)


class WaitedDayAnswer(Answer):
    """What waited on a day, as the last check of it found it."""

    object: Literal["waited_day"] = "waited_day"
    day: date
    """Of the business clock, where the legal entities are"""
    taken_at: Instant
    """Of the machine clock"""
    waiting: list[PileAnswer]

    @classmethod
    def of(cls, found: WaitedDay) -> Self:
        waiting = [PileAnswer.of_pile(pile, waited) for pile, waited in found.piles.items()]
        return made_from(cls, found, waiting=waiting)


class WaitingChangeAnswer(Answer):
    """How what waits in a place for one reason differs from another day."""

    place: Annotated[str, Field(examples=["suspense"])]
    reason: Annotated[str, Field(examples=["no_contract"])]
    owner: Owner
    before: WaitedAnswer
    after: WaitedAnswer
    more: WaitedAnswer
    """Below zero: less; a currency that has not changed is left out"""

    @classmethod
    def of(cls, change: Change) -> Self:
        place, reason, owner = change.pile
        return cls(
            place=place,
            reason=reason,
            owner=owner,
            before=WaitedAnswer.of(change.before),
            after=WaitedAnswer.of(change.after),
            more=WaitedAnswer.of(change.more),
        )


class WaitingChangesAnswer(Answer):
    """What waits otherwise than on another day; what waits alike is left out."""

    object: Literal["waiting_changes"] = "waiting_changes"
    since: date
    day: date
    changes: list[WaitingChangeAnswer]

    @classmethod
    def of(cls, before: WaitedDay, after: WaitedDay) -> Self:
        return cls(
            since=before.day,
            day=after.day,
            changes=[WaitingChangeAnswer.of(change) for change in changes(before, after)],
        )


class OwnerWaitingAnswer(WaitedAnswer):
    """What waits for somebody to make it billable."""

    owner: Owner
    oldest: Oldest
    """First day of the month (UTC), or of the period, that the oldest of it is of; null where that was not kept"""

    @classmethod
    def of_owner(cls, owner: str, waited: Waited) -> Self:
        return made_from(cls, waited, owner=owner, value=WorthAnswer.each(waited.value))


class StepOfWaterfallAnswer(Answer):
    """A step from what is stored to what is invoiced."""

    step: Step
    amount: Amount
    """Below zero: lost on the way"""
    is_total: bool
    """It is what there is, and no change"""


class WaterfallAnswer(Answer):
    """The way from what is stored to what is invoiced, in one currency: the steps between add up to the difference. Usage that no
    statement settles is worth what list prices say; what is settled, with fees and minimums, is worth that."""

    currency: CurrencyCode
    steps: list[StepOfWaterfallAnswer]

    @classmethod
    def of(cls, waterfall: Waterfall) -> Self:
        return cls(
            currency=waterfall.currency.code,
            steps=[
                StepOfWaterfallAnswer(step=step, amount=str(amount), is_total=step.is_total)
                for step, amount in waterfall.steps.items()
            ],
        )


class StandingAnswer(Answer):
    """What waits, as the last check found it, and how that differs from an earlier day. Currencies are never added."""

    object: Literal["standing"] = "standing"
    day: date | None
    """Of the business clock, where the legal entities are; null before the first check"""
    taken_at: Instant | None
    """Of the machine clock"""
    total: WaitedAnswer
    owners: list[OwnerWaitingAnswer]
    waiting: list[PileAnswer]
    waterfalls: list[WaterfallAnswer]
    """One a currency"""
    since: date | None
    """With which day it is compared; null where no earlier one is kept"""
    changes: list[WaitingChangeAnswer]
    """What waits alike is left out"""

    @classmethod
    def of(cls, found: Standing | None) -> Self:
        now = found.now.piles if found else {}
        before = found.before if found else None
        return cls(
            day=found.now.day if found else None,
            taken_at=found.now.taken_at if found else None,
            total=WaitedAnswer.of(together(now.values())),
            owners=[OwnerWaitingAnswer.of_owner(*one) for one in by_owner(now).items()],
            waiting=[PileAnswer.of_pile(pile, waited) for pile, waited in now.items()],
            waterfalls=[WaterfallAnswer.of(one) for one in found.waterfalls] if found else [],
            since=before.day if before else None,
            changes=[WaitingChangeAnswer.of(one) for one in changes(before, found.now)]
            if found and before
            else [],
        )
