"""A connection of the pool that is not asked to forget what it never was told."""

from typing import Any

import asyncpg


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

    def get_reset_query(self) -> str:
        query: str = super().get_reset_query() if self._used else ""
        return query
