"""Whether a service's schema is at the head of its Alembic history: part of /readyz."""

from functools import cache
from pathlib import Path

import asyncpg
from alembic.script import ScriptDirectory


@cache
def _head(service: str) -> str | None:
    folder = Path(__file__).parent.parent / "services" / service / "migrations"
    return ScriptDirectory(str(folder)).get_current_head()


async def migrations_at_head(pool: asyncpg.Pool, service: str) -> str:
    """Return "ok", or what is wrong and its remedy."""
    found = await pool.fetchval(f"select version_num from {service}.alembic_version")
    wanted = _head(service)
    return "ok" if found == wanted else f"schema {service} is at {found}, the code at {wanted}; run `u2c migrate`"
