"""`u2c bench idle`: what a deployment costs in which nothing happens, and how soon the first event after that is
seen.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from lab.bench import books
from lab.bench.bodies import one_each, written
from lab.bench.checkout import Checkout
from lab.bench.drafts import uncovered
from lab.bench.progress import newest_batch, until_activity_told
from lab.bench.rounds import Round, Rounds
from lab.bench.scene import Scene, driven_scene
from lab.bench.spent import Spending
from lab.bench.workload import BodiesPlan, contract_name, subject

CUSTOMERS, EVENTS = 1000, 20_000
VISIBLE_TIMEOUT_S, ASK_EVERY_S = 60.0, 0.02
BROKER = "kafka"


@dataclass(frozen=True)
class IdleWanted:
    """`rounds` times so many `seconds` in which nothing happens."""

    bus: str
    seconds: float
    rounds: int


async def measure_idle(checkout: Checkout, wanted: IdleWanted, say: Callable[[str], None]) -> Rounds:
    """Percent of a core, in all but the broker and by process, and the seconds from accept until the event after it
    was visible, round by round."""
    async with driven_scene(checkout, wanted.bus, "bench-idle") as found:
        month = datetime.now(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        say(f"creating {CUSTOMERS:,} customers and contracts …")
        await found.populate(CUSTOMERS, lambda _number: month.date())
        await found.send(await written(_plan(found, CUSTOMERS, 0, month.timestamp())))
        return [await _round(found, wanted, number, say) for number in range(1, wanted.rounds + 1)]


async def _round(found: Scene, wanted: IdleWanted, number: int, say: Callable[[str], None]) -> Round:
    await found.until_folded()
    await found.read_drafts()
    await until_activity_told(found.auditor)
    say(f"round {number} of {wanted.rounds}: {wanted.seconds:.0f} s of nothing …")
    spending, began = Spending(found.deployed.pids(), found.admin), time.monotonic()
    await spending.begin()
    await asyncio.sleep(wanted.seconds)
    spent, lasted_s = await spending.so_far(), time.monotonic() - began
    percent = {name: round(seconds / lasted_s * 100, 3) for name, seconds in spent.cpu_s.items()}
    return {
        "percent_of_a_core": round(sum(each for name, each in percent.items() if name != BROKER), 3),
        **percent,
        "first_event_visible_s": round(await _first_visible_s(found, number), 3),
    }


async def _first_visible_s(found: Scene, seed: int) -> float:
    """Send one event, and ask for its draft until it covers it."""
    before, contract = await newest_batch(found.auditor), contract_name(subject(0))
    sent = await found.send(one_each(_plan(found, 1, seed, time.time())))
    async with asyncio.timeout(VISIBLE_TIMEOUT_S):
        while True:
            shown, at = await found.billing.newest(contract), time.monotonic()
            last = await books.last_batches(found.auditor, before)
            if last and not uncovered({contract: shown}, last):
                return at - sent.last_at
            await asyncio.sleep(ASK_EVERY_S)


def _plan(found: Scene, customers: int, seed: int, from_s: float) -> BodiesPlan:
    file, index = (str(found.deployed.folder / f"idle.{kind}") for kind in ("bodies", "index"))
    return BodiesPlan(file, index, EVENTS, customers, seed, from_s, time.time())
