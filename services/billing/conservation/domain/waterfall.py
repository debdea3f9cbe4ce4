"""From what is stored to what is invoiced, one currency at a time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from services.billing.conservation.domain.dispositions import Bucket
from services.billing.conservation.domain.reconciled import Totals
from services.billing.conservation.domain.waiting import added
from shared.values.money import Currency, Money


class Step(StrEnum):
    """`stored` less all that lies between is `invoiced`.

    Usage that no statement settles is worth what list prices say: voided, in suspense, late, held, late and waived. What is
    settled, with fees and minimums, is worth that: waived, without a document yet, invoiced.
    """

    STORED = "stored"
    VOIDED = "voided"
    SUSPENSE = "suspense"
    HELD_LATE = "held_late"
    HELD = "held"
    WAIVED = "waived"
    UNBILLED = "unbilled"
    INVOICED = "invoiced"

    @property
    def is_total(self) -> bool:
        """Whether it is what there is, and not what is lost on the way."""
        return self in (Step.STORED, Step.INVOICED)


@dataclass(frozen=True, slots=True)
class Waterfall:
    """The steps of one currency; what is lost on the way has its sign turned."""

    currency: Currency
    steps: Mapping[Step, Money]


def waterfalls(totals: Totals) -> list[Waterfall]:
    """One for each currency in which anything is stored or settled, in the order of the codes."""
    lost = {
        Step.VOIDED: totals.values[Bucket.VOIDED],
        Step.SUSPENSE: totals.values[Bucket.SUSPENSE],
        Step.HELD_LATE: totals.values[Bucket.HELD_LATE],
        Step.HELD: totals.values[Bucket.HELD],
        Step.WAIVED: added([*totals.values[Bucket.WAIVED_LATE], *totals.waived]),
        Step.UNBILLED: totals.unbilled,
    }
    of_all = added([*totals.documented, *(value for values in lost.values() for value in values)])
    return [_waterfall(stored, lost, totals.documented) for stored in of_all]


def _waterfall(stored: Money, lost: Mapping[Step, Sequence[Money]], documented: Sequence[Money]) -> Waterfall:
    of = stored.currency
    less = {step: Money(-_minor(values, of), of) for step, values in lost.items()}
    return Waterfall(of, {Step.STORED: stored, **less, Step.INVOICED: Money(_minor(documented, of), of)})


def _minor(values: Sequence[Money], of: Currency) -> int:
    return next((value.minor for value in values if value.currency == of), 0)
