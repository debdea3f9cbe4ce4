"""The arithmetic behind the figures, by hand."""

import pytest

from lab.bench.bare import BareRates
from lab.bench.footprint import Footprint
from lab.bench.latency import quantile
from lab.bench.machine import Processes


def test_ratio_is_the_rate_times_the_sum_of_the_parts_times() -> None:
    # 1 + 4 + 2 + 10 = 17 µs an event
    bare = BareRates(decode=1_000_000, produce=250_000, consume=500_000, copy=100_000)
    assert bare.ratio(20_000) == pytest.approx(0.34)


def test_quantiles_are_values_that_were_measured() -> None:
    values = [number / 100 for number in range(1, 101)]
    assert quantile(values, 0.5) == 0.51
    assert quantile(values, 0.99) == 1.0
    assert quantile([], 0.5) is None


def test_bytes_an_event_are_what_was_added() -> None:
    assert Footprint(1_500, 900, 90_000).per_event(Footprint(500, 400, 10_000), 100) == {
        "table": 10,
        "index": 5,
        "wal": 800,
    }


def test_memory_growth_leaves_the_first_minute_out_and_is_not_guessed_from_less_than_another() -> None:
    processes = Processes({})
    processes.samples = {
        "grows": [(float(at), 500.0 if at < 60 else 100 + (at - 60) * 2 / 60) for at in range(180)],
        "short": [(float(at), 100.0) for at in range(90)],
    }
    growth = processes.growth_mb_per_min()
    assert growth["grows"] == pytest.approx(2.0, abs=0.01)
    assert growth["short"] is None
