"""Lateness as a process remembers it: who waits for usage to be metered at once goes on when it is."""

import asyncio
import time

import pytest

from services.rating.metering import memory as metering_memory
from services.rating.metering.memory import MeteringMemory
from shared.runtime.clock import machine_us

LONG_S = 20.0


async def test_who_waits_goes_on_when_usage_is_metered_in_time_again() -> None:
    memory = MeteringMemory(1000)
    memory.metered(machine_us() - 8_000_000)
    assert 8.0 <= memory.behind_s < 9.0
    waiting = asyncio.create_task(memory.wait_while_late(5.0, LONG_S))
    await asyncio.sleep(0.3)
    assert not waiting.done()
    memory.metered(machine_us() - 400_000)
    await asyncio.wait_for(waiting, LONG_S / 2)
    assert 0.4 <= memory.behind_s < 5.0


async def test_nobody_waits_longer_than_asked_nor_when_nothing_is_late(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(metering_memory, "LATENESS_HOLDS_S", LONG_S)
    memory = MeteringMemory(1000)
    began = time.monotonic()
    await memory.wait_while_late(0.25, LONG_S)
    assert time.monotonic() - began < LONG_S / 2 and memory.behind_s == 0.0
    memory.metered(machine_us() - 8_000_000)
    await asyncio.wait_for(memory.wait_while_late(5.0, 0.2), LONG_S / 2)
    assert memory.behind_s >= 8.0
