"""Runs in flight: in order within a partition, a few partitions at once, and nothing overtakes what failed or
was refused."""

import asyncio

import pytest

from shared.bus import Polled
from shared.runtime.consumer.flight import PARTITIONS_AT_ONCE, Flight, InFlight


def run(partition: int, start: int) -> Polled:
    return Polled("t", partition, start, start + 1, [], [])


class Handling:
    """Handles runs slowly and keeps what it saw; `refuse` and `fail` name (partition, start)."""

    def __init__(self, refuse: tuple[int, int] | None = None, fail: tuple[int, int] | None = None) -> None:
        self.refuse, self.fail = refuse, fail
        self.begun: list[tuple[int, int]] = []
        self.ended: list[tuple[int, int]] = []
        self.at_once = self.most_at_once = 0

    async def __call__(self, flying: InFlight) -> int | None:
        polled = flying.run
        place = (polled.partition, polled.start)
        self.begun.append(place)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        await asyncio.sleep(0.002)
        self.at_once -= 1
        self.ended.append(place)
        if place == self.fail:
            raise RuntimeError("the handler stops")
        return 7 if place == self.refuse else None


async def test_a_round_is_polled_while_the_one_before_is_handled() -> None:
    handling = Handling()
    flight = Flight("group", handling)
    flight.start([run(partition, 0) for partition in range(4)])
    assert not await flight.land_round() and handling.ended == [], "the newest round need not be waited for"
    flight.start([run(partition, 1) for partition in range(4)])
    assert not await flight.land_round()
    assert {place for place in handling.ended if place[1] == 0} == {(partition, 0) for partition in range(4)}
    assert await flight.land_all() == {} and len(handling.ended) == 8
    assert handling.most_at_once == PARTITIONS_AT_ONCE
    for partition in range(4):
        assert [start for at, start in handling.begun if at == partition] == [0, 1]


async def test_after_a_refusal_nothing_of_that_partition_is_handled_until_it_was_sought() -> None:
    handling = Handling(refuse=(0, 0))
    flight = Flight("group", handling)
    flight.start([run(0, 0), run(1, 0)])
    flight.start([run(0, 1), run(1, 1)])
    assert await flight.land_round(), "a partition has to go on elsewhere"
    assert await flight.land_all() == {("t", 0): 7}
    assert (0, 1) not in handling.begun and (1, 1) in handling.ended
    flight.start([run(0, 7)])
    assert await flight.land_all() == {} and handling.ended[-1] == (0, 7)


async def test_a_handler_that_stops_stops_the_consumer_and_is_not_overtaken() -> None:
    handling = Handling(fail=(0, 0))
    flight = Flight("group", handling)
    flight.start([run(0, 0)])
    flight.start([run(0, 1)])
    with pytest.raises(RuntimeError, match="the handler stops"):
        await flight.land_round()
    await flight.abort()
    assert (0, 1) not in handling.begun


async def test_what_keeps_failing_is_seen_whatever_else_succeeds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.runtime.consumer.backoff.BACKOFF_MAX_S", 0.0)
    monkeypatch.setattr("shared.runtime.consumer.backoff.BACKOFF_MIN_S", 0.0)
    mended = asyncio.Event()

    async def handle(flying: InFlight) -> int | None:
        while flying.run.partition == 0 and not mended.is_set():
            await flying.backoff.wait_after(OSError("a network"))
        return None

    flight = Flight("group", handle)
    flight.start([run(0, 0), run(1, 0)])
    while flight.reason is None:
        await asyncio.sleep(0)
    flight.start([run(1, 1)])
    await asyncio.sleep(0.001)
    assert "a network" in str(flight.reason), "the other partition's success is no news of this one"
    mended.set()
    await flight.land_all()
    assert flight.reason is None
