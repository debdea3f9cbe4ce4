"""Many customers are re-scored, a hundred thousand with `--tier full`; the time is printed, not asserted:
`-s` shows it.

Without `capsys`: a service logs to the stderr it starts with, and all that is logged later in this worker
would meet a closed one.
"""

import asyncio
import resource
import sys
import time
from typing import Any

import pytest

from tests.conftest import Sized
from tests.services.signals.conftest import Start
from tests.services.signals.evaluation.many import DAY, due_on, fill
from u2c.deployment.state import ROOT

LISTS: tuple[dict[str, Any], ...] = (
    {},
    {"sort": "risk"},
    {"sort": "stake"},
    {"sort": "stake", "at_risk": True, "silent": True},
    {"silent": True},
)


@pytest.mark.timeout(900)
async def test_all_customers_are_rescored_by_two_processes(start: Start, sized: Sized) -> None:
    customers = sized(400, 10_000, 100_000)
    async with start() as signals:
        due = due_on(DAY)
        await fill(signals, customers)
        began = time.monotonic()
        workers = [
            await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "tests.services.signals.evaluation.evaluation_process",
                signals.database.url("signals"),
                due.isoformat(),
                cwd=ROOT,
            )
            for _ in range(2)
        ]
        assert [await worker.wait() for worker in workers] == [0, 0]
        took, used = time.monotonic() - began, resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
        print(
            f"\n{customers:,} customers re-scored in {took:.1f} s by two processes, their start included; {used:.1f} s of their CPU"
        )
        assert (
            await signals.context.db.pool.fetchval(
                "select count(*) from signals.standings where day = $1", DAY
            )
            == customers
        )
        assert not await signals.context.db.pool.fetchval(
            "select count(*) from signals.customer_states where due_at <= $1", due
        )

        await signals.move_clock(due)
        for asked in LISTS:
            began = time.monotonic()
            page = await signals.get("/v1/customers", **asked)
            print(f"listed by {asked}: {len(page['data'])} customers in {time.monotonic() - began:.3f} s")
        [first] = (await signals.get("/v1/customers", limit=1, sort="stake"))["data"]
        assert first["at_stake"] and first["score_p"] is not None
