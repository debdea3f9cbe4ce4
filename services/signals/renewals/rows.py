"""Terms and their outcomes, as rows: the fields are the columns."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated

from services.signals.domain.outcomes import Judgement, Outcome
from services.signals.domain.renewal_model import RenewalModel
from shared.db.columns import JSONB, Integer


@dataclass(frozen=True, slots=True)
class EndedTerm:
    """A row of `renewals`: a contract's term that ended. `look_on`: once this local day of the customer is evaluated, the
    term is looked at; None: never again."""

    contract: str
    term_end: date
    customer_id: str
    goes_on: bool
    look_on: date | None


@dataclass(frozen=True, slots=True)
class DueTerm:
    """A claimed term, and the day that is evaluated next of its customer: all days before it are known but for the
    one before."""

    contract: str
    term_end: date
    customer_id: str
    goes_on: bool
    timezone: str
    next_on: date


@dataclass(frozen=True, slots=True)
class JudgedWord:
    """A row of `outcomes` that nobody said: what the three months after a term come to. `at`: business clock."""

    contract: str
    term_end: date
    outcome: Outcome
    at: datetime
    evidence: Annotated[Judgement, JSONB]


@dataclass(frozen=True, slots=True)
class NamedWord:
    """A row of `outcomes` that somebody said, about a signal of the term. `by`: the actor; `at`: business clock."""

    signal_id: str
    contract: str
    term_end: date
    outcome: Outcome
    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class KeptModel:
    """A row of `renewal_models`: what was learned from the outcomes up to one, at an instant of the business clock."""

    said_id: int
    at: datetime
    outcomes: Integer
    model: Annotated[RenewalModel, JSONB]


@dataclass(frozen=True, slots=True)
class StatementHeard:
    """A statement of a period that has to do with a term. `asks`: a document follows once it is final; None of what was
    heard before that was kept."""

    contract: str
    period_start: datetime
    period_end: datetime
    final: bool
    asks: bool | None


@dataclass(frozen=True, slots=True)
class SettledLine:
    """What documents settle of one line of the terms in a service period, as last corrected."""

    contract: str
    key: str
    start_date: date
    end_date: date
    currency: str
    minor: int
