"""How much of what the contract includes or guarantees is consumed, against the time that has passed."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any


@dataclass(frozen=True)
class Consumption:
    """`share` = used ÷ capacity and `elapsed` = passed ÷ length of the period, both 1 = all; None where the capacity is zero.

    `pace` = share ÷ elapsed: above 1, the capacity is used up before the period ends.
    """

    kind: str                  # allowance (units) | minimum (money)
    line: str | None
    unit: str                  # the meter, or the currency's minor unit
    capacity: Decimal
    used: Decimal
    share: Decimal | None
    elapsed: Decimal
    pace: Decimal | None


SHARE_PLACES = Decimal("0.0001")


def consumptions(statement: Mapping[str, Any], terms: Mapping[str, Any], now: datetime, start: datetime, end: datetime) -> list[Consumption]:
    """Return one Consumption for each line with an allowance, and one for the spending minimum, if any."""
    elapsed = _elapsed(now, start, end)
    lines = {line["key"]: line for line in statement["lines"]}
    found = [
        _consumption("allowance", clause["key"], clause["meter"], Decimal(clause["included"]), _quantity(lines.get(clause["key"])), elapsed)
        for clause in terms.get("lines", []) if clause.get("included")
    ]
    minimum = statement.get("consumption", {}).get("minimum_minor")
    if minimum is not None:
        spent = sum((Decimal(line["amount_minor"]) for line in statement["lines"] if line["kind"] != "minimum"), Decimal())
        found.append(_consumption("minimum", None, f"{statement['currency']} minor", Decimal(minimum), spent, elapsed))
    return found


def _consumption(kind: str, line: str | None, unit: str, capacity: Decimal, used: Decimal, elapsed: Decimal) -> Consumption:
    share = (used / capacity).quantize(SHARE_PLACES) if capacity else None
    pace = (share / elapsed).quantize(SHARE_PLACES) if share is not None and elapsed else None
    return Consumption(kind, line, unit, capacity, used, share, elapsed, pace)


def _quantity(line: Mapping[str, Any] | None) -> Decimal:
    return Decimal(line["quantity"]) if line else Decimal()


def _elapsed(now: datetime, start: datetime, end: datetime) -> Decimal:
    """Elapsed time is subtracted in UTC and never leaves 0…1."""
    passed = min(max(now - start, timedelta()), end - start)
    whole = (end - start) // timedelta(microseconds=1)
    return (Decimal(passed // timedelta(microseconds=1)) / Decimal(whole)).quantize(SHARE_PLACES)
