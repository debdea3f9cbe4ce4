"""However documents are sorted and narrowed, a page of very many is found by an index, and not by reading all of them."""

import os
from collections.abc import AsyncIterator
from datetime import date
from typing import Any, Final

import asyncpg
import pytest

from services.billing.documents.domain.filters import DocumentFilter, Place
from services.billing.documents.parameters import SORTS
from services.billing.documents.repository.lists import ListRepository
from shared.db.listing import Order, Window
from tests.conftest import TestDatabase
from tests.shared.http.test_audit_plans import read

#: A run by hand takes more, such as a million.
ROWS: Final = int(os.environ.get("U2C_TEST_DOCUMENTS", "60000"))
PAGE: Final = 51
CUSTOMERS: Final = ROWS // 20
#: Each customer has a draft, and is invoiced month by month.
FILL: Final = """
    insert into billing.documents (document_id, kind, contract, customer_id, customer, legal_entity, currency, timezone,
        period_start, period_end, start_date, end_date, occasion, net_days, subtotal_minor, total_minor, previous_minor,
        status, series, number, issued_on, due_on, finalized_at, customer_name, complete)
    select 'inv_' || lpad(n::text, 22, '0'), 'invoice', 'c-' || n % $2, 'cus_' || n % $2, 'cust-' || n % $2, 'default',
        case when n % 50 = 0 then 'EUR' else 'USD' end, 'UTC', start, start + interval '1 month', start::date,
        (start + interval '1 month')::date - 1, 'period', 30, minor, minor, before,
        case when final then 'finalized' else 'draft' end,
        case when final then 'S' end, case when final then 'DEFAULT-' || lpad(n::text, 9, '0') end,
        case when final then start::date + 33 + n % 28 end, case when final then start::date + 63 + n % 28 end,
        case when final then start + interval '33 days' end, case when final then 'Name ' || n % $2 end, final
    from (select n, n < $1 - $2 as final, '2020-01-01'::timestamptz + (n / $2) * interval '1 month' as start,
            n * 7919::bigint % 1000003 as minor, n * 104729::bigint % 1000003 as before
        from generate_series(1, $1::int) n) made"""
NAMES: Final = """insert into billing.customers (customer_id, revision, external_id, name, aliases, legal_entity, timezone)
    select 'cus_' || n, 1, 'cust-' || n, 'Name ' || n, '{}', 'default', 'UTC'
    from generate_series(0, $1::int) n"""


class Explaining:
    """A connection that keeps how what it fetches was found."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self.plans: list[str] = []

    async def fetch(self, sql: str, *values: object) -> Any:
        rows = await self._connection.fetch(f"explain (analyze, timing off) {sql}", *values)
        self.plans.append("\n".join(row[0] for row in rows))
        return await self._connection.fetch(sql, *values)

    async def fetchval(self, sql: str, *values: object) -> Any:
        return (await self.fetch(sql, *values))[0][0]


@pytest.fixture
async def filled(database: TestDatabase) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(database.admin_url, server_settings={"timezone": "UTC", "jit": "off"})
    try:
        await connection.execute("set plan_cache_mode = force_custom_plan")
        await connection.execute(NAMES, CUSTOMERS)
        await connection.execute(FILL, ROWS, CUSTOMERS)
        await connection.execute("analyze billing.documents, billing.customers")
        yield connection
    finally:
        await connection.close()


NUMBER: Final = "default-" + str(ROWS // 2).rjust(9, "0")
DAY: Final = date(2020, 7, 4)
ASKED: Final[dict[str, dict[str, Any]]] = {
    "nothing": {},
    "one customer": {"customer": "cust-7"},
    "one contract": {"contract": "c-7"},
    "finalized": {"status": "finalized"},
    "nothing held": {"state": "held"},
    "currency": {"currency": "USD"},
    "a number": {"q": NUMBER},
    "many numbers": {"q": "default"},
    "some names": {"q": "name 77"},
    "every name": {"q": "name"},
    "nobody": {"q": "zzz"},
    "a day": {"issued_from": DAY, "issued_to": DAY},
    "due on a day": {"due_from": DAY, "due_to": DAY},
    "an amount": {"currency": "USD", "amount_from": 500_000, "amount_to": 500_100},
    "drafts of a month": {"status": "draft", "ends_from": DAY, "ends_to": DAY},
    "its drafts": {"status": "draft", "customer": "cust-7"},
}
#: Nothing that a draft changes is in an index: they are sorted, a row a customer.
MOST: Final = max(2500, ROWS // 25) + 4 * CUSTOMERS


async def test_every_order_and_filter_is_answered_from_an_index(filled: Any) -> None:
    slow = [
        found
        for key in SORTS
        for descending in (False, True)
        for name, said in ASKED.items()
        async for found in slow_pages(filled, Order(key, descending), name, DocumentFilter(**said))
    ]
    assert not slow, "\n\n".join(slow)


async def slow_pages(connection: Any, order: Order, name: str, asked: DocumentFilter) -> AsyncIterator[str]:
    """How the first two pages were found, of those that looked at many more rows than they show."""
    looking = Explaining(connection)
    lists = ListRepository(looking)  # type: ignore[arg-type]
    if order.key == "amount" and asked.currency is None:
        return
    first = await lists.page(asked, Window(order, None, PAGE))
    if len(first) == PAGE:
        last: Place = first[-1]
        following = await lists.page(asked, Window(order, (last.rank, last.document_id), PAGE))
        assert following and not {*following} & {*first}
    for plan in looking.plans:
        if read(plan) > MOST or "Seq Scan on documents" in plan:
            yield f"{name} by {order}: {read(plan):,} rows for {len(first)}:\n{plan}"


async def test_the_newest_finalized_are_found_without_the_drafts_that_are_newer(filled: Any) -> None:
    for asked in (DocumentFilter(), DocumentFilter(status="finalized")):
        looking = Explaining(filled)
        found = await ListRepository(looking).page(  # type: ignore[arg-type]
            asked, Window(Order("created", True), None, PAGE)
        )
        assert len(found) == PAGE and read(looking.plans[0]) <= 3 * PAGE < CUSTOMERS, looking.plans[0]
