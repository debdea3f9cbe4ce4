"""Who looks, finds nothing and waits misses nothing that was called between the two."""

import asyncio

from shared.runtime.wake import Wake

LONG_S = 3600.0


async def test_a_call_between_the_look_and_the_wait_ends_the_wait() -> None:
    wake = Wake()
    wake.call()
    await asyncio.wait_for(wake.wait(LONG_S), 10)


async def test_each_call_is_used_up_by_one_wait() -> None:
    wake = Wake()
    wake.call()
    wake.call()
    await wake.wait(LONG_S)
    waiting = asyncio.create_task(wake.wait(LONG_S))
    await asyncio.sleep(0)
    assert not waiting.done()
    wake.call()
    await asyncio.wait_for(waiting, 10)
