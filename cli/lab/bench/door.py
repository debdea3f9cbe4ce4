"""`u2c bench door`: CPU of the door's process an event, over bodies that are the same every time, while
nothing else runs.

The other services are there until the door has heard of meters and customers from them, and sleep while it is
measured.
"""

from collections.abc import Callable
from dataclasses import dataclass

from lab.bench.bodies import written
from lab.bench.checkout import Checkout
from lab.bench.machine import own_cpu_s
from lab.bench.rounds import Round, Rounds
from lab.bench.scene import DOOR, Scene, driven_scene
from lab.bench.workload import Bodies, yesterday

CUSTOMERS = 200
SEED = 1


@dataclass(frozen=True)
class DoorWanted:
    """`rounds` times the same `events`, after one round that warms up."""

    events: int
    rounds: int


async def measure_door(checkout: Checkout, wanted: DoorWanted, say: Callable[[str], None]) -> Rounds:
    """Microseconds of the door's CPU an event, round by round."""
    async with driven_scene(checkout, "postgres", "bench-door") as found:
        return await door_of(found, wanted, say)


async def door_of(found: Scene, wanted: DoorWanted, say: Callable[[str], None]) -> Rounds:
    """The same of a deployment that has just started; its other services sleep afterwards."""
    cluster = found.deployed.cluster
    bodies = await written(yesterday(found.deployed.folder, wanted.events, CUSTOMERS, SEED))
    await found.populate(CUSTOMERS, None)
    await found.until_door_knows(bodies)
    for service in cluster.processes:
        if service != DOOR:
            cluster.pause(service)
    say(f"sending {wanted.events:,} events {wanted.rounds} times …")
    return [await _round(found, bodies) for _ in range(wanted.rounds + 1)][1:]


async def _round(found: Scene, bodies: Bodies) -> Round:
    pid = found.deployed.pids()[DOOR]
    before = own_cpu_s(pid)
    sent = await found.send(bodies)
    return {"cpu_us_per_event": round((own_cpu_s(pid) - before) / sent.messages * 1e6, 3)}
