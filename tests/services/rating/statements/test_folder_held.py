"""The folder is held between batch and fold: statements, their raw edge hours too, know nothing of what waits,
and the books hold before, while and after."""

from decimal import Decimal
from typing import Any

import asyncpg

from services.billing.conservation.domain.breaks import K
from services.billing.conservation.usecases.check import check_all
from tests.services.rating.deployment import Deployment, event, folder_held, terms, utc, void
from tests.waiting import until

AMENDED = utc("2024-01-15T10:17:03")
BEGINS = utc("2023-12-31T18:15:00")  # January in Kathmandu
INSTANTS = {
    "before": utc("2023-12-31T18:14:59"),  # of December: another period's
    "begins": BEGINS,
    "first": utc("2023-12-31T18:59:59"),
    "old": utc("2024-01-15T10:17:02"),
    "new": AMENDED,
    "day": utc("2024-01-16T12:00:00"),
}
JANUARY = len(INSTANTS) - 1


async def test_an_edge_hour_and_an_amendment_know_what_is_folded(
    rating: Deployment, auditor: asyncpg.Connection
) -> None:
    await rating.customer("acme", timezone="Asia/Kathmandu")
    await rating.meter("calls")
    await rating.meter("users", aggregation="unique", field="user", missing="ignore", group_by=["region"])
    await rating.apply(terms("acme-1", "acme", timezone="Asia/Kathmandu"))
    await rating.advance(utc("2024-01-20T00:00:00"))
    await rating.send(*_calls("a"))
    await rating.settled()
    assert await _holds(auditor) == 0 and await _counted(rating) == JANUARY
    async with folder_held(rating):
        await rating.send(*_calls("b"), void("a-first"))
        await until(lambda: _waits(auditor, len(INSTANTS) + 1))
        assert await _counted(rating) == JANUARY
        dearer = terms("acme-1", "acme", timezone="Asia/Kathmandu", effective=AMENDED.isoformat())
        dearer["lines"][0]["price"]["unit"] = "3.00"
        await rating.apply(dearer)
        await until(lambda: _amended(rating))
        assert await _counted(rating) == JANUARY, "priced anew, for what is folded"
        assert await _holds(auditor) == len(INSTANTS) + 1
    await rating.settled()
    assert await _holds(auditor) == 0 and await _counted(rating) == 2 * JANUARY - 1


async def test_a_final_statement_is_cut_where_the_fold_stood(
    rating: Deployment, auditor: asyncpg.Connection
) -> None:
    """The barrier waits for the fold of what was acknowledged; what comes later is late, folded or not."""
    await rating.customer("acme", timezone="Asia/Kathmandu")
    await rating.meter("calls")
    await rating.apply(terms("acme-1", "acme", timezone="Asia/Kathmandu"))
    await rating.advance(utc("2024-01-20T00:00:00"))
    await rating.send(*_calls("a"))
    await rating.advance(utc("2024-02-05T00:00:00"))
    final = await rating.stored("acme-1", "2024-01-01")
    assert final.final and await _counted(rating) == JANUARY
    async with folder_held(rating):
        await rating.send(*_calls("late"))
        await until(lambda: _waits(auditor, len(INSTANTS)))
        assert await _holds(auditor) == len(INSTANTS)
    await rating.settled()
    assert await _holds(auditor) == 0
    assert (await rating.stored("acme-1", "2024-01-01")).watermark == final.watermark
    assert await _counted(rating) == JANUARY


def _calls(run: str) -> list[Any]:
    data = {"user": run, "region": "eu"}
    return [event(f"{run}-{name}", "acme", at, data) for name, at in INSTANTS.items()]


async def _holds(auditor: asyncpg.Connection) -> int:
    """How many events and voids wait for the fold; K3 and K4 have no break."""
    report = await check_all(auditor, only=(K.DISPOSITION, K.QUANTITY))
    assert report.holds, report.breaks
    figures = report.of(K.DISPOSITION).figures
    assert figures["stored"] == figures["new"]
    return report.of(K.QUANTITY).figures["not_folded"]


async def _waits(auditor: asyncpg.Connection, count: int) -> bool:
    return (await check_all(auditor, only=(K.QUANTITY,))).of(K.QUANTITY).figures["not_folded"] == count


async def _counted(rating: Deployment) -> int:
    lines = (await rating.statement("acme-1", "2024-01-01"))["lines"]
    return int(sum(Decimal(line["quantity"]) for line in lines))


async def _amended(rating: Deployment) -> bool:
    return len((await rating.stored("acme-1", "2024-01-01")).contract_versions) == 2
