"""The risk of a customer as a whole: told when it begins, whenever that is in a term, and for who has no contract."""

from collections.abc import Mapping
from dataclasses import dataclass

from services.signals.domain.customer_day import Known
from services.signals.domain.fact import Fact
from services.signals.domain.odds import Odds, shown_odds
from services.signals.domain.risk import Risk
from services.signals.domain.shown import shown_object
from services.signals.domain.stake import shown_stake


@dataclass(frozen=True, slots=True)
class Worst:
    """The risk of the customer, and the contract whose it is; None without one."""

    risk: Risk
    contract: str | None


def worst_of(contracts: Mapping[str, Risk], own: Risk) -> Worst:
    """The worst of the contracts', one at risk before any that is not; without a contract what the customer's own
    numbers say."""
    name = max(
        contracts, key=lambda name: (contracts[name].at_risk, contracts[name].score, name), default=None
    )
    return Worst(contracts[name] if name is not None else own, name)


def come_to_risk(known: Known, worst: Worst, odds: Odds, before: bool) -> list[Fact]:
    """One fact each time it begins; the score's hysteresis says when it is over."""
    if before or not worst.risk.at_risk:
        return []
    key = (known.customer.customer_id, known.day.isoformat())
    data = {**shown_object(worst.risk), **shown_odds(odds), **shown_stake(known.worth)}
    return [Fact("customer.at_risk", key, known.day, data, worst.contract)]
