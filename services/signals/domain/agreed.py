"""A contract as it is agreed on the evaluated day: what its steps know beside the customer."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from services.signals.domain.customer_day import Contract, Known
from services.signals.domain.renewal import Renewal, renewal
from services.signals.domain.stake import Worth
from services.signals.domain.state import Totals
from shared.pricing.language import Terms


@dataclass(frozen=True, slots=True)
class Agreed:
    """A contract, the terms in force as the day begins, and the renewal of the term that runs."""

    contract: Contract
    terms: Terms
    renewal: Renewal

    @property
    def name(self) -> str:
        return self.contract.contract

    @property
    def start(self) -> date:
        return self.terms.term.start

    def worth_of(self, known: Known) -> Worth | None:
        """What it settled in twelve months; None while that is not known."""
        return known.stake.get(self.name, {}) if known.stake is not None else None


def agreed_on(known: Known, contract: Contract) -> Agreed:
    terms = contract.terms_at(known.began)
    return Agreed(contract, terms, renewal(terms, known.day))


def note_totals(known: Known, agreed: Agreed, before: Totals) -> Totals:
    """Remember what each meter had counted when the contract and when its running term began."""
    starts = {agreed.start, agreed.renewal.term_start}
    new = {start: _counted_before(known, start) for start in starts - before.keys() if start <= known.day}
    return {**before, **new}


def counted_since(known: Known, meter: str, start: date, totals: Totals) -> Decimal:
    """What a count or sum meter has counted from a start of the contract or of its term until the day
    begins."""
    rollup = known.customer.rollups.get(meter)
    if rollup is None:
        return Decimal()
    return rollup.total_before(known.day) - totals.get(start, {}).get(meter, Decimal())


def _counted_before(known: Known, start: date) -> dict[str, Decimal]:
    totals = {
        meter: rollup.total_before(max(start, rollup.days_from))
        for meter, rollup in known.customer.rollups.items()
    }
    return {meter: total for meter, total in totals.items() if total}
