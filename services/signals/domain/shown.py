"""Values as JSON: decimals as plain text, days as ISO dates, dataclasses as objects."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, TypeAlias

from services.signals.domain.state import MonthSix
from services.signals.domain.trend import Trend
from shared.values.decimals import plain
from shared.values.instants import written

Json: TypeAlias = "bool | int | str | list[Json] | dict[str, Json] | None"
Document: TypeAlias = dict[str, Any]
"""A JSON object; what shape it has its reader says."""


def shown(value: object) -> Json:
    """The value as strings, numbers, lists and objects only. Raises TypeError for what has no such form."""
    match value:
        case None | bool() | int() | str():
            return value
        case Decimal():
            return plain(value)
        case datetime():
            return written(value)
        case date():
            return value.isoformat()
        case list() | tuple():
            return [shown(item) for item in value]
    return shown_object(value)


def shown_object(value: object) -> Document:
    """A dataclass or a mapping as an object."""
    if is_dataclass(value):
        return {field.name: shown(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): shown(item) for key, item in value.items()}
    raise TypeError(f"{type(value).__name__} is no value of an evaluation")


def shown_trend(found: Trend) -> Document:
    """What is not known of it is left out."""
    numbers = {"change": found.change, "early_week": found.early, "late_week": found.late}
    return {
        "trend": str(found.state),
        "weeks": found.weeks,
        **({"within_chance": True} if found.within_chance else {}),
        **{name: plain(number) for name, number in numbers.items() if number is not None},
    }


def shown_month_six(found: MonthSix) -> Document:
    of_use = Trend(
        found.trend, found.change, found.early_week, found.late_week, found.weeks, found.within_chance
    )
    return {"started": shown(found.started), "on": shown(found.on), **shown_trend(of_use)}
