"""A connection that is kept out of the pool for one purpose, and thrown away after any fault."""

import contextlib

import asyncpg
from asyncpg.pool import PoolConnectionProxy


def usable(connection: PoolConnectionProxy) -> bool:
    """Whether the connection is there and open. The pool takes a held one back by itself when its server goes
    away."""
    if connection is None:
        return False
    try:
        return not connection.is_closed()
    except asyncpg.InterfaceError:
        return False


async def throw_away(pool: asyncpg.Pool, connection: PoolConnectionProxy) -> None:
    """Cut the connection, whatever its state, and give its place in the pool back."""
    with contextlib.suppress(asyncpg.InterfaceError):
        connection.terminate()
    with contextlib.suppress(asyncpg.InterfaceError):
        await pool.release(connection)
