"""A list of breaks and how many there are: a list is cut, a verdict never is."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import asyncpg

#: Breaks a list shows of one question; no verdict asks with it.
LISTED_MAX = 200


@dataclass(frozen=True, slots=True)
class Listed:
    """The first rows of a question, in its order, and how many `more` of them there are."""

    rows: Sequence[Any]
    more: int


async def listed(
    connection: asyncpg.Connection, question: str, *parameters: object, rows_max: int | None
) -> Listed:
    """The first `rows_max` rows of a question of ours (None: all, which is how a gate asks), counted in the
    same pass."""
    rows = await connection.fetch(
        f"select found.*, count(*) over () as rows_total from ({question}) found limit ${len(parameters) + 1}",
        *parameters,
        rows_max,
    )
    return Listed(rows, rows[0]["rows_total"] - len(rows) if rows else 0)
