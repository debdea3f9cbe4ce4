"""Lateness as a process remembers it: it ends with usage that is metered in time, and by itself."""

import pytest

from services.rating.metering import memory as metering_memory
from services.rating.metering.memory import MeteringMemory
from shared.runtime.clock import machine_us


def test_usage_is_late_until_it_is_metered_in_time_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metering_memory, "LATENESS_HOLDS_S", 600.0)
    memory = MeteringMemory(1000)
    assert memory.behind_s == 0.0 and not memory.late
    memory.metered(machine_us() - 8_000_000)
    assert memory.behind_s >= 8.0 and memory.late
    memory.metered(machine_us())
    assert not memory.late


def test_nothing_metered_of_late_is_not_late(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metering_memory, "LATENESS_HOLDS_S", 0.0)
    memory = MeteringMemory(1000)
    memory.metered(machine_us() - 8_000_000)
    assert memory.behind_s == 0.0 and not memory.late
