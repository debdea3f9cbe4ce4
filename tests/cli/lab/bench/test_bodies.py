"""The load is what the benchmark's definition says: shares, skew, sizes, distinct ids."""

import re
from collections import Counter
from pathlib import Path
from uuid import UUID

import msgspec
import pytest

from lab.bench.bodies import Writer
from lab.bench.workload import REQUEST_EVENTS, Bodies, BodiesPlan, Request

EVENTS, CUSTOMERS = 40_000, 2_000
FROM_S, TO_S = 1_750_000_000.0, 1_750_000_060.0


@pytest.fixture(scope="module")
def bodies(tmp_path_factory: pytest.TempPathFactory) -> Bodies:
    folder = tmp_path_factory.mktemp("bodies")
    Writer(BodiesPlan(str(folder / "b"), str(folder / "i"), EVENTS, CUSTOMERS, 7, FROM_S, TO_S)).write()
    return Bodies(
        folder / "b", tuple(msgspec.msgpack.decode((folder / "i").read_bytes(), type=list[Request]))
    )


@pytest.fixture(scope="module")
def events(bodies: Bodies) -> list[dict[str, str]]:
    return [event for request in bodies.requests if not request.void for event in read(bodies, request)]


def read(bodies: Bodies, request: Request) -> list[dict[str, str]]:
    whole = bodies.file.read_bytes()
    found: list[dict[str, str]] = msgspec.json.decode(whole[request.offset : request.offset + request.length])
    return found


def test_the_index_counts_what_the_file_holds(bodies: Bodies, events: list[dict[str, str]]) -> None:
    assert len(events) == EVENTS
    assert sum(request.unique for request in bodies.requests) == len(
        {(event["source"], event["id"]) for event in events}
    )
    assert all(request.messages == REQUEST_EVENTS for request in bodies.requests if not request.void)


def test_one_in_a_hundred_is_sent_twice_and_one_in_two_hundred_is_an_hour_late(
    events: list[dict[str, str]],
) -> None:
    unique = {(event["source"], event["id"]) for event in events}
    assert 0.007 < 1 - len(unique) / EVENTS < 0.013
    newest = max(event["time"] for event in events)
    late = sum(event["time"][:13] < newest[:13] for event in events)
    assert 0.003 < late / EVENTS < 0.008


def test_one_in_a_thousand_is_voided_and_nobody_waits_for_a_voided_one(
    bodies: Bodies, events: list[dict[str, str]]
) -> None:
    voided = {
        (name["source"], name["id"])
        for request in bodies.requests
        if request.void
        for name in read(bodies, request)
    }
    sent = {(event["source"], event["id"]) for event in events}
    watched = {tuple(request.sample_id.split(" ")) for request in bodies.requests if request.sample_id}
    assert 0.0007 < len(voided) / EVENTS < 0.0013
    assert voided <= sent and watched <= sent
    assert not voided & watched


def test_customers_follow_zipf_and_types_are_even(events: list[dict[str, str]]) -> None:
    customers, types = (
        Counter(event["subject"] for event in events),
        Counter(event["type"] for event in events),
    )
    first, second, tenth = (customers[f"customer-{rank:05d}"] for rank in (0, 1, 9))
    assert 1.9 < first / second < 2.4  # 2 ** 1.1 is 2.14
    assert 10 < first / tenth < 16  # 10 ** 1.1 is 12.6
    assert len(types) == 4 and max(types.values()) < 1.1 * min(types.values())


def test_events_are_of_the_agreed_size_with_version_4_ids(
    bodies: Bodies, events: list[dict[str, str]]
) -> None:
    size = sum(request.length for request in bodies.requests if not request.void) / EVENTS
    assert 340 < size < 360
    assert all(UUID(event["id"]).version == 4 for event in events[:1000])
    assert all(re.fullmatch(r"2025-06-15T\d\d:\d\d:\d\d\.\d{3}Z", event["time"]) for event in events[:1000])


def test_the_same_plan_writes_the_same_bytes(bodies: Bodies, tmp_path: Path) -> None:
    Writer(BodiesPlan(str(tmp_path / "b"), str(tmp_path / "i"), EVENTS, CUSTOMERS, 7, FROM_S, TO_S)).write()
    assert (tmp_path / "b").read_bytes() == bodies.file.read_bytes()
