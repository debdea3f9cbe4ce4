"""SQL of saved views."""

import asyncpg

from services.console.views.rows import ViewRow
from shared.db.columns import names_of, read

VIEW = names_of(ViewRow)


class ViewRepository:
    """Each is its owner's alone to change."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection

    async def save(self, view: ViewRow) -> ViewRow:
        """Keep it; one of the same owner, page and name is replaced, and keeps its id. Returns what is kept."""
        rows = await self._connection.fetch(
            f"""insert into console.views ({VIEW}) values ($1, $2, $3, $4, $5, $6, $7)
                on conflict (owner, page, name) do update
                    set query = excluded.query, is_shared = excluded.is_shared, saved_at = excluded.saved_at
                returning {VIEW}""",
            view.view_id,
            view.owner,
            view.page,
            view.name,
            view.query,
            view.is_shared,
            view.saved_at,
        )
        return read(ViewRow, rows[0])

    async def find(self, owner: str, page: str, name: str) -> ViewRow | None:
        row = await self._connection.fetchrow(
            f"select {VIEW} from console.views where owner = $1 and page = $2 and name = $3",
            owner,
            page,
            name,
        )
        return read(ViewRow, row) if row else None

    async def own(self, owner: str, view_id: str) -> ViewRow | None:
        """The view, held until the transaction ends; None for another's."""
        row = await self._connection.fetchrow(
            f"select {VIEW} from console.views where owner = $1 and view_id = $2 for update", owner, view_id
        )
        return read(ViewRow, row) if row else None

    async def of_person(self, owner: str) -> list[ViewRow]:
        """All that a person has saved, by page and name."""
        rows = await self._connection.fetch(
            f"select {VIEW} from console.views where owner = $1 order by page, name", owner
        )
        return [read(ViewRow, row) for row in rows]

    async def of_page(self, owner: str, page: str) -> list[ViewRow]:
        """What a reader of the page is offered there: their own first, then what others share."""
        rows = await self._connection.fetch(
            f"""select {VIEW} from console.views where page = $2 and (owner = $1 or is_shared)
                order by owner <> $1, name, owner""",
            owner,
            page,
        )
        return [read(ViewRow, row) for row in rows]

    async def count_shared(self, page: str) -> int:
        """How many others share there; nobody else shares one until the transaction ends."""
        await self._connection.execute(
            "select pg_advisory_xact_lock(hashtextextended('console.views ' || $1, 0))", page
        )
        return int(
            await self._connection.fetchval(
                "select count(*) from console.views where page = $1 and is_shared", page
            )
        )

    async def share(self, view_id: str, *, is_shared: bool) -> None:
        await self._connection.execute(
            "update console.views set is_shared = $2 where view_id = $1", view_id, is_shared
        )

    async def remove(self, view_id: str) -> None:
        await self._connection.execute("delete from console.views where view_id = $1", view_id)

    async def remove_all(self, owner: str) -> None:
        await self._connection.execute("delete from console.views where owner = $1", owner)
