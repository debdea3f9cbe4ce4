"""Judge the score: of the renewals called at risk how many were lost, and of the lost how many were
called. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

Outcome = Literal["renewed", "expanded", "contracted", "churned"]
WORST_FIRST: tuple[Outcome, ...] = ("churned", "contracted", "expanded", "renewed")
LOST = ("churned", "contracted")
PLACES = Decimal("0.0001")


@dataclass(frozen=True, slots=True)
class Judged:
    """One contract's term that has an outcome."""

    contract: str
    term_end: str
    at_risk: bool
    outcome: Outcome

    @property
    def lost(self) -> bool:
        return self.outcome in LOST


@dataclass(frozen=True, slots=True)
class ScoreReport:
    """Precision = lost ÷ called, recall = called ÷ lost, of those both called and lost; None where nothing is
    to divide by."""

    judged: int
    called: int
    lost: int
    called_and_lost: int
    precision: Decimal | None
    recall: Decimal | None


def score_report(renewals: Sequence[Judged]) -> ScoreReport:
    called = sum(one.at_risk for one in renewals)
    lost = sum(one.lost for one in renewals)
    both = sum(one.at_risk and one.lost for one in renewals)
    return ScoreReport(len(renewals), called, lost, both, _share(both, called), _share(both, lost))


def _share(part: int, whole: int) -> Decimal | None:
    return (Decimal(part) / whole).quantize(PLACES) if whole else None
