"""SQL of sessions and of tries to sign in."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import asyncpg

from services.console.sessions.rows import SessionRow, SignedIn
from shared.db.columns import names_of, read

SESSION = names_of(SessionRow)
FORGOTTEN_AT_ONCE: Final = 100


class SessionRepository:
    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection

    async def add(self, session: SessionRow, password_hash: str | None) -> bool:
        """False where its person has ended, or their password is not of this hash any more: whoever changes that
        ends the sessions that they see, and this one waits for them."""
        return bool(
            await self._connection.fetchval(
                f"""insert into console.sessions ({SESSION})
                    select $1::bytea, name, $3::timestamptz, $4::timestamptz from console.people
                     where name = $2 and ended_at is null and password_hash is not distinct from $5 for share
                    returning true""",
                session.id_hash,
                session.name,
                session.begun_at,
                session.expires_at,
                password_hash,
            )
        )

    async def signed_in(self, id_hash: bytes, now: datetime) -> SignedIn | None:
        """Whose session this is; None for one that has ended, or whose person has."""
        row = await self._connection.fetchrow(
            """select p.name, p.role, p.has_letters from console.sessions s join console.people p using (name)
               where s.id_hash = $1 and s.expires_at > $2 and p.ended_at is null""",
            id_hash,
            now,
        )
        return read(SignedIn, row) if row else None

    async def end(self, id_hash: bytes) -> None:
        await self._connection.execute("delete from console.sessions where id_hash = $1", id_hash)

    async def end_all(self) -> None:
        """End everybody's."""
        await self._connection.execute("delete from console.sessions")

    async def of_person(self, name: str, now: datetime) -> list[SessionRow]:
        """What a person has open, the newest first."""
        rows = await self._connection.fetch(
            f"select {SESSION} from console.sessions where name = $1 and expires_at > $2 order by begun_at desc",
            name,
            now,
        )
        return [read(SessionRow, row) for row in rows]

    async def forget(self, now: datetime) -> None:
        """Delete sessions that have expired."""
        await self._connection.execute("delete from console.sessions where expires_at <= $1", now)

    async def forget_tries(self, before: datetime) -> None:
        """Delete some that count no more: more than one try adds, so that they never heap up."""
        await self._connection.execute(
            """delete from console.tries where ctid = any(array(
                select ctid from console.tries where at <= $1 order by at limit $2 for update skip locked))""",
            before,
            FORGOTTEN_AT_ONCE,
        )

    async def count_tries(self, who: Sequence[bytes], since: datetime) -> list[int]:
        """How often each of them has tried since then; nobody else counts the same until the transaction ends."""
        for one in sorted(who):
            await self._connection.execute(
                "select pg_advisory_xact_lock($1)", int.from_bytes(one[:8], "big", signed=True)
            )
        return [
            await self._connection.fetchval(
                "select count(*) from console.tries where who = $1 and at > $2", one, since
            )
            for one in who
        ]

    async def add_tries(self, who: Sequence[bytes], at: datetime) -> None:
        await self._connection.execute(
            "insert into console.tries (who, at) select unnest($1::bytea[]), $2", list(who), at
        )

    async def take_back_tries(self, who: Sequence[bytes], at: datetime) -> None:
        """The tries of that instant count no more: they led to a session."""
        await self._connection.execute(
            "delete from console.tries where who = any($1::bytea[]) and at = $2", list(who), at
        )
