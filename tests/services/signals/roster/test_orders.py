"""Each order of the roster is made of parts that an index has in order: together they are all customers as they were sorted at
once, and a page is found without looking at all."""

import asyncio
import random
from collections.abc import AsyncIterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final, get_args

import asyncpg
import pytest
from alembic import command

from services.signals.domain.activation import ActivationState
from services.signals.roster import repository
from services.signals.roster.repository import DROP_STAKES, KEEP_STAKES, RANKS, Part, RosterRepository
from services.signals.roster.rows import Order, Place, RosterFilter, RosterRow, Sort
from shared.postgres.migrations import _config
from tests.conftest import Sized, TestDatabase
from tests.services.billing.documents.test_plans import Explaining
from tests.shared.http.test_audit_plans import read

PAGE: Final = 51
CUSTOMERS: Final = """insert into signals.customers (customer_id, revision, external_id, name, timezone)
    select 'cus_' || n, 1, 'c' || lpad(n::text, 7, '0'), 'Name ' || n, 'UTC' from unnest($1::int[]) n"""
ROSTER: Final = """insert into signals.roster (customer_id, external_id, day, risk_score, at_risk, silent, renews_on, activations,
    score_p, currencies, stakes) values ($1, $2, '2024-01-01', $3, $4, $5, $6, $7, $8, $9, $10)"""
TODAY: Final = date(2024, 1, 1)
FILTERS: Final = (
    RosterFilter(),
    RosterFilter(at_risk=True),
    RosterFilter(at_risk=False),
    RosterFilter(silent=True),
    RosterFilter(renews_before=TODAY + timedelta(days=40)),
    RosterFilter(activation=ActivationState.FAILED),
    RosterFilter(q="c0000"),
)
ORDERS: Final = [
    Order(sort, currency)
    for sort in get_args(Sort)
    for currency in (("USD", "EUR", "GBP") if sort == "stake" else (None,))
]


def _row(chance: random.Random, number: int) -> tuple[Any, ...]:
    score, stakes = chance.choice((0, 0, 0, 10, 20, 90)), {"USD": chance.randrange(-3, 900)}
    if chance.random() < 0.2:
        stakes = {"EUR": 5, **stakes}
    return (
        f"cus_{number}",
        f"c{number:07}",
        score,
        score > 50,
        chance.random() < 0.1,
        TODAY + timedelta(days=chance.randrange(300)) if chance.random() < 0.9 else None,
        chance.choice(([], ["failed"], ["open"])),
        chance.choice((None, "0.5", "0.01")),
        list(stakes),
        [str(amount) for amount in stakes.values()],
    )


async def fill(connection: asyncpg.Connection, customers: int) -> None:
    chance = random.Random(3)
    numbers = list(range(customers))
    await connection.execute(CUSTOMERS, numbers)
    rows = [_row(chance, number) for number in numbers if chance.random() < 0.95]
    await connection.executemany(ROSTER, [_decimals(row) for row in rows])
    await connection.execute(KEEP_STAKES, [row[0] for row in rows])
    await connection.execute("analyze signals.customers, signals.roster, signals.roster_stakes")


def _decimals(row: tuple[Any, ...]) -> tuple[Any, ...]:
    *rest, score_p, currencies, stakes = row
    return (*rest, Decimal(score_p) if score_p else None, currencies, list(map(Decimal, stakes)))


@pytest.fixture
async def connection(database: TestDatabase) -> AsyncIterator[asyncpg.Connection]:
    settings = {"timezone": "UTC", "jit": "off", "plan_cache_mode": "force_custom_plan"}
    opened = await asyncpg.connect(database.admin_url, server_settings=settings)
    yield opened
    await opened.close()


async def pages(
    connection: Any, order: Order, wanted: RosterFilter, limit: int, most: int = 10**9
) -> list[RosterRow]:
    found: list[RosterRow] = []
    after: Place | None = None
    while len(found) < most:
        page = await RosterRepository(connection).page(None, wanted, order, after, limit)
        found += page
        if len(page) < limit:
            break
        after = page[-1].place
    return found


async def test_the_parts_of_an_order_are_all_customers_in_it(
    connection: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch, sized: Sized
) -> None:
    await fill(connection, sized(150, 500, 2000))
    at_once = {sort: (Part(rank, repository._OF_ALL),) for sort, rank in RANKS.items()}
    for order in ORDERS:
        for wanted in FILTERS:
            listed = await pages(connection, order, wanted, 17)
            with monkeypatch.context() as patched:
                patched.setattr(repository, "PARTS", at_once)
                assert listed == await pages(connection, order, wanted, 10_000), (order, wanted)
    assert await RosterRepository(connection).currencies(None) == ["EUR", "USD"]


async def test_a_page_is_found_without_looking_at_all(connection: asyncpg.Connection) -> None:
    customers = 20_000
    await fill(connection, customers)
    looking = Explaining(connection)
    slow = []
    for order in ORDERS:
        for wanted in (RosterFilter(), RosterFilter(at_risk=True), RosterFilter(q="c00001")):
            await pages(looking, order, wanted, PAGE, most=2 * PAGE)
            slow += [
                f"{order} {wanted}: {read(plan):,}\n{plan}"
                for plan in looking.plans
                if read(plan) > customers / 2
            ]
            looking.plans.clear()
    assert not slow, "\n\n".join(slow)


async def test_what_is_no_longer_at_stake_is_found_no_more(connection: asyncpg.Connection) -> None:
    await fill(connection, 20)
    gone = await connection.fetchval(
        "select customer_id from signals.roster_stakes where currency = 'EUR' order by 1 limit 1"
    )
    await connection.execute(
        "update signals.roster set currencies = '{USD}', stakes = '{7}', score_p = 1 where customer_id = $1",
        gone,
    )
    await connection.execute(DROP_STAKES, [gone])
    await connection.execute(KEEP_STAKES, [gone])
    rows = await connection.fetch(
        "select currency, rank from signals.roster_stakes where customer_id = $1", gone
    )
    assert [tuple(row) for row in rows] == [("USD", -70_000)]


async def test_a_roster_of_before_is_sorted_alike(
    database: TestDatabase, connection: asyncpg.Connection
) -> None:
    await fill(connection, 60)
    asked = [Order("risk"), Order("renewal"), Order("stake", "EUR")]
    before = [await pages(connection, order, RosterFilter(), 7) for order in asked]
    migrating = _config("signals", database.url("signals"), database.secret)
    await asyncio.to_thread(command.downgrade, migrating, "0030")
    await asyncio.to_thread(command.upgrade, migrating, "head")
    assert [await pages(connection, order, RosterFilter(), 7) for order in asked] == before
