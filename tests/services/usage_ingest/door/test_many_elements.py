"""Very many small elements are counted before they become objects, and a large body keeps nobody else
waiting."""

import gzip
import json
import threading
import time
import tracemalloc
from collections.abc import Callable

import httpx2
import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.usage_ingest.domain import framing
from services.usage_ingest.domain.limits import BODY_MAX_BYTES, EVENTS_MAX
from services.usage_ingest.domain.voids import VoidInvalid, read_correction, read_voids
from services.usage_ingest.door.requests.aside import TURN_BYTES, taken_apart, turns
from services.usage_ingest.door.requests.body import unpacked
from shared.errors import AppError
from shared.http.limits import OFF_LOOP_BYTES
from tests.services.usage_ingest.circumstances import event
from tests.services.usage_ingest.conftest import Door

MB = 1024 * 1024
JSON, NDJSON = {"Content-Type": "application/json"}, {"Content-Type": "application/x-ndjson"}


def full(element: bytes, before: bytes = b"[", after: bytes = b"]", between: bytes = b",") -> bytes:
    """As many of them as a body holds."""
    count = (BODY_MAX_BYTES - len(before) - len(after)) // len(element + between)
    return before + between.join([element] * count) + after


ARRAYS = [
    full(b"0"),
    full(b"[]"),
    full(b"{}"),
    full(b'""'),
    full(b" null"),
    full(rb'"\ud800"'),
    full(b"0", before=b" ["),
]
LINES = [
    full(b"", b"", b"", b"\n"),
    full(b"0", b"", b"", b"\n"),
    full(b"ab", b"", b"", b"\n"),
    full(b"", b"", b"0", b"\n"),
]
VOIDS = [
    full(b"[]"),
    full(b"0"),
    full(b"{}"),
    full(b'{"source":"s","id":"i"}'),
    full(b"[]", b'{"voids":[', b"]}"),
    full(b"0", b'{"voids":[', b"]}"),
    full(b'{"source":"s","id":"i"}', b'{"voids":[', b"]}"),
    full(b'"a":0', b"{", b"}"),
    full(b"[]", b'{"a":[', b"]}"),
]


def peak_mb(work: Callable[[bytes], object], body: bytes) -> tuple[float, AppError | None]:
    """What reading the body takes, beside the body, and how it was refused."""
    tracemalloc.start()
    try:
        work(body)
        refused = None
    except AppError as fault:
        refused = fault
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    return peak / MB, refused


@pytest.mark.parametrize("body", ARRAYS, ids=lambda body: repr(body[:12]))
def test_an_array_is_counted_while_it_is_read(body: bytes) -> None:
    peak, refused = peak_mb(framing.array_or_single, body)
    assert isinstance(refused, framing.TooManyEvents) and f"more than {EVENTS_MAX} events" in refused.detail
    assert peak < 3 * BODY_MAX_BYTES / MB


@pytest.mark.parametrize("body", LINES, ids=lambda body: repr(body[:12] + b".." + body[-2:]))
def test_lines_are_counted_while_they_are_cut(body: bytes) -> None:
    assert peak_mb(framing.lines, body)[0] < 3 * BODY_MAX_BYTES / MB


@pytest.mark.parametrize("body", VOIDS, ids=lambda body: repr(body[:24]))
def test_voids_are_counted_while_they_are_read(body: bytes) -> None:
    peak, refused = peak_mb(read_voids, body)
    assert isinstance(refused, (framing.TooManyEvents, VoidInvalid))
    assert peak < 3 * BODY_MAX_BYTES / MB


def test_a_correction_is_measured_before_it_is_looked_into() -> None:
    body = full(b"[]", b'{"source":"s","id":"i","event":[', b"]}")
    assert peak_mb(read_correction, body)[0] < 3 * BODY_MAX_BYTES / MB


