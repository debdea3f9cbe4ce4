"""What the API shows of signals and of their types."""

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, Literal, Self

from pydantic import Field

from services.signals.answers import EvidenceAnswer
from services.signals.domain.event_types import EVENT_TYPES, METER_SILENT, EventType
from services.signals.domain.evidence import Evidence, evidence_at
from services.signals.domain.outcomes import Outcome, Term
from services.signals.facts.answers.data import DATA
from services.signals.facts.rows import FactRow, Judged, Named, Note, State
from shared.http.answers import Amount, Answer, Instant, StoredAs
from shared.http.shown_names import ContractName, CurrencyCode, CustomerName
from shared.values.instants import written
from shared.values.made_from import made_from
from shared.values.money import currency, format_minor
from shared.values.period import add_months

EXAMPLE = "renewal.at_risk"
Type = Annotated[str, Field(examples=[EXAMPLE])]
Seat = Annotated[str, Field(examples=[EVENT_TYPES[EXAMPLE].seat])]
Data = Annotated[
    Mapping[str, Any], StoredAs(*dict.fromkeys(DATA.values())), Field(examples=[EVENT_TYPES[EXAMPLE].example])
]


class NamedOutcome(Answer):
    """What somebody said came of the term."""

    outcome: Outcome
    by: Annotated[str, Field(examples=["maria@example.com"])]
    """Who did: whom U2C-Actor named, else the key; `unknown` of before that was kept"""
    at: Instant

    @classmethod
    def of(cls, row: Named) -> Self:
        return made_from(cls, row)


class JudgedOutcome(Answer):
    """What the three months after the term say. Churned: 60 days in a row without use, or a contract that did not go on and
    settled nothing. Contracted, expanded: fees and usage settled for them come to less than 0.75, to more than 1.25 of
    those of the three months before."""

    outcome: Outcome
    at: Instant
    """When it was judged, or judged otherwise than before"""
    silent_days: Annotated[int | None, Field(ge=0)]
    """The most days in a row without use; null where nothing is metered"""
    currency: CurrencyCode | None
    settled_before: Amount | None
    """For the three months before the term's end, as last corrected; null where it is not to be compared"""
    settled_after: Amount | None
    evidence: list[EvidenceAnswer]
    """The days of use of the three months, and what was settled around the term's end"""

    @classmethod
    def of(cls, row: Judged, customer: str, term: Term) -> Self:
        found = row.evidence
        used = {"since": term.end.isoformat(), "until": term.after.isoformat()}
        # a period may end up to a month after the three months
        paid = {"since": term.before.isoformat(), "until": add_months(term.after, 1).isoformat()}
        return cls(
            outcome=found.outcome,
            at=row.at,
            silent_days=found.silent_days,
            currency=found.currency,
            settled_before=_amount(found.before_minor, found.currency),
            settled_after=_amount(found.after_minor, found.currency),
            evidence=[
                EvidenceAnswer.of(evidence_at("signals", "customers", customer, "activity", **used)),
                EvidenceAnswer.of(evidence_at("signals", "customers", customer, "settled", **paid)),
            ],
        )


class NoteAnswer(Answer):
    """What somebody wrote down about it."""

    text: str
    by: Annotated[str, Field(examples=["usr_1"])]
    """Who did: whom U2C-Actor named, else the key"""
    at: Instant

    @classmethod
    def of(cls, row: Note) -> Self:
        return made_from(cls, row)


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
    acknowledged_at: Instant | None
    """The first time"""
    assignee: Annotated[str | None, Field(examples=["usr_1"])]
    """The person who looks after it"""
    notes: list[NoteAnswer]
    """What people wrote down, the newest first; the last 50"""
    outcome: Outcome | None
    """What came of the term that it is about: the last word of a person, without one the judgement; null while neither is
    known"""
    outcome_at: Instant | None
    named: list[NamedOutcome]
    """What persons said of the term, the newest first; it stands before the judgement"""
    judged: JudgedOutcome | None
    """What the months after the term say, whatever anybody said; null until they are over and settled"""
    seat: Seat | None
    """Whom it is meant for"""
    evidence: EvidenceAnswer | None
    """Where the customer stood then; of a silent producer, which customers were in an outage then; null where it is about no
    customer"""

    @classmethod
    def of(cls, row: FactRow) -> Self:
        event = EVENT_TYPES.get(row.type)
        proof = _proof(row)
        return made_from(
            cls,
            row,
            id=row.signal_id,
            notes=list(map(NoteAnswer.of, row.notes)),
            outcome=row.outcome,
            outcome_at=row.outcome_at,
            named=[NamedOutcome.of(word) for word in row.named],
            judged=_judged(row),
            seat=event.seat if event else None,
            evidence=EvidenceAnswer.of(proof) if proof else None,
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


def _proof(row: FactRow) -> Evidence | None:
    at = written(row.occurred_at)
    if row.customer_id:
        return evidence_at("signals", "customers", row.customer, "signals", at=at)
    return evidence_at("signals", "customers", silent="true", at=at) if row.type == METER_SILENT else None


def _judged(row: FactRow) -> JudgedOutcome | None:
    if row.judged is None or row.contract is None:
        return None
    term = Term(row.contract, date.fromisoformat(str(row.data["term_end"])), True)
    return JudgedOutcome.of(row.judged, row.customer, term)


def _amount(minor: int | None, code: str | None) -> str | None:
    return None if minor is None or code is None else format_minor(minor, currency(code))


class ChangedSignalsAnswer(Answer):
    """The signals that a call changed together."""

    object: Literal["changed_signals"] = "changed_signals"
    data: list[SignalAnswer]
    """By id"""
