"""What every kind of line answers, stretch by stretch of a period."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import ClassVar, Literal, Self

from shared.pricing.clause import Clause
from shared.pricing.effective import Effective
from shared.pricing.escalator import Raise
from shared.pricing.explanation.step import Step
from shared.pricing.lines.allowance import UnitRollOver
from shared.pricing.needs import Totals, TotalsRead
from shared.pricing.reach import Turn
from shared.pricing.results import PricedSegment
from shared.pricing.rounding import RoundAmount
from shared.values.fields import Key, Label
from shared.values.groups import Group

WhenNegative = Literal["carry", "zero", "credit"]
"""What becomes of units below zero: they are carried into the next period, lost, or credited."""


class LineClause(Clause):
    """What is charged. A kind that needs no usage is priced by its stretches alone, and has no turns."""

    # whether the spending minimum and the cap count it
    is_spend: ClassVar[bool] = True

    key: Key
    kind: str
    description: Label | None = None
    rounding: RoundAmount | None = None

    @property
    def metered_by(self) -> str | None:
        """The meter it counts by, if any."""
        return None

    @property
    def shown_as(self) -> str:
        """What it is called on paper."""
        return self.description or self.key

    def escalated(self, price_now: Raise) -> Self:
        """Return it at the prices that escalators have raised its own to; what bounds it is left as it is."""
        raise NotImplementedError

    @property
    def due_on(self) -> date | None:
        """The one local day that it is charged on; None: it is charged for all the time that it is in force."""
        return None

    @property
    def own_months(self) -> int | None:
        """How many months its own period has, counted from the term's start; None: its period is the contract's."""
        return None

    def needs(self, start: datetime, end: datetime) -> tuple[Totals, ...]:
        """Return the usage that a stretch is priced by: one need, or none."""
        return ()

    def full_needs(self, start: datetime, end: datetime) -> tuple[Totals, ...]:
        """Return the same before proration, where it is priced by that too."""
        return ()

    def converted(self, counted: TotalsRead) -> TotalsRead:
        """Return what it makes of the units that its meter counted."""
        return counted

    @property
    def as_counted(self) -> bool:
        """Whether it takes units as its meter counts them: it converts none, leaves none of them unpriced, and hands on none
        of its allowance."""
        return False

    @classmethod
    def up_to(cls, stretches: Sequence[Effective[Self]], instant: datetime) -> tuple[Effective[Self], ...]:
        """Return the stretches as they count at an instant within the period; none where the line counts as the period
        ends."""
        return ()

    @classmethod
    def days_charged(cls, stretches: Sequence[Effective[Self]]) -> list[tuple[Self, int]]:
        """Return what is charged in a period whose stretches are of this kind, each clause with how many days."""
        return [(one.clause, one.days) for one in stretches]

    def allowance(self, billed_days: int, whole_days: int) -> Decimal:
        """Return the units that cost nothing in a period that is billed for so many of its days."""
        return Decimal(0)

    @property
    def rolls_over(self) -> UnitRollOver | None:
        """What of its allowance goes into the next period; None: nothing."""
        return None

    @property
    def when_negative(self) -> WhenNegative:
        """What becomes of units below zero."""
        return "carry"

    def rank(self, group: Group) -> int:
        """Return the order in which groups draw the allowance. Raises NoRateForGroup where terms name no price."""
        return 0

    @property
    def leaves_some(self) -> bool:
        """Whether terms let usage without a price be stated as unpriced."""
        return False

    def left_of(self, counted: TotalsRead) -> TotalsRead:
        """Return the usage that terms leave unpriced."""
        return {}

    def begins_anew(self, previous: Self) -> bool:
        """Whether tiers and allowance begin anew where this takes over from what was in force before."""
        return True

    @classmethod
    def gross(cls, stretches: Sequence[Effective[Self]], turns: Sequence[Turn[Self]]) -> list[PricedSegment]:
        """Return what the line comes to, piece by piece, exact. Raises NoRateForGroup."""
        raise NotImplementedError

    @classmethod
    def explain(
        cls,
        stretches: Sequence[Effective[Self]],
        turns: Sequence[Turn[Self]],
        segments: Sequence[PricedSegment],
    ) -> Iterable[Step]:
        """Return the steps that lead to these segments, which `gross` returned; their amounts sum to theirs."""
        raise NotImplementedError
