"""Judge the score: of the renewals called at risk how many were lost, and of the lost how many were
called. Pure."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final, get_args

from services.signals.domain.intervals import Interval, share, wilson
from services.signals.domain.outcomes import LOST, Outcome

OPEN: Final = "open"


@dataclass(frozen=True, slots=True)
class RenewalTold:
    """One contract's term that was told of, or ended. `named`: what a person said last; `judged`: what the three months
    after it say, once they are known. `customer` is an external id."""

    contract: str
    customer: str
    term_end: date
    at_risk: bool
    named: Outcome | None
    judged: Outcome | None

    @property
    def outcome(self) -> Outcome | None:
        """What stands: a person's word before the judgement."""
        return self.named or self.judged

    @property
    def lost(self) -> bool:
        return self.outcome in LOST


@dataclass(frozen=True, slots=True)
class Largest:
    """The customer with the most renewals that have an outcome, the first by name of several, and its share of them."""

    customer: str
    renewals: int
    share: Decimal


@dataclass(frozen=True, slots=True)
class ScoreReport:
    """Precision = lost ÷ called, recall = called ÷ lost, of those both called and lost; None where nothing is
    to divide by. `outcomes`: each, and `open`, with how many renewals have it."""

    judged: int
    called: int
    lost: int
    called_and_lost: int
    precision: Decimal | None
    precision_interval: Interval | None
    recall: Decimal | None
    recall_interval: Interval | None
    outcomes: Mapping[str, int]
    named: int
    named_otherwise: int
    customers: int
    largest: Largest | None


def score_report(renewals: Sequence[RenewalTold]) -> ScoreReport:
    """The figures rest on the renewals that have an outcome; the others are counted as open."""
    known = [one for one in renewals if one.outcome is not None]
    called = sum(one.at_risk for one in known)
    lost = sum(one.lost for one in known)
    both = sum(one.at_risk and one.lost for one in known)
    counted = Counter(one.outcome or OPEN for one in renewals)
    return ScoreReport(
        judged=len(known),
        called=called,
        lost=lost,
        called_and_lost=both,
        precision=share(both, called),
        precision_interval=wilson(both, called),
        recall=share(both, lost),
        recall_interval=wilson(both, lost),
        outcomes={name: counted[name] for name in (*get_args(Outcome), OPEN)},
        named=sum(one.named is not None for one in known),
        named_otherwise=sum(one.named is not None and one.judged not in (None, one.named) for one in known),
        customers=len({one.customer for one in known}),
        largest=_largest(known),
    )


def _largest(known: Sequence[RenewalTold]) -> Largest | None:
    by_customer = Counter(one.customer for one in known)
    if not by_customer:
        return None
    customer, most = min(by_customer.items(), key=lambda item: (-item[1], item[0]))
    return Largest(customer, most, (Decimal(most) / len(known)).quantize(Decimal("0.0001")))
