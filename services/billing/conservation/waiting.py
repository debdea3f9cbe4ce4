"""Where revenue waits: in which place, why, who owns it, and how much by currency."""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from services.billing.conservation.domain.dispositions import HELD_LATE_OWNER, OWNERS, SUSPENSE_REASONS, UNBILLED_OWNERS, Bucket, Reason, Unbilled

MONEY_TOTALS = ("settled", "documented", "waived", "unbilled")


def waiting_of(row: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What waits of one row of the reconciliation.

    A meter measures what has a customer or none, never both in one row, and what no meter takes has no value: so the row's suspense
    value is that of one reason.
    """
    valued = Reason.NO_CUSTOMER if row["customer"] is None else Reason.NO_CONTRACT
    found = [
        _waits(Bucket.SUSPENSE, reason, OWNERS[reason], events, row["suspense"] if reason == valued else [],
               row["unvalued"][Bucket.SUSPENSE] - _unmetered(row) if reason == valued else events)
        for reason, events in ((reason, row["suspense_reasons"][reason]) for reason in SUSPENSE_REASONS) if events
    ]
    held = ((Bucket.HELD_LATE, "after_the_cut", HELD_LATE_OWNER), (Bucket.HELD, Reason.PRICING_FAILED, OWNERS[Reason.PRICING_FAILED]))
    for place, reason, owner in held:
        if events := row["counts"][place]:
            found.append(_waits(place, reason, owner, events, row[place], row["unvalued"][place]))
    return found


def totals_waiting(rows: Iterable[Mapping[str, Any]], money: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """All that waits, one entry a place and reason: usage at list price, settled money that no document says yet."""
    sums: dict[tuple[str, str], dict[str, Any]] = {}
    for one in [entry for row in rows for entry in row["waiting"]] + [_unbilled(row) for row in money if Decimal(row["unbilled"])]:
        entry = sums.setdefault((one["place"], one["reason"]), {**one, "events": 0, "value": [], "unvalued": 0})
        entry["events"] += one["events"]
        entry["unvalued"] += one["unvalued"]
        entry["value"] = added([*entry["value"], *one["value"]])
    return list(sums.values())


def totals_money(money: Sequence[Mapping[str, Any]]) -> dict[str, list[dict[str, str]]]:
    """Settled, documented, waived and unbilled of the contracts' periods, each by currency."""
    return {what: added({"currency": row["currency"], "amount": row[what]} for row in money) for what in MONEY_TOTALS}


def added(values: Iterable[Mapping[str, str]]) -> list[dict[str, str]]:
    """The values summed by currency, in the order of the codes."""
    sums: dict[str, Decimal] = {}
    for value in values:
        sums[value["currency"]] = sums.get(value["currency"], Decimal(0)) + Decimal(value["amount"])
    return [{"currency": code, "amount": str(amount)} for code, amount in sorted(sums.items())]


def _unmetered(row: Mapping[str, Any]) -> int:
    return sum(events for reason, events in row["suspense_reasons"].items() if reason == Reason.NO_METER)


def _unbilled(row: Mapping[str, Any]) -> dict[str, Any]:
    reason = Unbilled.NOT_FINALIZED if row["final"] else Unbilled.PERIOD_OPEN
    return _waits("unbilled", reason, UNBILLED_OWNERS[reason], 0, [{"currency": row["currency"], "amount": row["unbilled"]}], 0)


def _waits(place: str, reason: str, owner: str, events: int, value: list[dict[str, str]], unvalued: int) -> dict[str, Any]:
    """`unvalued`: how many of the events have no list price, so that `value` is without them."""
    return {"place": place, "reason": reason, "owner": owner, "events": events, "value": value, "unvalued": unvalued}
