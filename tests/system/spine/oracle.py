"""What March costs, worked out a second time in plain fractions, sharing no code with the product."""

from collections import Counter
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

from tests.system.spine.world import AMENDED_AT, Event, World


def invoice_total(world: World, customer: str) -> str:
    """The invoice of March as a decimal string with two places."""
    return _cents(PRICES[customer](world.counted(customer)))


def _ny(events: list[Event]) -> list[Fraction]:
    units = Fraction(max(len(events) - 20, 0))
    first, beyond = min(units, Fraction(100)), max(units - 100, Fraction(0))
    return [
        Fraction("99.99"),
        first * Fraction("0.1234567") + beyond * Fraction("0.05") + (3 if beyond else 0),
    ]


def _ktm(events: list[Event]) -> list[Fraction]:
    return [-(-len(events) // 7) * Fraction("1.10")]


def _amd(events: list[Event]) -> list[Fraction]:
    before = sum(event.time < AMENDED_AT for event in events)
    return [before * Fraction("0.333335") + (len(events) - before) * Fraction("0.4")]


def _late(events: list[Event]) -> list[Fraction]:
    by_region = Counter(event.region for event in events)
    rates = {"eu": Fraction("0.5"), "us": Fraction("0.25")}
    return [sum((count * rates.get(region, Fraction(1)) for region, count in by_region.items()), Fraction(0))]


def _vol(events: list[Event]) -> list[Fraction]:
    total = sum((Fraction(event.bytes) for event in events), Fraction(0))
    rate = Fraction("0.02") if total <= 1000 else Fraction("0.015") if total <= 20000 else Fraction("0.001")
    spent = Fraction(_cents([total * rate]))
    return [spent, max(Fraction(150) - spent, Fraction(0))]


def _unq(events: list[Event]) -> list[Fraction]:
    return [len({event.user for event in events if event.user}) * Fraction("2.345")]


PRICES = {"ny": _ny, "ktm": _ktm, "amd": _amd, "late": _late, "vol": _vol, "unq": _unq}


def _cents(lines: list[Fraction]) -> str:
    """Each line rounds once, half up (no amount here is negative); then integers add."""
    total = sum(int(line * 100 + Fraction(1, 2)) for line in lines)
    return str((Decimal(total) / 100).quantize(Decimal("0.01"), ROUND_HALF_UP))
