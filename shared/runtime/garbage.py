"""Cyclic garbage of a service: what has come since the last time is looked through every minute, and what is
still alive then only every half hour.

Thousands of contracts are a heap of a million objects that stay. Looking through all of it takes half a
second, in which a service does nothing else, so the interpreter is told to do that hardly ever; but then what
dies in cycles (a task, its exception, its frames) stays as well. What dies by its reference count dies at
once either way.
"""

import asyncio
import gc
from itertools import count

#: Allocations, and collections of the young before one of the older.
COLLECT_AFTER = (50_000, 20, 100)
EVERY_S = 60.0
ALL_EVERY = 30  # rounds


def collect_seldom() -> None:
    """Leave the young to the interpreter, and the whole heap to `collect_on`."""
    gc.set_threshold(*COLLECT_AFTER)


async def collect_on() -> None:
    """Collect for ever, the whole heap now and then."""
    for number in count(1):
        await asyncio.sleep(EVERY_S)
        collect(everything=number % ALL_EVERY == 0)


def collect(*, everything: bool = False) -> int:
    """Free what has died in cycles since the last call, or ever, and set aside what is alive; return how many
    objects were freed."""
    if everything:
        gc.unfreeze()
    freed = gc.collect()
    gc.freeze()
    return freed
