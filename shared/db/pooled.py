"""A connection of the pool that is not asked to forget what it never was told, nor to look up what is known."""

from collections.abc import Iterable
from types import SimpleNamespace
from typing import Any

import asyncpg

#: Types up to this number are Postgres' own, and have the same number in every database, as the driver's codecs assume too.
BUILT_IN_MAX = 9999
#: The catalogue's row of each that a connection of this process met, those that others are made of first.
_built_in: dict[int, Any] = {}
#: In place of the driver's own question, which would have to be told from an unnamed statement.
_NOT_ASKED = SimpleNamespace(name="not asked")


class Pooled(asyncpg.Connection):
    """Goes back to the pool as it is, unless somebody listened on it: then it is cleared, locks of the
    session included.

    A transaction leaves nothing behind (settings are `set local`, locks end with it), and clearing costs each
    statement a second one. Whoever leaves something in a session listens first, as the business clock does,
    or throws the connection away (`shared/bus/held_connection.py`).
    """

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._used = False

    async def add_listener(self, channel: str, callback: Any) -> None:
        self._used = True
        await super().add_listener(channel, callback)

    async def reset(self, *, timeout: float | None = None) -> None:
        await super().reset(timeout=timeout)
        self._used = False

    async def _introspect_types(self, typeoids: Iterable[int], timeout: float | None) -> Any:
        """Each connection of the driver asks anew what an array of numbers is, by a question that costs the
        server more than most statements: a process asks once."""
        unknown = [oid for oid in typeoids if oid not in _built_in]
        if not unknown:
            return list(_built_in.values()), _NOT_ASKED
        told, statement = await super()._introspect_types(unknown, timeout)  # type: ignore[misc]  # not in the stubs
        _built_in.update({row["oid"]: row for row in told if row["oid"] <= BUILT_IN_MAX})
        return [*_built_in.values(), *told], statement

    def get_reset_query(self) -> str:
        query: str = super().get_reset_query() if self._used else ""
        return query
