"""Many customers are re-scored, a hundred thousand with `--tier full`; the time is printed, not asserted:
`-s` shows it.

Without `capsys`: a service logs to the stderr it starts with, and all that is logged later in this worker
would meet a closed one.
"""

import asyncio
import resource
import sys
import time
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from services.signals.domain.local_day import due_at
from tests.conftest import Sized
from tests.services.signals.conftest import Start
from tests.services.signals.deployment import Signals
from u2c.deployment.state import ROOT

DAY = date(2024, 6, 3)
FILL = """
insert into signals.customers select 'cus_' || n, 1, 'c' || n, 'Customer ' || n, 'America/New_York'
    from generate_series(1, $1::int) n
"""
FILL_ROLLUPS = """
insert into signals.rollups
select 'cus_' || n, 'calls', $2::date - 100, $2::date - 371,
    (select array_agg((5 + (n * 7 + d * 13) % 40)::bigint) from generate_series(1, 100) d),
    (select array_agg((200 + (n * 11 + w * 17) % 90)::bigint) from generate_series(1, 53) w),
    convert_to('[' || array_to_string(array(select '"' || (5 + (n * 7 + d * 13) % 40) || '"'
        from generate_series(1, 100) d), ',') || ']', 'UTF8'),
    100000, 0, null
from generate_series(1, $1::int) n
"""
FILL_SETTLED = """
insert into signals.settled
select 'inv_' || n || '_' || month, 'c' || n, $2::date - 30 * month - 29, 'calls', $2::date - 30 * month - 1, 'cus_' || n,
    'USD', (n * 7919) % 1000000, 0
from generate_series(1, $1::int) n cross join generate_series(0, 11) month
"""
FILL_STATES = "insert into signals.customer_states select 'cus_' || n, $2::date, $3::timestamptz, '{}'::jsonb from generate_series(1, $1::int) n"


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
        due = due_at(DAY, "America/New_York", 6)
        await _fill(signals, customers, due)
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


async def _fill(signals: Signals, customers: int, due: datetime) -> None:
    pool = signals.context.db.pool
    await pool.execute(FILL, customers)
    await pool.execute(FILL_ROLLUPS, customers, DAY)
    await pool.execute(
        "insert into signals.meters (meter, revision, event_type, adds_up) values ('calls', 1, 'call', true)"
    )
    await pool.execute(FILL_STATES, customers, DAY, due + timedelta())
    await pool.execute(FILL_SETTLED, customers, DAY)
    await pool.execute("analyze signals.rollups")
    await pool.execute("analyze signals.settled")
    assert due < datetime(2024, 6, 4, tzinfo=UTC)
