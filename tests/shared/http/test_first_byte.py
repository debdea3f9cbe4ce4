"""Limits begin with the first byte: what a caller without a key may send, hold and wait for, over raw sockets
against a service that runs."""

import asyncio
import contextlib
import json
import resource
import socket
import subprocess
import sys
import time
from collections.abc import Coroutine, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil
import pytest
from pydantic import ValidationError
from starlette.responses import JSONResponse
from starlette.types import Message, Receive, Scope, Send

from shared.environment_fault import EnvironmentFault
from shared.http.limits import (
    DESCRIPTORS_SPARE,
    HEAD_MAX_BYTES,
    HEAD_TIMEOUT_S,
    HEADERS_MAX,
    HELD_MAX_BYTES,
    PIPELINED_MAX,
    URL_MAX_BYTES,
    connections_within,
)
from shared.http.middleware import Edge
from shared.runtime.settings import ServiceSettings
from tests.conftest import TestDatabase, TestServer
from tests.services.usage_ingest.circumstances import event
from tests.services.usage_ingest.conftest import Door, opened, running
from u2c.deployment.state import ROOT

CONNECTIONS = 200
HEALTH = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
MB = 1024 * 1024
WAIT_S = 60.0


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def code(self) -> str:
        found: str = json.loads(self.body)["code"]
        return found


