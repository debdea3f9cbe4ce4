"""A running service whose book is of before the fold: drafts and checks say the same before its rows are packed, while
they are and after, and what of before is void meanwhile is taken back."""

from decimal import Decimal

import asyncpg
import pytest

from services.billing.conservation.domain.breaks import K
from services.billing.conservation.usecases.check import check_all
from services.rating.metering import jobs
from services.rating.metering.fold.memory import FoldMemory
from services.rating.metering.fold.usecases.move_old_book import old_book_left
from shared.db.unit_of_work import UnitOfWork
from tests.services.rating.deployment import Deployment, event, terms, utc, void
from tests.services.rating.metering.book import OF_BEFORE
from tests.waiting import until

NOON, CLOSE = utc("2024-01-10T12:00:00"), utc("2024-02-04T00:00:00")
CUSTOMERS = ("acme", "beta")
CALLS = 6


async def test_an_old_book_is_packed_and_nobody_sees_it(
    rating: Deployment, auditor: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def held(uow: UnitOfWork, memory: FoldMemory) -> bool:
        return False

    monkeypatch.setattr(jobs, old_book_left.__name__, held)
    await rating.meter("calls")
    for customer in CUSTOMERS:
        await rating.customer(customer)
        await rating.apply(terms(f"{customer}-1", customer))
        await rating.send(*(event(f"{customer}{n}", customer, NOON.replace(minute=n)) for n in range(CALLS)))
    await rating.send(void("acme0"), void("beta0"))
    await rating.settled()
    admin = await asyncpg.connect(rating.database.admin_url)
    async with admin.transaction():
        await admin.execute(OF_BEFORE)
    assert await _counted(rating, auditor) == [CALLS - 1, CALLS - 1]
    await rating.send(void("acme1"), event("acme-late", "acme", NOON))
    await rating.send(void("acme2"))
    await rating.settled()
    assert await _counted(rating, auditor) == [CALLS - 2, CALLS - 1]
    assert await _left(admin) == {"beta"}
    monkeypatch.setattr(jobs, old_book_left.__name__, old_book_left)
    await jobs.old_book(rating.context)
    assert await _left(admin) == set()
    assert await _counted(rating, auditor) == [CALLS - 2, CALLS - 1]
    await rating.send(void("beta5"))
    await rating.settled()
    assert await _counted(rating, auditor) == [CALLS - 2, CALLS - 2]
    await rating.advance(CLOSE)
    await until(lambda: _final(rating))
    assert await _counted(rating, auditor) == [CALLS - 2, CALLS - 2]
    await admin.close()


async def _counted(rating: Deployment, auditor: asyncpg.Connection) -> list[int]:
    """January of each customer; K3 and K4 hold."""
    report = await check_all(auditor, only=(K.DISPOSITION, K.QUANTITY))
    assert report.holds, report.breaks
    return [await _quantity(rating, customer) for customer in CUSTOMERS]


async def _quantity(rating: Deployment, customer: str) -> int:
    lines = (await rating.statement(f"{customer}-1", "2024-01-01"))["lines"]
    return int(sum(Decimal(line["quantity"]) for line in lines))


async def _final(rating: Deployment) -> bool:
    return all([(await rating.stored(f"{customer}-1", "2024-01-01")).final for customer in CUSTOMERS])


async def _left(admin: asyncpg.Connection) -> set[str]:
    rows = await admin.fetch("select subject from rating.old_usage_hours")
    return {row["subject"] for row in rows}
