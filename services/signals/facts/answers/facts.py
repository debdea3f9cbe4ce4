"""What the API shows of signals, of their types, and of how well the score foretold."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Annotated, Any, Literal, Self

from pydantic import Field

from services.signals.answers import EvidenceAnswer
from services.signals.domain.event_types import EVENT_TYPES, EventType
from services.signals.domain.evidence import evidence_at
from services.signals.domain.score_report import Judged, Outcome, ScoreReport
from services.signals.facts.answers.data import DATA
from services.signals.facts.rows import FactRow, State
from shared.http.answers import Answer, Instant, Quantity, StoredAs
from shared.http.shown_names import ContractName, CustomerName
from shared.values.instants import written
from shared.values.made_from import made_from

EXAMPLE = "renewal.at_risk"
Type = Annotated[str, Field(examples=[EXAMPLE])]
Seat = Annotated[str, Field(examples=[EVENT_TYPES[EXAMPLE].seat])]
Data = Annotated[
    Mapping[str, Any], StoredAs(*dict.fromkeys(DATA.values())), Field(examples=[EVENT_TYPES[EXAMPLE].example])
]


class SignalAnswer(Answer):
    """Something that became true of a customer, told once. Times are of the business clock."""

    object: Literal["signal"] = "signal"
    id: Annotated[str, Field(examples=["sig_5f0c8e6d2b7a5e3f9d1c4b8a7e6f5d4c"])]
    type: Type
    customer: CustomerName
    """External id of the customer, or the subject or endpoint where it is about no customer"""
    contract: ContractName | None
    day: date
    """The customer's local day"""
    occurred_at: Instant
    sequence: Annotated[int, Field(ge=1)]
    """1, 2, … per customer"""
    data: Data
    """As it was told, by its type"""
    state: State
    snoozed_until: Instant | None
    acknowledged_by: Annotated[str | None, Field(examples=["key_0355r6GE5yU135fW6KlO0n"])]
    """Who did: whom U2C-Actor named, else the key"""
    outcome: Outcome | None
    """What came of it"""
    outcome_at: Instant | None
    seat: Seat | None
    """Whom it is meant for"""
    evidence: EvidenceAnswer | None
    """Where the customer stood then; null where it is about no customer"""

    @classmethod
    def of(cls, row: FactRow) -> Self:
        event = EVENT_TYPES.get(row.type)
        then = (
            evidence_at("signals", "customers", row.customer, "signals", at=written(row.occurred_at))
            if row.customer_id
            else None
        )
        return made_from(
            cls,
            row,
            id=row.signal_id,
            seat=event.seat if event else None,
            evidence=EvidenceAnswer.of(then) if then else None,
        )


class SignalTypeAnswer(Answer):
    """A type of signals."""

    type: Type
    says: Annotated[str, Field(examples=[EVENT_TYPES[EXAMPLE].says])]
    seat: Seat
    """Whom it is meant for"""
    told: Annotated[str, Field(examples=[EVENT_TYPES[EXAMPLE].told])]
    """When, and how often"""
    example: Data
    """Of its data"""

    @classmethod
    def of(cls, name: str, event: EventType) -> Self:
        return made_from(cls, event, type=name)


class JudgedRenewal(Answer):
    """One contract's term that has an outcome."""

    contract: ContractName
    term_end: date
    at_risk: bool
    """Whether it was called at risk"""
    outcome: Outcome


class ScoreReportAnswer(Answer):
    """Precision = lost ÷ called, recall = called ÷ lost, of those both called and lost; null where nothing
    divides."""

    object: Literal["score_report"] = "score_report"
    policy: Annotated[str, Field(examples=["2"])]
    judged: Annotated[int, Field(ge=0)]
    """Renewals with an outcome"""
    called: Annotated[int, Field(ge=0)]
    """At risk"""
    lost: Annotated[int, Field(ge=0)]
    """Churned or contracted"""
    called_and_lost: Annotated[int, Field(ge=0)]
    precision: Quantity | None
    recall: Quantity | None
    renewals: list[JudgedRenewal]

    @classmethod
    def of(cls, report: ScoreReport, renewals: Sequence[Judged], policy: str) -> Self:
        return made_from(
            cls,
            report,
            policy=policy,
            renewals=[
                JudgedRenewal(
                    contract=one.contract,
                    term_end=date.fromisoformat(one.term_end),
                    at_risk=one.at_risk,
                    outcome=one.outcome,
                )
                for one in renewals
            ],
        )
