"""What the API shows of the roster: of each customer what a person looks for first."""

from datetime import date
from typing import Literal

from pydantic import TypeAdapter

from services.signals.answers import ReasonAnswer
from services.signals.domain.activation import ActivationState
from services.signals.domain.shown import Document
from services.signals.domain.trend import TrendState
from services.signals.roster.rows import OWNER, RosterRow, RosterTotal
from shared.http.answers import Answer, Quantity, WorthAnswer
from shared.http.shown_names import CustomerLabel, CustomerName, LineKey, MeterName, Owner

#: So many reasons of a risk, the heaviest, are shown of each customer.
REASONS_SHOWN = 2


class ConsumedAnswer(Answer):
    """What of a capacity is consumed, against the time that has passed."""

    kind: Literal["allowance", "minimum"]
    line: LineKey | None
    share: Quantity | None
    elapsed: Quantity
    pace: Quantity | None


class ContractStandingAnswer(Answer):
    """The states of one contract that a person looks for first."""

    activation: ActivationState | None
    renewal_due: bool | None
    at_risk: bool
    risk_score: int
    consumed: list[ConsumedAnswer]


class CustomerStandingAnswer(Answer):
    """The states of one customer that a person looks for first; all null before the first evaluation."""

    object: Literal["customer_standing"] = "customer_standing"
    customer: CustomerName
    name: CustomerLabel
    day: date | None
    """The local day that was evaluated"""
    last_seen_on: date | None = None
    silent_since: date | None = None
    """The last day of use on the main meter, where the silence since is an outage: it goes before the trend"""
    silent_meters: list[MeterName] | None = None
    trend: TrendState | None = None
    """The last one that was known"""
    trend_change: Quantity | None = None
    trend_within_chance: bool | None = None
    """True: it is steady, and the change may be chance"""
    trend_month_six: TrendState | None = None
    risk_score: int | None = None
    at_risk: bool | None = None
    p_fall: Quantity | None = None
    p_gone: Quantity | None = None
    score_p: Quantity | None = None
    """How sure it is that use fell, or that the customer has gone: the larger of the two"""
    p_renew: Quantity | None = None
    """That it is not lost in the three months that follow, learned from outcomes"""
    at_stake: list[WorthAnswer] | None = None
    """Settled in the twelve months before, a currency each; null while that is not known"""
    reasons: list[ReasonAnswer] | None = None
    """The two heaviest of its risk"""
    renews_on: date | None = None
    """The first end of a running term"""
    contracts: dict[str, ContractStandingAnswer] | None = None

    @classmethod
    def of(cls, row: RosterRow) -> "CustomerStandingAnswer":
        return _standing.validate_python(
            {
                "customer": row.external_id,
                "name": row.name,
                "renews_on": row.renews_on,
                **_states(row.document),
            }
        )


class CustomerTotalsAnswer(Answer):
    """What is at stake with all customers that fit; currencies are never added."""

    object: Literal["customer_totals"] = "customer_totals"
    customers: int
    at_stake: list[WorthAnswer]
    """Settled with them in the twelve months before, a currency each, as far as that is known"""
    owner: Owner
    """Who sees to it that they stay"""

    @classmethod
    def of(cls, total: RosterTotal) -> "CustomerTotalsAnswer":
        return cls(customers=total.customers, at_stake=WorthAnswer.each(total.at_stake), owner=OWNER)


def _states(document: Document | None) -> Document:
    """What a stored evaluation says of them."""
    if document is None:
        return {"day": None}
    trend = document["trend"]
    return {
        "day": document["day"],
        "last_seen_on": document["last_seen_on"],
        "silent_since": document.get("silent_since"),
        "silent_meters": [meter for meter, one in document["meters"].items() if one["silent"]],
        "trend": trend["latched"],
        "trend_change": trend.get("change"),
        "trend_within_chance": trend.get("within_chance", False),
        "trend_month_six": (document["trend_month_six"] or {}).get("trend"),
        "risk_score": document["risk"]["score"],
        "at_risk": document["risk"]["at_risk"],
        **{name: document.get(name) for name in ("p_fall", "p_gone", "score_p", "p_renew", "at_stake")},
        "reasons": document["risk"]["reasons"][:REASONS_SHOWN],
        "contracts": {name: _contract_states(part) for name, part in document["contracts"].items()},
    }


def _contract_states(part: Document) -> Document:
    return {
        "activation": (part["activation"] or {}).get("state"),
        "renewal_due": (part["renewal"] or {}).get("due"),
        "at_risk": part["risk"]["at_risk"],
        "risk_score": part["risk"]["score"],
        "consumed": [
            {name: one[name] for name in ("kind", "line", "share", "elapsed", "pace")}
            for one in part["consumption"]
        ],
    }


_standing = TypeAdapter(CustomerStandingAnswer)