@pytest.fixture(scope="module")
def service(postgres_server: TestServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    """A service that holds so many connections."""
    with opened(
        postgres_server,
        tmp_path_factory.mktemp("door"),
        U2C_CONNECTIONS_MAX=str(CONNECTIONS),
        U2C_REQUESTS_MAX="50",
    ) as found:
        yield found


@contextlib.contextmanager
def connected(service: Door) -> Iterator[socket.socket]:
    address = urlsplit(service.url)
    with socket.create_connection((address.hostname, address.port), timeout=WAIT_S) as connection:
        yield connection


def flood(connection: socket.socket, part: bytes, bytes_max: int = 64 * MB) -> None:
    """Send the same over and over, until the other side ends the connection or so much is sent."""
    with contextlib.suppress(OSError):
        for _ in range(bytes_max // len(part)):
            connection.sendall(part)


def answer_of(connection: socket.socket) -> Answer:
    """The next answer; nothing may follow it yet."""
    file = connection.makefile("rb")
    status = int(file.readline().split()[1])
    headers: dict[str, str] = {}
    while line := file.readline().strip():
        name, _, value = line.decode().partition(":")
        headers[name.lower()] = value.strip()
    return Answer(status, headers, file.read(int(headers["content-length"])))


def rest_of(connection: socket.socket) -> bytes:
    """All that comes until the other side ends the connection."""
    received = []
    try:
        while part := connection.recv(65536):
            received.append(part)
    except ConnectionResetError:
        pass
    return b"".join(received)


def rss_mb(service: Door) -> float:
    return float(psutil.Process(service.process.pid).memory_info().rss) / MB


def health_s(service: Door) -> float:
    """Seconds until a connection of its own has its answer to /healthz."""
    began = time.perf_counter()
    with connected(service) as connection:
        connection.sendall(HEALTH)
        assert answer_of(connection).status == 200
    return time.perf_counter() - began


def usual_health_s(service: Door, tries: int = 21) -> float:
    """The median: the machine is shared and stalls now and then; a service that hangs is slow each time."""
    return sorted(health_s(service) for _ in range(tries))[tries // 2]


def request(*headers: bytes, line: bytes = b"GET /healthz HTTP/1.1") -> bytes:
    return b"\r\n".join((line, b"Host: x", *headers, b"", b""))


def post(service: Door, *headers: bytes, path: bytes = b"/v1/events") -> bytes:
    """The head of a request with a body, by a caller who has a key."""
    key = f"Authorization: Bearer {service.key}".encode()
    return request(key, b"Content-Type: application/json", *headers, line=b"POST " + path + b" HTTP/1.1")


# What is too much


@pytest.mark.parametrize(
    "start",
    [
        pytest.param(request()[:-2] + b"A: ", id="a header's value"),
        pytest.param(request()[:-2], id="a header's name"),
        pytest.param(b"GET /", id="a URL"),
        pytest.param(b"GET /healthz HTTP/1.1\r\nHost: ", id="a host"),
    ],
)
def test_a_head_without_an_end_costs_nothing(service: Door, start: bytes) -> None:
    health_s(service)
    before = rss_mb(service)
    with connected(service) as connection:
        connection.sendall(start)
        flood(connection, b"x" * 65536)
        assert rss_mb(service) - before < 10
        assert rest_of(connection).startswith((b"HTTP/1.1 431", b"HTTP/1.1 414", b"")), "told if it listens"
    assert rss_mb(service) - before < 10


def test_many_headers_without_an_end_cost_nothing(service: Door) -> None:
    before = rss_mb(service)
    with connected(service) as connection:
        connection.sendall(request()[:-2])
        flood(connection, b"a: b\r\n" * 1000)
    assert rss_mb(service) - before < 10


@pytest.mark.parametrize(
    ("sent", "status", "code"),
    [
        (request(*[b"a: b"] * (HEADERS_MAX - 2), b"Connection: close"), 200, ""),
        (request(*[b"a: b"] * HEADERS_MAX), 431, "head_too_large"),
        (request(b"a: " + b"x" * (HEAD_MAX_BYTES - 100), b"Connection: close"), 200, ""),
        (request(b"a: " + b"x" * HEAD_MAX_BYTES), 431, "head_too_large"),
        (request(b"x" * HEAD_MAX_BYTES + b": a"), 431, "head_too_large"),
        (
            request(
                b"Connection: close",
                line=b"GET /healthz?" + b"x" * (URL_MAX_BYTES - len("/healthz?")) + b" HTTP/1.1",
            ),
            200,
            "",
        ),
        (request(line=b"GET /healthz?" + b"x" * URL_MAX_BYTES + b" HTTP/1.1"), 414, "url_too_long"),
    ],
)
def test_the_limits_of_a_head(service: Door, sent: bytes, status: int, code: str) -> None:
    with connected(service) as connection:
        connection.sendall(sent)
        answer = answer_of(connection)
        assert answer.status == status
        if code:
            assert (answer.headers["content-type"], answer.code) == ("application/problem+json", code)
        assert rest_of(connection) == b"", "it is closed"


@pytest.mark.parametrize(
    "length",
    [
        "²".encode(),
        b"-1",
        b"+5",
        b"5, 5",
        b"9" * 30,
        b"0x10",
        b"",
        b"1 1",
        b"5\r\nContent-Length: 6",
        b"5\r\nContent-Length: 5",
        b"5\r\nTransfer-Encoding: chunked",
    ],
)
def test_a_length_that_says_two_things_or_nothing_is_refused(service: Door, length: bytes) -> None:
    with connected(service) as connection:
        connection.sendall(post(service, b"Content-Length: " + length) + b"hello")
        answer = answer_of(connection)
        assert (answer.status, answer.code) == (400, "http_unreadable")
        assert rest_of(connection) == b""


def test_old_http_is_answered_and_closed(service: Door) -> None:
    with connected(service) as connection:
        connection.sendall(b"GET /healthz HTTP/1.0\r\n\r\n")
        assert answer_of(connection).status == 200 and rest_of(connection) == b""


@pytest.mark.parametrize(
    "start",
    [b"0\r\na: ", b"0\r\n", b"1;", b"1;a="],
    ids=["trailer", "trailers", "extension", "extension's value"],
)
@pytest.mark.parametrize("part", [b"x" * 65536, b"b: c\r\n" * 8192], ids=["long", "many"])
def test_a_chunk_has_no_endless_wrapping(service: Door, start: bytes, part: bytes) -> None:
    before = rss_mb(service)
    with connected(service) as connection:
        connection.sendall(post(service, b"Transfer-Encoding: chunked") + b"2\r\n[]\r\n" + start)
        flood(connection, part)
        assert b"HTTP/1.1 2" not in rest_of(connection)
    assert rss_mb(service) - before < 10


def test_a_trailer_changes_no_header(service: Door) -> None:
    body = json.dumps([event(id="trailing")]).encode()
    with connected(service) as connection:
        head = post(service, b"Transfer-Encoding: chunked", path=b"/v1/events?dry_run=true")
        connection.sendall(head + b"%x\r\n%b\r\n0\r\nContent-Encoding: br\r\n\r\n" % (len(body), body))
        assert answer_of(connection).status == 202


def test_what_is_sent_ahead_is_bounded_and_what_is_answered_is_in_order(service: Door) -> None:
    before = rss_mb(service)
    with connected(service) as connection:
        connection.sendall(HEALTH * 3 + request(b"Connection: close"))
        assert rest_of(connection).count(b"HTTP/1.1 200") == 4
    for _ in range(20):
        with connected(service) as connection:
            flood(connection, HEALTH * 10_000, len(HEALTH) * 10_000)
            answered = rest_of(connection)
        assert (
            1 <= answered.count(b"HTTP/1.1 200") <= PIPELINED_MAX + 1
            and answered.count(b"HTTP/1.1") <= PIPELINED_MAX + 1
        )
    assert rss_mb(service) - before < 10


def test_a_fault_behind_a_good_request_does_not_answer_it(service: Door) -> None:
    with connected(service) as connection:
        connection.sendall(HEALTH + b"NOT HTTP\r\n\r\n")
        assert answer_of(connection).status == 200
        assert rest_of(connection) == b""


# Who stays silent


def test_time_runs_from_the_first_byte(service: Door) -> None:
    """Neither silence nor a byte now and then, nor a body nobody reads, holds a connection."""
    began = time.monotonic()
    with contextlib.ExitStack() as held:
        silent, dripping, blank, unread = (held.enter_context(connected(service)) for _ in range(4))
        unread.sendall(request(b"Content-Length: 1000", line=b"POST /v1/events HTTP/1.1"))
        assert answer_of(unread).status == 401
        blank.sendall(HEALTH)
        assert answer_of(blank).status == 200
        dripping.sendall(b"GET /healthz HTTP/1.1\r\nA: ")
        dripping.settimeout(0.3)
        told = b""
        while not told:
            assert time.monotonic() - began < HEAD_TIMEOUT_S * 3, "bytes now and then kept it"
            with contextlib.suppress(TimeoutError, OSError):
                told = dripping.recv(65536)
            with contextlib.suppress(OSError):
                dripping.sendall(b"x")
                unread.sendall(b"x")
                blank.sendall(b"\r\n")
        assert told.startswith(b"HTTP/1.1 408") and b"head_too_slow" in told
        assert rest_of(silent) == b"" and rest_of(unread) == b"" and b"408" in rest_of(blank)
        assert HEAD_TIMEOUT_S * 0.9 < time.monotonic() - began < HEAD_TIMEOUT_S * 3


def test_silence_shuts_nobody_out(service: Door) -> None:
    usual = usual_health_s(service)
    with contextlib.ExitStack() as held:
        for _ in range(CONNECTIONS * 3):
            held.enter_context(connected(service))
        assert usual_health_s(service) < max(0.2, 3 * usual)
        assert len(psutil.Process(service.process.pid).net_connections()) <= CONNECTIONS + 50


@pytest.mark.parametrize(
    "most",
    [
        pytest.param(b"GET /healthz HTTP/1.1\r\nA: " + b"x" * (HEAD_MAX_BYTES - 100), id="a head"),
        pytest.param(
            request()[:-2] + b"".join(b"A%02d: %b\r\n" % (n, b"x" * 640) for n in range(HEADERS_MAX - 2)),
            id="headers",
        ),
        pytest.param(
            request(b"Content-Length: 8000000", line=b"POST /v1/events HTTP/1.1") + b"x" * 250_000,
            id="a body",
        ),
        pytest.param(
            request(line=b"GET /docs/swagger-ui-bundle.js HTTP/1.1") * (PIPELINED_MAX + 1),
            id="answers not taken",
        ),
        pytest.param(
            request(line=b"GET /openapi.json HTTP/1.1") * (PIPELINED_MAX + 1), id="documents not taken"
        ),
    ],
)
def test_all_connections_at_their_limit(service: Door, most: bytes) -> None:
    """… hold 96 KiB each at most, and the service answers meanwhile."""
    usual, before = usual_health_s(service), rss_mb(service)
    with contextlib.ExitStack() as held:
        for _ in range(CONNECTIONS):
            connection = held.enter_context(connected(service))
            connection.settimeout(0.5)
            with contextlib.suppress(TimeoutError):
                connection.sendall(most)
        assert usual_health_s(service) < max(0.2, 3 * usual)
        assert rss_mb(service) - before <= CONNECTIONS * 96 / 1024


async def test_a_service_with_all_it_takes_in_work_says_so_and_is_still_watched() -> None:
    """A request that waits is in work; another is answered 503, and /healthz as ever."""
    waits, told = asyncio.Event(), []

    async def works(scope: Scope, _receive: Receive, send: Send) -> None:
        if scope["path"] == "/v1/slow":
            await waits.wait()
        await JSONResponse({})(scope, _receive, send)

    async def receive() -> Message:
        return {"type": "http.request", "body": b""}

    async def tell(message: Message) -> None:
        told.append(message)

    def asked(path: str) -> Coroutine[Any, Any, None]:
        return edge(
            {
                "type": "http",
                "headers": [],
                "method": "GET",
                "path": path,
                "query_string": b"",
                "server": ("x", 80),
            },
            receive,
            tell,
        )

    edge = Edge(works, requests_max=1)
    slow = asyncio.create_task(asked("/v1/slow"))
    await asyncio.sleep(0)
    for path, status in (("/v1/other", 503), ("/healthz", 200), ("/metrics", 200), ("/readyz", 200)):
        told.clear()
        await asked(path)
        assert told[0]["status"] == status
        if status == 503:
            assert (b"retry-after", b"1") in told[0]["headers"] and json.loads(told[1]["body"])[
                "code"
            ] == "service_busy"
    waits.set()
    await slow
    told.clear()
    await asked("/v1/other")
    assert told[0]["status"] == 200, "its place is free again"


def test_an_address_with_a_slash_too_many_leads_nowhere(service: Door) -> None:
    with service.client() as client:
        assert client.get("/v1/quarantine").status_code == 200
        assert client.get("/v1/quarantine/", follow_redirects=False).status_code == 404


def test_the_document_tells_the_limits(service: Door) -> None:
    with service.client() as client:
        document = client.get("/openapi.json").json()
    for limit in (URL_MAX_BYTES, HEADERS_MAX, HEAD_MAX_BYTES):
        assert str(limit) in document["info"]["description"]


def test_a_service_takes_the_descriptors_it_may_have(database: TestDatabase, tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
    try:
        with running(database, "", tmp_path / "log") as found:
            assert psutil.Process(found.process.pid).rlimit(psutil.RLIMIT_NOFILE)[0] == hard
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_too_few_descriptors_are_said_with_the_remedy() -> None:
    assert connections_within(10_000, connections_max=1_000, requests_max=500) == 1_000
    assert connections_within(1_000, connections_max=1_000, requests_max=500) == 1_000 - DESCRIPTORS_SPARE
    with pytest.raises(EnvironmentFault, match="--requests-max"):
        connections_within(500, connections_max=1_000, requests_max=500)
    with pytest.raises(ValidationError, match="must be more than requests_max"):
        ServiceSettings(connections_max=10, requests_max=10)


def test_doctor_tells_of_descriptors() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "u2c", "doctor", "--json"], capture_output=True, text=True, cwd=ROOT
    )
    found = {check["check"]: check for check in json.loads(done.stdout)["checks"]}
    assert found["descriptors"]["found"].startswith(str(resource.getrlimit(resource.RLIMIT_NOFILE)[1]))


def test_what_is_held_is_no_more_than_what_is_read_at_once() -> None:
    assert HELD_MAX_BYTES <= HEAD_MAX_BYTES <= 96 * 1024
