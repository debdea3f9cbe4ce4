"""Values as JSON: decimals as plain text, days as ISO dates, dataclasses as objects."""

from dataclasses import fields, is_dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from services.signals.domain.state import MonthSix
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
    """What is not known of it is left out."""
    numbers = {"change": found.change, "early_week": found.early, "late_week": found.late}
    return {
        "trend": str(found.state),
        "weeks": found.weeks,
        **{name: plain(number) for name, number in numbers.items() if number is not None},
    }


def shown_month_six(found: MonthSix) -> dict[str, Any]:
    of_use = Trend(found.trend, found.change, found.early_week, found.late_week, found.weeks)
    return {"started": shown(found.started), "on": shown(found.on), **shown_trend(of_use)}
