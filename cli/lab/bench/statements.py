"""`u2c bench statements`: what a draft costs until it shows one more event of its customer.

Every customer sends one event; then every draft is read until it covers it. What the event itself costs at the door
and in metering is in the figure: a tenth.
"""

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
from lab.bench.workload import BodiesPlan


@dataclass(frozen=True)
class StatementsWanted:
    """So many `customers` with `events` of this month between them; then `rounds` times one more event of each,
    after one round that warms up. `balances`: a commitment and a block on each contract."""

    bus: str
    customers: int
    events: int
    rounds: int
    balances: bool = False


async def measure_statements(
    checkout: Checkout, wanted: StatementsWanted, say: Callable[[str], None]
) -> Rounds:
    """CPU of all processes of the deployment, µs a draft, round by round."""
    async with driven_scene(checkout, wanted.bus, "bench-statements") as found:
        month = datetime.now(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        say(f"creating {wanted.customers:,} customers and contracts …")
        await found.populate(wanted.customers, lambda _number: month.date(), balances=wanted.balances)
        fill = _plan(found, wanted, 0, month.timestamp())
        await found.send(await written(fill))
        rounds = []
        for number in range(wanted.rounds + 1):
            await _rest(found)
            say(f"round {number} of {wanted.rounds}: {wanted.customers:,} drafts …")
            rounds.append(await _round(found, _plan(found, wanted, number + 1, time.time())))
        return rounds[1:]


def _plan(found: Scene, wanted: StatementsWanted, seed: int, from_s: float) -> BodiesPlan:
    file, index = (str(found.deployed.folder / f"statements.{kind}") for kind in ("bodies", "index"))
    return BodiesPlan(file, index, wanted.events, wanted.customers, seed, from_s, time.time())


async def _rest(found: Scene) -> None:
    """Nothing is left to be worked off."""
    await found.until_folded()
    await found.read_drafts()
    await until_activity_told(found.auditor)


async def _round(found: Scene, plan: BodiesPlan) -> Round:
    bodies, before = one_each(plan), await newest_batch(found.auditor)
    spending = Spending(found.deployed.pids(), found.admin)
    await spending.begin()
    await found.send(bodies)
    await found.until_folded()
    reading = await found.read_drafts()
    spent = await spending.so_far()
    left = uncovered(reading.covered, await books.last_batches(found.auditor, before))
    assert not left, f"{len(left)} drafts do not cover their customer's usage, {left[0]} among them"
    return {
        "cpu_us_per_draft": round(spent.product_s / reading.drafts * 1e6, 1),
        **{name: round(seconds / reading.drafts * 1e6, 1) for name, seconds in spent.cpu_s.items()},
    }
