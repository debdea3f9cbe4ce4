"""What a list was asked for, as SQL: the conditions that apply, and their parameters."""

from collections.abc import Mapping
from datetime import date
from typing import Any


def narrowed(
    conditions: Mapping[str, str], asked: Any, id_column: str, before: str | None
) -> tuple[str, list[str | date]]:
    """Return an expression for WHERE, and the values of its $1, $2, …

    `conditions` maps an attribute of `asked` to SQL with `{}` for its value; an attribute that is None
    narrows nothing.
    `before`: only rows whose id is older. Ids sort by time, so rows made meanwhile move no page.
    """
    given: list[str | date] = []
    applied = ["true"]
    wanted = [
        *((condition, getattr(asked, name)) for name, condition in conditions.items()),
        (f"{id_column} < {{}}", before),
    ]
    for condition, value in wanted:
        if value is not None:
            given.append(value)
            applied.append(condition.format(f"${len(given)}"))
    return " and ".join(applied), given
