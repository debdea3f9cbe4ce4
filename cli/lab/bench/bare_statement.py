"""A statement with terms of every kind, and the same arithmetic as a bare loop: what the pricing core costs around it.

Five lines with an allowance, a discount, a commitment, a credit and a spending minimum. The bare loop has the prices as
numbers, names nothing and keeps no pieces; that each line comes to the same cents, and is paid by the same, is checked
before anything is measured.
"""

from collections import Counter
from collections.abc import Mapping
from datetime import date
from decimal import ROUND_HALF_UP, Decimal, localcontext
from typing import Any, NamedTuple

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


class Paid(NamedTuple):
    """In minor units, line by line: what each comes to, and what of it the commitment and the credit pay."""

    amounts: list[int]
    committed: list[int]
    credited: list[int]

    @classmethod
    def of(cls, priced: PricedPeriod) -> "Paid":
        blocks = {block.id: block.kind for block in priced.blocks}
        paid: Counter[tuple[str, str]] = Counter()
        for one in priced.draws:
            paid[one.line_id, blocks[one.block]] += one.amount_minor
        names = [line.line_id for line in priced.lines]
        return cls(
            [line.amount_minor for line in priced.lines],
            [paid[name, "commitment"] for name in names],
            [paid[name, "promotional"] for name in names],
        )


def bare(usage: Mapping[Totals, Mapping[Group, Decimal]]) -> Paid:
    """Return what the contract comes to, from numbers alone."""
    used = {need.meter: groups for need, groups in usage.items()}
    with localcontext(EXACT):
        minor = [_settled(cost) for cost in _costs(used)]
    missing = int(_MINIMUM * 100) - sum(minor)
    if missing > 0:
        minor.append(missing)
    committed, credited = int(Decimal(COMMITTED) * 100), int(Decimal(CREDITED) * 100)
    paid = Paid(minor, [], [])
    for index, amount in enumerate(minor):
        covered = min(amount, committed) if index < 5 else 0  # a top-up uses up no commitment
        committed -= covered
        paid.committed.append(covered)
        part = min(amount - covered, credited)
        credited -= part
        paid.credited.append(part)
    return paid


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