@given(
    st.lists(st.sampled_from([b"", b" ", b"0", b"{}", b"\r", b" a \t", b"\t{}\r"]), max_size=30),
    st.integers(0, 3),
)
def test_lines_are_cut_as_ever(lines: list[bytes], at_once: int) -> None:
    """However many of them the fast way takes, and whichever the way for the rest."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(framing, "EVENTS_MAX", at_once)
        patch.setattr(framing, "bounded", lambda events: events)
        expected = [stripped for line in lines if (stripped := line.strip(b" \t\r"))]
        found = framing.lines(b"\n".join(lines))
    assert found == expected[: max(at_once + 1, len(found))]


@pytest.mark.parametrize("count", [EVENTS_MAX // 10, EVENTS_MAX - 1, EVENTS_MAX])
def test_as_many_as_are_taken_are_read_whole(count: int) -> None:
    events = [b'{"n":%d,"text":"\\ud800"}' % n for n in range(count)]
    assert framing.array(b"[ " + b" ,\n".join(events) + b"]") == events
    assert framing.lines(b"\n\n".join(events)) == events
    names = [{"source": "s", "id": str(n)} for n in range(count)]
    for body in (names, {"voids": names}):
        assert [name.id for name in read_voids(json.dumps(body).encode())] == [name["id"] for name in names]


@given(st.lists(st.integers(0, 2 * TURN_BYTES), max_size=50))
def test_everybody_gets_a_turn(sizes: list[int]) -> None:
    ends, total = [], 0
    for size in sizes:
        total += size
        ends.append(total)
    found = list(turns(ends))
    assert [n for start, end in found for n in range(start, end)] == list(range(len(sizes)))
    assert all(end - start == 1 or sum(sizes[start:end]) <= TURN_BYTES for start, end in found)


async def test_a_large_body_is_taken_apart_aside_and_a_small_one_here() -> None:
    def where(_body: bytes) -> str:
        return threading.current_thread().name

    here = threading.current_thread().name
    assert await taken_apart(where, b"x" * OFF_LOOP_BYTES) == here
    assert (await taken_apart(where, b"x" * (OFF_LOOP_BYTES + 1))).startswith("large-bodies")
    for size in (OFF_LOOP_BYTES, OFF_LOOP_BYTES + 1, BODY_MAX_BYTES):
        assert await unpacked(gzip.compress(b"x" * size)) == b"x" * size


@pytest.mark.parametrize(
    ("headers", "bodies", "status"),
    [
        (JSON, ARRAYS[:3], 413),
        (NDJSON, LINES[1:3], 413),
        (
            JSON,
            [
                "["
                + ",".join(
                    json.dumps(event(id=str(n), data={"distance": n, "note": "x" * 600}))
                    for n in range(9_000)
                )
                + "]"
            ],
            202,
        ),
    ],
    ids=["arrays", "lines", "events"],
)
def test_others_are_answered_meanwhile(
    door: Door, headers: dict[str, str], bodies: list[str | bytes], status: int
) -> None:
    """Eight kilobytes of gzip, four producers at once, again and again."""
    packed = [gzip.compress(body if isinstance(body, bytes) else body.encode()) for body in bodies]
    process, statuses, stop = psutil.Process(door.process.pid), set(), threading.Event()

    def produce() -> None:
        with door.client() as client:
            while not stop.is_set():
                for body in packed:
                    told = client.post(
                        "/v1/events?dry_run=true",
                        content=body,
                        headers={**headers, "Content-Encoding": "gzip"},
                    )
                    statuses.add(told.status_code)

    usual, before = health_s(door), process.memory_info().rss
    producers = [threading.Thread(target=produce) for _ in range(4)]
    for producer in producers:
        producer.start()
    try:
        while not statuses:
            time.sleep(0.01)
        assert health_s(door) < max(0.2, 5 * usual)
    finally:
        stop.set()
        for producer in producers:
            producer.join()
    assert statuses - {429} == {status}
    assert process.memory_info().rss - before < 120 * MB


def health_s(door: Door, tries: int = 21) -> float:
    """The median time of an answer to /healthz: the machine is shared, and a service that hangs is slow each
    time."""
    took = []
    with httpx2.Client(base_url=door.url, trust_env=False, timeout=60) as client:
        for _ in range(tries):
            began = time.perf_counter()
            assert client.get("/healthz").status_code == 200
            took.append(time.perf_counter() - began)
    return sorted(took)[tries // 2]
