"""Whatever rows of the audit are narrowed to, a page is found by an index, and not by reading all that was ever changed."""

import os
from collections.abc import AsyncIterator
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import asyncpg
import pytest

from shared.audit import AuditFilter, newest_audit
from shared.db.unit_of_work import UnitOfWork
from tests.conftest import TestDatabase

#: A run by hand takes more, such as a million.
ROWS: Final = int(os.environ.get("U2C_TEST_AUDIT_ROWS", "60000"))
PAGE: Final = 51
SINCE: Final = datetime(2026, 1, 1, tzinfo=UTC)
LATER: Final = SINCE + timedelta(days=200)
#: Nine in ten rows are of customers, by one key; a plan is changed once in ten thousand rows.
FILL: Final = """
    insert into rating.audit (audit_id, at, actor, key_id, verb, object, object_id, request_id)
    select 'aud_' || lpad(n::text, 22, '0'), $1::timestamptz + (n * 17280000.0 / $2::int) * interval '1 second',
        'usr_' || n % 1000, case when n % 500 = 0 then 'key_rare' else 'key_often' end,
        case when n % 10000 = 0 then 'put_plan' when n % 10 = 0 then 'post_contract' else 'change_customer' end,
        case when n % 10000 = 0 then 'plan' when n % 10 = 0 then 'contract' else 'customer' end,
        'name-' || n % 20000, 'req'
    from generate_series(1, $2::int) n"""


@pytest.fixture
async def audit(database: TestDatabase) -> AsyncIterator[UnitOfWork]:
    connection = await asyncpg.connect(database.admin_url, server_settings={"timezone": "UTC"})
    try:
        await connection.execute("set plan_cache_mode = force_custom_plan")
        await connection.execute(FILL, SINCE, ROWS)
        await connection.execute("analyze rating.audit")
        yield UnitOfWork(connection, "rating")
    finally:
        await connection.close()


class _Explaining:
    """A connection that keeps how what it fetches was found."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self.plan = ""

    async def fetch(self, sql: str, *values: object) -> Any:
        rows = await self._connection.fetch(f"explain (analyze, timing off) {sql}", *values)
        self.plan = "\n".join(row[0] for row in rows)
        return await self._connection.fetch(sql, *values)


def read(plan: str) -> int:
    """Rows that were looked at."""
    found = 0
    for line in plan.splitlines():
        if "rows=" in line and "Scan" in line and "never executed" not in line:
            found += int(float(line.rpartition("rows=")[2].split()[0])) * int(
                line.rpartition("loops=")[2].rstrip(")")
            )
        if "Rows Removed by Filter" in line:
            found += int(line.rpartition(":")[2])
    return found


ASKED: Final[dict[str, dict[str, Any]]] = {
    "nothing": {},
    "actor": {"actor": "usr_7"},
    "nobody": {"actor": "usr_none"},
    "key": {"key_id": "key_often"},
    "rare key": {"key_id": "key_rare"},
    "verb": {"verb": "change_customer"},
    "rare verb": {"verb": "put_plan"},
    "object": {"object": "contract"},
    "rare object": {"object": "plan"},
    "no object": {"object": "none"},
    "one object": {"object": "customer", "object_id": "name-77"},
    "id": {"object_id": "name-77"},
    "no id": {"object_id": "none"},
    "id of one verb": {"object_id": "name-77", "verb": "change_customer"},
    "days": {"since": LATER - timedelta(days=3), "until": LATER},
    "an object's days": {"object": "contract", "since": SINCE, "until": SINCE + timedelta(days=9)},
    "an actor's object": {"actor": "usr_7", "object": "customer"},
}


async def test_every_filter_is_answered_from_an_index(audit: UnitOfWork) -> None:
    asked = {one.name for one in fields(AuditFilter)}
    assert {name for said in ASKED.values() for name in said} == asked, "each filter is tried"
    looking, most, slow = _Explaining(audit.connection), max(1000, ROWS // 50), dict[str, str]()
    for name, said in ASKED.items():
        watched = UnitOfWork(looking, "rating")  # type: ignore[arg-type]
        rows = await newest_audit(watched, AuditFilter(**said), None, PAGE)
        if read(looking.plan) > most or "Seq Scan on audit" in looking.plan:
            slow[name] = f"{read(looking.plan):,} rows for {len(rows)}:\n{looking.plan}"
    assert not slow, "\n\n".join(f"{name}: {plan}" for name, plan in slow.items())
