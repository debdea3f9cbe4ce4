"""A draft that is read all the time while its meter changes never falls, and the books hold before, while and after: at
the edges of Kathmandu's month and of an amendment in the midst of an hour too."""

import asyncio
from decimal import Decimal
from typing import Any

import asyncpg
import pytest

from services.billing.conservation.domain.breaks import K
from services.billing.conservation.usecases.check import check_all
from services.rating.metering import jobs
from services.rating.metering.backfill.usecases import backfill_runs
from shared.db.unit_of_work import UnitOfWork
from tests.services.rating.deployment import Deployment, event, folder_held, terms, utc, void
from tests.waiting import until

AMENDED = utc("2024-01-15T10:17:03")
#: January in Kathmandu begins within the first; the amendment lies within one more.
INSTANTS = [
    utc("2023-12-31T18:14:59"),
    utc("2023-12-31T18:15:00"),
    utc("2023-12-31T18:59:59"),
    utc("2024-01-15T10:17:02"),
    AMENDED,
    utc("2024-01-16T12:00:00"),
]
JANUARY = len(INSTANTS) - 1
CALLS: dict[str, Any] = {"event_type": "call", "aggregation": "count"}


@pytest.fixture
def backfill_may_run(monkeypatch: pytest.MonkeyPatch) -> asyncio.Event:
    """Until this is set no back-fill takes a step."""
    may_run = asyncio.Event()

    async def held(uow: UnitOfWork) -> bool:
        return may_run.is_set() and await backfill_runs(uow)

    monkeypatch.setattr(jobs, backfill_runs.__name__, held)
    return may_run


async def test_a_draft_never_falls_while_its_meter_changes(
    rating: Deployment, auditor: asyncpg.Connection, backfill_may_run: asyncio.Event
) -> None:
    backfill_may_run.set()
    await rating.customer("acme", timezone="Asia/Kathmandu")
    await rating.meter("calls")
    await rating.apply(terms("acme-1", "acme", timezone="Asia/Kathmandu"))
    await rating.advance(utc("2024-01-20T00:00:00"))
    await rating.send(*_calls("a"))
    await rating.settled()
    assert await _counted(rating) == JANUARY
    seen: list[int] = []
    reading = asyncio.create_task(_read(rating, seen))
    try:
        backfill_may_run.clear()
        await _change(rating, {"region": ["eu"]})
        await _holds(auditor)
        async with folder_held(rating):
            await rating.send(*_calls("b"), void("a2"))
            dearer = terms("acme-1", "acme", timezone="Asia/Kathmandu", effective=AMENDED.isoformat())
            dearer["lines"][0]["price"]["unit"] = "3.00"
            await rating.apply(dearer)
            await until(lambda: _amended(rating))
            assert await _counted(rating) == JANUARY
            await _holds(auditor)
        await until(lambda: _is(rating, 2 * JANUARY - 1))
        await rating.settled()
        await _holds(auditor)
        backfill_may_run.set()
        await until(lambda: _backfilled(rating))
        await rating.settled()
        await _holds(auditor)
    finally:
        reading.cancel()
    assert await _counted(rating) == 2 * JANUARY - 1
    assert seen == sorted(seen) and seen[0] == JANUARY and len(seen) > 5


async def _read(rating: Deployment, seen: list[int]) -> None:
    while True:
        seen.append(await _counted(rating))


async def _change(rating: Deployment, filters: dict[str, list[str]]) -> None:
    answer = await rating.client.put("/v1/meters/calls", json={**CALLS, "filters": filters})
    assert answer.status_code == 200, answer.text


def _calls(run: str) -> list[Any]:
    return [event(f"{run}{n}", "acme", at, {"region": "eu"}) for n, at in enumerate(INSTANTS)]


async def _holds(auditor: asyncpg.Connection) -> None:
    report = await check_all(auditor, only=(K.DISPOSITION, K.QUANTITY))
    assert report.holds, report.breaks


async def _counted(rating: Deployment) -> int:
    lines = (await rating.statement("acme-1", "2024-01-01"))["lines"]
    return int(sum(Decimal(line["quantity"]) for line in lines))


async def _is(rating: Deployment, count: int) -> bool:
    return await _counted(rating) == count


async def _amended(rating: Deployment) -> bool:
    return len((await rating.stored("acme-1", "2024-01-01")).contract_versions) == 2


async def _backfilled(rating: Deployment) -> bool:
    return bool((await rating.client.get("/v1/meters/calls")).json()["backfilled"])
