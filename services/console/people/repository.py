"""SQL of people."""

from datetime import datetime

import asyncpg

from services.console.domain.roles import Role
from services.console.people.rows import ListedPerson, PersonRow
from shared.db.columns import names_of, read

PERSON = names_of(PersonRow)


class PeopleRepository:
    """Those who may sign in, and those who no longer may: a name is never given away."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection

    async def add(self, person: PersonRow) -> bool:
        """False where the name is known already."""
        return bool(
            await self._connection.fetchval(
                f"insert into console.people ({PERSON}) values ($1, $2, $3, $4, $5, $6) on conflict do nothing returning true",
                person.name,
                person.role,
                person.password_hash,
                person.added_at,
                person.ended_at,
                person.has_letters,
            )
        )

    async def find(self, name: str) -> PersonRow | None:
        row = await self._connection.fetchrow(f"select {PERSON} from console.people where name = $1", name)
        return read(PersonRow, row) if row else None

    async def locked(self, name: str) -> PersonRow | None:
        """The person, held until the transaction ends."""
        row = await self._connection.fetchrow(
            f"select {PERSON} from console.people where name = $1 for update", name
        )
        return read(PersonRow, row) if row else None

    async def list(self, now: datetime) -> list[ListedPerson]:
        """All, by name."""
        rows = await self._connection.fetch(
            """select name, role, added_at, ended_at, (select count(*) from console.sessions s
                where s.name = p.name and s.expires_at > $1) as sessions from console.people p order by name""",
            now,
        )
        return [read(ListedPerson, row) for row in rows]

    async def set_role(self, name: str, role: Role) -> None:
        await self._connection.execute("update console.people set role = $2 where name = $1", name, role)

    async def set_password(self, name: str, password_hash: str) -> None:
        await self._connection.execute(
            "update console.people set password_hash = $2 where name = $1", name, password_hash
        )

    async def set_letters(self, name: str, *, has_letters: bool) -> None:
        await self._connection.execute(
            "update console.people set has_letters = $2 where name = $1", name, has_letters
        )

    async def end(self, name: str, now: datetime) -> None:
        """From now on nobody signs in by this name, by no password either."""
        await self._connection.execute(
            "update console.people set ended_at = $2, password_hash = null where name = $1", name, now
        )

    async def end_sessions(self, name: str) -> int:
        """End all of a person's; returns how many there were."""
        gone: str = await self._connection.execute("delete from console.sessions where name = $1", name)
        return int(gone.split()[-1])
