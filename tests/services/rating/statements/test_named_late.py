"""Values that a contract names late: counted again before their period may close, and never in one that is
final."""

import asyncio
from typing import Any

import asyncpg

from services.rating.statements.repository.statements import StatementRepository
from services.rating.statements.usecases.close_periods import close_due
from tests.services.rating.deployment import Deployment, event, terms, utc
from tests.waiting import until

CLOSE = utc("2024-02-04T00:00:00")
ROOM = 1000  # the default
JANUARY, FEBRUARY = utc("2024-01-20T10:00:00"), utc("2024-02-01T10:00:00")


async def test_no_period_closes_while_what_was_named_late_is_to_be_counted_again(rating: Deployment) -> None:
    await _crowded(rating)
    admin = await asyncpg.connect(rating.database.admin_url)
    try:
        # whoever counts again waits for us
        await admin.execute("begin; lock table rating.usage_packed_hours in share mode")
        await rating.apply(_terms({"plan": "p1001", "unit": "5.00"}))
        advancing = asyncio.create_task(rating.advance(CLOSE))
        await until(lambda: _is(rating.context.clock.now() >= CLOSE))
        assert await close_due(rating.context) == 0
        assert not (await rating.stored("acme-1", "2024-01-01")).final
        await admin.execute("commit")
        await advancing
        january = await rating.stored("acme-1", "2024-01-01")
        assert january.final and january.subtotal_minor == 100 * (5 + 2 * (ROOM + 1))
    finally:
        await admin.close()


async def test_a_month_that_a_final_period_touches_keeps_other(rating: Deployment) -> None:
    await _crowded(rating)
    await rating.advance(CLOSE)
    final = await rating.stored("acme-1", "2024-01-01")
    await rating.send(*(event(f"f{n}", "acme", FEBRUARY, {"plan": f"p{n}"}) for n in range(ROOM)))
    await rating.settled()
    await rating.send(*(event(f"f{n}", "acme", FEBRUARY, {"plan": f"p{n}"}) for n in (ROOM, ROOM + 1)))
    await rating.settled()
    await rating.apply({**_terms({"plan": "p1001", "unit": "5.00"}), "effective": "2024-02-01"})
    await until(lambda: _priced(rating, 100 * (5 + 2 * (ROOM + 1))))
    assert final.final and final == await rating.stored("acme-1", "2024-01-01")
    months = await rating.context.db.pool.fetch(
        """select month from rating.admitted_groups where grp = '{"plan":"p1001"}' and subject = 'acme'"""
    )
    assert [row["month"].month for row in months] == [2]


async def test_who_names_late_holds_periods_in_the_order_of_who_closes(rating: Deployment) -> None:
    """Of another customer, whose period comes first in that order: as who closes both does."""
    await _crowded(rating)
    await rating.customer("zeta")
    await rating.apply({**_terms(), "contract": "zeta-1", "customer": "zeta"})
    names, starts = ["acme-1", "zeta-1"], [utc("2024-01-01T00:00:00")] * 2

    async def close() -> int:
        async with rating.context.db.transaction() as uow:
            return len(await StatementRepository(uow.connection).hold(names, starts))

    admin = await asyncpg.connect(rating.database.admin_url)
    try:
        async with admin.transaction():
            await admin.execute("select from rating.periods where contract = 'acme-1' for no key update")
            closing = asyncio.create_task(close())
            await until(lambda: _blocked(admin, 1))
            naming = asyncio.create_task(
                rating.apply(
                    {**_terms({"plan": "p1001", "unit": "5.00"}), "contract": "zeta-1", "customer": "zeta"}
                )
            )
            await until(lambda: _blocked(admin, 2))
        await asyncio.gather(closing, naming)
        assert closing.result() == 2
    finally:
        await admin.close()


async def _blocked(admin: asyncpg.Connection, sessions: int) -> bool:
    """Whether so many wait for what others hold."""
    found = await admin.fetchval(
        """select count(*) from pg_stat_activity
           where datname = current_database() and cardinality(pg_blocking_pids(pid)) > 0"""
    )
    return bool(found == sessions)


async def _crowded(rating: Deployment) -> None:
    """One value more than there is room for, and one that will be named."""
    await rating.customer("acme")
    await rating.meter("calls", group_by=["plan"])
    await rating.apply(_terms())
    await rating.send(*(event(f"e{n}", "acme", JANUARY, {"plan": f"p{n}"}) for n in range(ROOM)))
    await rating.settled()
    await rating.send(*(event(f"e{n}", "acme", JANUARY, {"plan": f"p{n}"}) for n in (ROOM, ROOM + 1)))
    await rating.settled()


def _terms(*named: dict[str, str]) -> dict[str, Any]:
    price = {"model": "matrix", "dimensions": ["plan"], "rates": [*named, {"unit": "2.00"}]}
    return terms(
        "acme-1", "acme", lines=[{"key": "calls", "kind": "usage", "meter": "calls", "price": price}]
    )


async def _is(value: bool) -> bool:
    return value


async def _priced(rating: Deployment, subtotal_minor: int) -> bool:
    return (await rating.stored("acme-1", "2024-02-01")).subtotal_minor == subtotal_minor
