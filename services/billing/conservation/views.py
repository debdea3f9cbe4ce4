"""The reconciliation as JSON: decimals and money as strings, times RFC 3339."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec

from services.billing.conservation.domain.dispositions import HELD_LATE_OWNER, OWNERS, SUSPENSE_REASONS, Bucket, Reason
from services.billing.conservation.waiting import added, totals_money, totals_waiting, waiting_of
from shared.decimals import plain
from shared.money import Rounding, currency, format_minor, settle

VALUED = (Bucket.SUSPENSE, Bucket.HELD_LATE, Bucket.HELD)


def rows_of(counted: Iterable[Any], measured: Iterable[Any], *, every_meter: bool = True) -> list[dict[str, Any]]:
    """One row a customer (or unmatched subject), event type and UTC month.

    Where not every meter was read, only those with a list price, a row without any of them has no `quantities`: they are not known to be none.
    """
    rows: dict[tuple[Any, ...], dict[str, Any]] = {}
    for row in counted:
        shown = rows.setdefault(_place(row), _row(row))
        shown["counts"]["stored"] += row["events"]
        shown["counts"][row["bucket"]] += row["events"]
        if row["bucket"] == Bucket.SUSPENSE:
            shown["suspense_reasons"][row["reason"]] += row["events"]
    for row in measured:
        shown = rows[_place(row)]
        shown["quantities"].setdefault(row["meter"], {})[row["bucket"]] = plain(row["quantity"])
        if row["list_unit"] is not None and row["bucket"] in VALUED:
            shown[row["bucket"]].append(value_of(row["quantity"], row["list_unit"], row["list_currency"]))
            shown["_read"][row["bucket"]] = row["read"]
    for shown in rows.values():
        read = shown.pop("_read")
        shown["unvalued"] = {bucket: shown["counts"][bucket] - read.get(bucket, 0) for bucket in VALUED}
        shown["waiting"] = waiting_of(shown)
        if not (every_meter or shown["quantities"]):
            del shown["quantities"]
    return list(rows.values())


def totals_of(rows: Sequence[dict[str, Any]], money: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The rows added up: counts; by currency, the value of suspense, held-late and held usage and the money; what waits, why, and whose it is."""
    counts = {bucket: sum(row["counts"][bucket] for row in rows) for bucket in ("stored", *Bucket)}
    reasons = {reason: sum(row["suspense_reasons"][reason] for row in rows) for reason in SUSPENSE_REASONS}
    values = {str(bucket): added(value for row in rows for value in row[bucket]) for bucket in VALUED}
    unvalued = {bucket: sum(row["unvalued"][bucket] for row in rows) for bucket in VALUED}
    return {
        "counts": counts, "suspense_reasons": reasons, **values, "unvalued": unvalued, **totals_money(money), "waiting": totals_waiting(rows, money),
    }


def value_of(quantity: Decimal, unit: Decimal, code: str) -> dict[str, str]:
    """A quantity at list price, rounded once, half up."""
    return {"currency": code, "amount": str(settle(quantity * unit, currency(code), Rounding.HALF_UP))}


def money_row(row: Any) -> dict[str, Any]:
    """What rating settled of a contract's period, and what billing has of it."""
    of = currency(row["currency"])
    return {
        "customer": row["customer"], "contract": row["contract"],
        "period": {"start": row["start_date"].isoformat(), "end": row["end_date"].isoformat()},
        "currency": row["currency"], "final": row["final"], "revision": row["revision"], "settled": format_minor(row["settled"], of),
        "documented": format_minor(row["documented"], of), "waived": format_minor(0, of),
        "unbilled": format_minor(row["settled"] - row["documented"], of), "documents": list(row["documents"]),
    }


def event_row(row: Any) -> dict[str, Any]:
    """One event of a bucket; what is held late of an event that is still applied is listed as `void` or `leaving`.

    `exceptions` hold its period, and have its owner.
    """
    late, held = row["held_kind"] is not None or row["bucket"] == Bucket.HELD_LATE, row["bucket"] == Bucket.HELD
    holds = [hold for hold in _listed(row["holds"]) if hold["meter"] in (row["meters"] or ())] if held else []
    contracts = {(place["contract"], _utc(place["period_start"])) for place in (_listed(row["closed"]) if late else holds)}
    valued = row["list_unit"] is not None and row["list_quantity"] is not None
    return {
        "kind": row["held_kind"] or "event", "source": row["source"], "id": row["id"], "type": row["type"], "subject": row["subject"],
        "customer": row["customer"], "time": instant(row["time"]), "received_at": instant(row["received_at"]), "bucket": row["bucket"],
        "reason": row["reason"], "owner": OWNERS[Reason(row["reason"])] if row["reason"] else HELD_LATE_OWNER if late else None,
        "meters": list(row["meters"] or ()),
        "periods": [{"contract": contract, "period_start": start} for contract, start in sorted(contracts)],
        "exceptions": [{"id": id, "kind": kind, "owner": owner}
                       for id, kind, owner in sorted({(hold["exception_id"], hold["kind"], hold["owner"]) for hold in holds})],
        "value": value_of(row["list_quantity"], row["list_unit"], row["list_currency"]) if valued else None,
    }


def instant(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _place(row: Any) -> tuple[Any, ...]:
    return row["customer"], row["subject"], row["type"], row["month"]


def _row(row: Any) -> dict[str, Any]:
    return {
        "customer": row["customer"], "subject": row["subject"], "type": row["type"], "month": row["month"].strftime("%Y-%m"),
        "counts": dict.fromkeys(["stored", *map(str, Bucket)], 0), "suspense_reasons": dict.fromkeys(map(str, SUSPENSE_REASONS), 0),
        "quantities": {}, **{str(bucket): [] for bucket in VALUED}, "_read": {},
    }


def _listed(raw: Any) -> list[dict[str, Any]]:
    """The statements or holds over an event; jsonb comes as text where the connection has no codec."""
    found: list[dict[str, Any]] = msgspec.json.decode(raw) if isinstance(raw, str | bytes) else (raw or [])
    return found


def _utc(text: str) -> str:
    return instant(datetime.fromisoformat(text))
