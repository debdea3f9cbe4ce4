"""SQL of API keys."""

from datetime import datetime

import asyncpg

from services.usage_ingest.keys.rows import KeyRow

SHOWN = """select key.key_id, key.name, key.scopes, key.expires_at, key.revoked, key.revision, key.hash,
    key.sources, key.seats,
           issued.prefix, issued.created_at, issued.created_by, issued.replaces
    from usage_ingest.access_keys key join usage_ingest.api_keys issued using (key_id)"""


class KeyRepository:
    """Keys as issued. The secrets are nowhere."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self.connection = connection

    async def add(
        self, key_id: str, prefix: str, created_at: datetime, created_by: str, replaces: str | None
    ) -> None:
        await self.connection.execute(
            "insert into usage_ingest.api_keys (key_id, prefix, created_at, created_by, replaces) values ($1, $2, $3, $4, $5)",
            key_id,
            prefix,
            created_at,
            created_by,
            replaces,
        )

    async def page(self, after: str, limit: int) -> list[KeyRow]:
        """Keys in order of their making, after the key of this id."""
        return await self._page("", after, limit)

    async def held_page(self, after: str, limit: int) -> list[KeyRow]:
        """The same, none of which changes until the transaction ends."""
        return await self._page("for share of key", after, limit)

    async def locked(self, key_id: str) -> KeyRow | None:
        """The key, held until the transaction ends; None when there is none."""
        row = await self.connection.fetchrow(f"{SHOWN} where key.key_id = $1 for update of key", key_id)
        return KeyRow(**row) if row else None

    async def first_keys(self, name: str) -> list[KeyRow]:
        """Those of this name that no key made and that were not revoked, held until the transaction ends."""
        rows = await self.connection.fetch(
            f"{SHOWN} where key.name = $1 and issued.created_by = '' and not key.revoked for update of key",
            name,
        )
        return [KeyRow(**row) for row in rows]

    async def _page(self, lock: str, after: str, limit: int) -> list[KeyRow]:
        rows = await self.connection.fetch(
            f"{SHOWN} where key.key_id > $1 order by key.key_id limit $2 {lock}", after, limit
        )
        return [KeyRow(**row) for row in rows]
