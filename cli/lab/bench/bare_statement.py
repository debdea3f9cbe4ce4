"""A statement with terms of every kind, and the same arithmetic as a bare loop: what the pricing core costs around it.

Five lines with an allowance, a discount, a commitment, a credit and a spending minimum. The bare loop has the prices as
numbers, names nothing and keeps no pieces; that it comes to the same cents is checked before anything is measured.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal, localcontext
from typing import Any

from lab.bench.workload import contract_document
from shared.pricing import Group, PricedPeriod, Totals
from shared.values.decimals import EXACT, ROUNDED

COMMITTED, CREDITED = "500.00", "50.00"
_MINIMUM, _PERCENT = Decimal(1000), Decimal(10)
_CENT = Decimal("0.01")
_ZERO = Decimal(0)


def agreed_document(number: int, start: date) -> dict[str, Any]:
    """The contract of the benchmark, whose line of requests has an allowance, with the rest agreed on."""
    return {
        **contract_document(number, start),
        "discounts": [{"key": "tenth", "percent": str(_PERCENT)}],
        "commitments": [
            {"key": "monthly", "amount": COMMITTED, "period": {"months": 1}, "payment": "prepaid"}
        ],
        "credits": [{"key": "welcome", "amount": CREDITED}],
        "phases": [{"from": start.isoformat(), "minimum_spend": str(_MINIMUM)}],
    }


@dataclass(frozen=True)
class Paid:
    """In minor units: what the lines come to, and what is left to pay."""

    subtotal_minor: int
    total_minor: int

    @classmethod
    def of(cls, priced: PricedPeriod) -> "Paid":
        return cls(priced.subtotal_minor, priced.total_minor)


def bare(usage: Mapping[Totals, Mapping[Group, Decimal]]) -> Paid:
    """Return what the contract comes to, from numbers alone."""
    used = {need.meter: groups for need, groups in usage.items()}
    with localcontext(EXACT):
        minor = [_settled(cost) for cost in _costs(used)]
    missing = int(_MINIMUM * 100) - sum(minor)
    if missing > 0:
        minor.append(missing)
    committed, credited = int(Decimal(COMMITTED) * 100), int(Decimal(CREDITED) * 100)
    left = []
    for index, amount in enumerate(minor):
        covered = min(amount, committed) if index < 5 else 0  # a top-up uses up no commitment
        committed -= covered
        left.append(amount - covered)
    return Paid(sum(minor), sum(left) - min(sum(left), credited))


def _costs(used: Mapping[str, Mapping[Group, Decimal]]) -> list[Decimal]:
    requests = max(used["requests"][()] - 1000, _ZERO)
    lower = min(requests, Decimal(10_000))
    stored = used["storage"][()]
    rates = {"eu-west": Decimal("0.02"), "us-east": Decimal("0.015")}
    return [
        Decimal("99.00"),
        lower * Decimal("0.001") + (requests - lower) * Decimal("0.0005"),
        sum(
            [units * rates.get(group[0][1], Decimal("0.03")) for group, units in used["compute"].items()],
            _ZERO,
        ),
        stored * (Decimal("0.0002") if stored <= 100_000 else Decimal("0.0001")),
        used["users"][()] * Decimal("4.50"),
    ]


def _settled(cost: Decimal) -> int:
    return int((cost - cost * _PERCENT / 100).quantize(_CENT, ROUND_HALF_UP, ROUNDED).scaleb(2))
