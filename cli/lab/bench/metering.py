"""`u2c bench metering`: what it costs to meter usage that lies on the bus already, while nothing else runs.

Rating sleeps while the events are taken, and the other services while rating works them off. No customer has a
contract, so nothing is priced.
"""

from collections.abc import Callable
from dataclasses import dataclass

from lab.bench.bodies import written
from lab.bench.checkout import Checkout
from lab.bench.progress import until_activity_told
from lab.bench.rounds import Round, Rounds
from lab.bench.scene import Scene, driven_scene
from lab.bench.spent import Spending
from lab.bench.workload import Bodies, yesterday

RATING = "rating"


@dataclass(frozen=True)
class MeteringWanted:
    """`rounds` times so many `events`, always the same ones, after one round that warms up."""

    bus: str
    events: int
    customers: int
    rounds: int


async def measure_metering(checkout: Checkout, wanted: MeteringWanted, say: Callable[[str], None]) -> Rounds:
    """CPU of rating, the server and the broker until everything is folded, µs an event, round by round."""
    async with driven_scene(checkout, wanted.bus, "bench-metering") as found:
        say(f"creating {wanted.customers:,} customers …")
        await found.populate(wanted.customers, None)
        plans = (
            yesterday(found.deployed.folder, wanted.events, wanted.customers, seed)
            for seed in range(wanted.rounds + 1)
        )
        rounds = []
        for number, plan in enumerate(plans):
            say(f"round {number} of {wanted.rounds}: {wanted.events:,} events …")
            rounds.append(await _round(found, await written(plan)))
        return rounds[1:]


async def _round(found: Scene, bodies: Bodies) -> Round:
    cluster, pids = found.deployed.cluster, found.deployed.pids()
    others = [service for service in cluster.processes if service != RATING]
    await found.until_door_knows(bodies)
    cluster.pause(RATING)
    sent = await found.send(bodies)
    for service in others:
        cluster.pause(service)
    spending = Spending({name: pid for name, pid in pids.items() if name not in others}, found.admin)
    await spending.begin()
    cluster.resume(RATING)
    await found.until_folded()
    spent = await spending.so_far()
    for service in others:
        cluster.resume(service)
    await until_activity_told(found.auditor)
    return {
        "cpu_us_per_event": round(spent.product_s / sent.messages * 1e6, 3),
        **{name: round(seconds / sent.messages * 1e6, 3) for name, seconds in spent.cpu_s.items()},
    }
