"""Values as JSON: decimals as plain text, days as ISO dates, dataclasses as objects."""

from dataclasses import fields, is_dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from services.signals.domain.trend import Trend
from shared.values.decimals import plain


def shown(value: Any) -> Any:
    """The value as strings, numbers, lists and objects only."""
    if isinstance(value, Decimal):
        return plain(value)
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: shown(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, dict):
        return {str(key): shown(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [shown(item) for item in value]
    return value


def shown_trend(found: Trend) -> dict[str, Any]:
    return {
        "trend": str(found.state),
        "weeks": found.weeks,
        **{
            name: plain(number)
            for name, number in (
                ("change", found.change),
                ("early_week", found.early),
                ("late_week", found.late),
            )
            if number is not None
        },
    }
