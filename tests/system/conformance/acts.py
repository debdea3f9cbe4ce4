"""One real call of every route that changes something: what each must leave behind is found out by trying to break
it.

`Acts.act` sends one call several times: while the audit table takes nothing, twice at once, once more, and with
another body. An operation that passes has one effect, and told of it in the transaction of that effect.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

import asyncpg
import httpx2

from shared.http.changes import REPLAYED
from shared.http.guard import Guard, is_changing
from shared.http.idempotency import HEADER
from tests.conftest import TestDatabase

ACTOR = "usr_maria"
#: What the transaction of an effect writes beside it.
TOLD = ("audit", "idempotency_keys", "outbox")
#: Effects of which no row stays as they wrote it: it is deleted, or written again at once. That there was none without
#: its audit row is seen by the call's working afterwards.
WITHOUT_ROWS = {"delete_webhook_endpoint", "advance_clock", "approve_invoice", "check_books"}


def changing_operations(service: str) -> set[str]:
    """The operations of the service's document that change something."""
    app = import_module(f"services.{service}.main").app
    [guard] = [middleware for middleware in app.user_middleware if middleware.cls is Guard]
    return {one.route.operation_id for one in guard.kwargs["routes"] if is_changing(one.route)}


@dataclass
class Acts:
    """Calls of one service; `done`: the operations that left what they must."""

    service: str
    database: TestDatabase
    client: httpx2.AsyncClient
    done: set[str] = field(default_factory=set)

    async def act(self, operation: str, method: str, path: str, body: Any = None) -> Any:
        """Make the call in each of these ways; return its answer."""
        sent = b"" if body is None else json.dumps(body).encode()
        async with self._no_audit():
            refused = await self._send(method, path, sent, "refused")
            assert refused.status_code == 500, f"{operation}: done without its audit row: {refused.text}"
        both = await asyncio.gather(*(self._send(method, path, sent, operation) for _ in range(2)))
        first = [one for one in both if one.is_success and REPLAYED not in one.headers]
        assert len(first) == 1, f"{operation}, twice at once: {[(one.status_code, one.text) for one in both]}"
        assert all(one.is_success or one.json()["code"] == "idempotency_key_in_flight" for one in both)
        [answer] = first
        await self._left(operation, answer.headers["x-request-id"], both)
        again = await self._send(method, path, sent, operation)
        assert again.headers.get(REPLAYED) == "true", f"{operation}, once more: done again: {again.text}"
        assert (again.status_code, again.content) == (answer.status_code, answer.content), again.text
        assert await self._rows(again) == [], f"{operation}: a repeated answer is audited"
        other = await self._send(method, path, b"{}" if body is None else sent + b" ", operation)
        assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused"), other.text
        assert operation in other.json()["detail"], "the refusal does not name the key"
        self.done.add(operation)
        return answer.json() if answer.content else None

    async def _send(self, method: str, path: str, body: bytes, key: str) -> httpx2.Response:
        headers = {HEADER: key, "U2C-Actor": ACTOR, "Content-Type": "application/json"}
        return await self.client.request(method, path, content=body, headers=headers)

    async def _left(self, operation: str, request_id: str, both: list[httpx2.Response]) -> None:
        rows = await self._rows(*both)
        assert rows, f"{operation}: no audit row"
        assert {(row["actor"], row["key_id"], row["verb"], row["request_id"]) for row in rows} == {
            (ACTOR, "key_test", operation, request_id)
        }, operation
        assert all(row["before"] is not None or row["after"] is not None for row in rows)
        if operation not in WITHOUT_ROWS:
            assert await self._written_in(rows[-1]["transaction"]), (
                f"{operation}: its audit row is in no transaction of it"
            )

    async def _rows(self, *answers: httpx2.Response) -> list[asyncpg.Record]:
        async with self._admin() as admin:
            found: list[asyncpg.Record] = await admin.fetch(
                f"""select *, xmin::text as transaction from {self.service}.audit
                    where request_id = any($1) order by audit_id""",
                [answer.headers["x-request-id"] for answer in answers],
            )
        return found

    async def _written_in(self, transaction: str) -> list[str]:
        """The tables with a row of this transaction, but for those that tell of an effect."""
        async with self._admin() as admin:
            tables = await admin.fetch(
                """select schemaname || '.' || tablename as name from pg_tables
                    where schemaname in ($1, 'clock') and not tablename = any($2)""",
                self.service,
                TOLD,
            )
            return [
                table["name"]
                for table in tables
                if await admin.fetchval(
                    f"select exists (select from {table['name']} where xmin::text = $1)", transaction
                )
            ]

    @asynccontextmanager
    async def _no_audit(self) -> AsyncIterator[None]:
        async with self._admin() as admin:
            await admin.execute(
                f"alter table {self.service}.audit add constraint nothing check (false) not valid"
            )
            try:
                yield
            finally:
                await admin.execute(f"alter table {self.service}.audit drop constraint nothing")

    @asynccontextmanager
    async def _admin(self) -> AsyncIterator[asyncpg.Connection]:
        connection = await asyncpg.connect(self.database.admin_url)
        try:
            yield connection
        finally:
            await connection.close()
