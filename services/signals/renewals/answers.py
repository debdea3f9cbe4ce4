"""What the API shows of how well the score foretold, and of how long signals waited."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Annotated, Literal, Self

from pydantic import Field

from services.signals.answers import IntervalAnswer
from services.signals.domain.intervals import Interval
from services.signals.domain.outcomes import Outcome, Term
from services.signals.domain.score_report import Largest, RenewalTold, ScoreReport
from services.signals.facts.rows import SeatTimes
from shared.http.answers import Answer, Quantity
from shared.http.shown_names import ContractName, CustomerName
from shared.values.made_from import made_from

Count = Annotated[int, Field(ge=0)]
#: Of the renewals in one answer.
SHOWN_MAX = 1000


def _interval(found: Interval | None) -> IntervalAnswer | None:
    return _both_ends(found) if found is not None else None


def _both_ends(found: Interval) -> IntervalAnswer:
    return made_from(IntervalAnswer, found)


class LargestAnswer(Answer):
    """The customer with the most renewals that have an outcome."""

    customer: CustomerName
    renewals: Count
    share: Quantity
    """Of all renewals that have one"""

    @classmethod
    def of(cls, found: Largest) -> Self:
        return made_from(cls, found)


class OutcomeCounts(Answer):
    """How many renewals ended how, and of how many it is not known."""

    renewed: Count
    expanded: Count
    contracted: Count
    churned: Count
    open: Count

    @classmethod
    def of(cls, counted: Mapping[str, int]) -> Self:
        return cls(**counted)


class RenewalOutcome(Answer):
    """One contract's term that ended, or that a signal was told about."""

    contract: ContractName
    customer: CustomerName
    term_end: date
    at_risk: bool
    """Whether it was called at risk"""
    outcome: Outcome | None
    """What stands: a person's last word, without one the judgement; null while it is open"""
    named: Outcome | None
    """What a person said last"""
    judged: Outcome | None
    """What the three months after the term say"""
    judged_from: date
    """The three months are over by this day; judged once all of them is settled"""

    @classmethod
    def of(cls, one: RenewalTold) -> Self:
        return made_from(
            cls, one, outcome=one.outcome, judged_from=Term(one.contract, one.term_end, True).after
        )


class SeatTimesAnswer(Answer):
    """How long the signals of a seat waited, of those that became true in the last 365 days: medians in seconds of the
    business clock, from when each became true; null without one."""

    seat: Annotated[str, Field(examples=["customer success manager"])]
    facts: Count
    """Signals meant for it"""
    acknowledged: Count
    acknowledged_after_s: Annotated[int | None, Field(ge=0)]
    ended: Count
    """Those of which it is said or judged what came of them"""
    outcome_after_s: Annotated[int | None, Field(ge=0)]
    """Until the first word of it"""

    @classmethod
    def of(cls, row: SeatTimes) -> Self:
        return made_from(
            cls,
            row,
            acknowledged_after_s=_whole(row.acknowledged_after_s),
            outcome_after_s=_whole(row.outcome_after_s),
        )


class ScoreReportAnswer(Answer):
    """Precision = lost ÷ called, recall = called ÷ lost, of those both called and lost; null where nothing
    divides."""

    object: Literal["score_report"] = "score_report"
    policy: Annotated[str, Field(examples=["3"])]
    judged: Count
    """Renewals with an outcome, named or judged: what all figures rest on"""
    called: Count
    """At risk"""
    lost: Count
    """Churned or contracted"""
    called_and_lost: Count
    precision: Quantity | None
    precision_interval: IntervalAnswer | None
    recall: Quantity | None
    recall_interval: IntervalAnswer | None
    outcomes: OutcomeCounts
    named: Count
    """Of which a person said what came of them"""
    named_otherwise: Count
    """Of these, whose judgement says something else"""
    customers: Count
    """Whose renewals they are"""
    largest: LargestAnswer | None
    times: list[SeatTimesAnswer]
    """By the seat that a signal is meant for"""
    renewals: list[RenewalOutcome]
    """The 1,000 whose terms end last, those that are open too"""
    renewals_left_out: Count
    """So many more are in the figures"""

    @classmethod
    def of(
        cls,
        report: ScoreReport,
        renewals: Sequence[RenewalTold],
        times: Sequence[SeatTimes],
        policy: str,
    ) -> Self:
        return made_from(
            cls,
            report,
            policy=policy,
            precision_interval=_interval(report.precision_interval),
            recall_interval=_interval(report.recall_interval),
            outcomes=OutcomeCounts.of(report.outcomes),
            largest=LargestAnswer.of(report.largest) if report.largest else None,
            times=[SeatTimesAnswer.of(one) for one in times],
            renewals=[RenewalOutcome.of(one) for one in renewals[:SHOWN_MAX]],
            renewals_left_out=max(len(renewals) - SHOWN_MAX, 0),
        )


def _whole(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds)
