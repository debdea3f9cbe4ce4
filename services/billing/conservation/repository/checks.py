"""SQL of the checks that are kept, in billing's own schema."""

from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime

import asyncpg

from services.billing.conservation.rows import ResultRow, StoredCheck
from shared.db.columns import insert, names_of, read
from shared.values.ids import new_id

RESULTS = insert("billing.conservation_results", ResultRow)
_COLUMNS = ", ".join(one.name for one in fields(StoredCheck) if one.name != "results")


class CheckRepository:
    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection

    async def ask(self, by: str, lookers: str) -> tuple[str, bool]:
        """Let one be made, and return its id: the one that waits already, or else a new one, and whether it is this call's.
        One that runs does not see what has happened since it began, and one that `lookers` wait for alone becomes that of
        who asks."""
        row = await self._connection.fetchrow(
            """with made as (insert into billing.conservation_checks as waiting (check_id, by) values ($1, $2)
                   on conflict (state) where state = 'waiting' do update set by = excluded.by
                       where waiting.by = $3 and excluded.by <> $3 returning check_id)
               select check_id, true as is_new from made union all
               select check_id, false from billing.conservation_checks where state = 'waiting' limit 1""",
            new_id("chk"),
            by,
            lookers,
        )
        if row is None:
            # It was taken up meanwhile.
            return await self.ask(by, lookers)
        return row["check_id"], row["is_new"]

    async def is_any_unfinished(self) -> bool:
        return bool(
            await self._connection.fetchval(
                "select exists (select from billing.conservation_checks where state <> 'done')"
            )
        )

    async def take_up(self) -> StoredCheck | None:
        """Begin the one that a process left in the middle, or the one that waits. Its caller makes checks alone."""
        found: str | None = await self._connection.fetchval(
            """update billing.conservation_checks set state = 'running', attempts = attempts + 1,
                   began_at = coalesce(began_at, clock_timestamp())
               where check_id = (select check_id from billing.conservation_checks where state <> 'done'
                   order by state, check_id limit 1) returning check_id"""
        )
        return None if found is None else await self.get(found)

    async def keep(self, result: ResultRow) -> None:
        await self._connection.execute(RESULTS.sql, *RESULTS.columns_of([result]))

    async def finish(self, check_id: str) -> None:
        await self._connection.execute(
            """update billing.conservation_checks set state = 'done', done_at = clock_timestamp(), fault = null
               where check_id = $1""",
            check_id,
        )

    async def break_off(self, check_id: str, fault: str) -> None:
        """Say why; the state stays, so that it is taken up again."""
        await self._connection.execute(
            "update billing.conservation_checks set fault = $2 where check_id = $1", check_id, fault
        )

    async def get(self, check_id: str) -> StoredCheck | None:
        return next(
            iter(await self._with_results("where check_id = $1 order by check_id limit 1", check_id)), None
        )

    async def last_done(self) -> StoredCheck | None:
        return next(
            iter(await self._with_results("where state = 'done' order by done_at desc limit 1")), None
        )

    async def forget(self, by: str, before: datetime, limit: int) -> int:
        """Delete at most `limit` checks that were asked for so and done before (machine clock), with what they found, but
        not the one that was done last of all; return how many."""
        gone: int = await self._connection.fetchval(
            """with old as (select check_id from billing.conservation_checks
                   where state = 'done' and by = $1 and done_at < $2 and check_id <> (
                       select check_id from billing.conservation_checks where state = 'done' order by done_at desc limit 1)
                   order by done_at limit $3 for update skip locked),
               gone as (delete from billing.conservation_checks c using old where c.check_id = old.check_id
                   returning c.check_id),
               results as (delete from billing.conservation_results r using gone where r.check_id = gone.check_id)
               select count(*) from gone""",
            by,
            before,
            limit,
        )
        return gone

    async def newest_first(self, before: str | None, rows_max: int) -> list[StoredCheck]:
        narrowed = "" if before is None else "where check_id < $2"
        given = () if before is None else (before,)
        return await self._with_results(f"{narrowed} order by check_id desc limit $1", rows_max, *given)

    async def _with_results(self, asked: str, *values: object) -> list[StoredCheck]:
        rows = await self._connection.fetch(
            f"select {_COLUMNS} from billing.conservation_checks {asked}", *values
        )
        results = await self._results([row["check_id"] for row in rows])
        return [read(StoredCheck, row, results=tuple(results.get(row["check_id"], ()))) for row in rows]

    async def _results(self, check_ids: Sequence[str]) -> dict[str, list[ResultRow]]:
        rows = await self._connection.fetch(
            f"""select {names_of(ResultRow)} from billing.conservation_results
                where check_id = any($1) order by check_id, k""",
            list(check_ids),
        )
        found: dict[str, list[ResultRow]] = {}
        for row in rows:
            found.setdefault(row["check_id"], []).append(ResultRow(**row))
        return found
