"""A full door and a dead database: 429 and 503 with Retry-After, never a 2xx, and what was acknowledged is
there."""

import asyncio
import json
import select
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import pytest
from fastapi import Request
from starlette.types import Message, Receive, Scope, Send

from services.usage_ingest.door.memory import Capacity, DoorFull
from services.usage_ingest.door.requests.body import read_body
from services.usage_ingest.main import create_key
from shared.http.faults import BodyIncomplete
from shared.http.middleware import Edge
from shared.postgres.embedded import EmbeddedPostgres
from shared.postgres.migrations import prepare
from shared.postgres.server_settings import ServerSettings
from shared.postgres.urls import database_url
from tests.conftest import TestDatabase, stand_clock
from tests.services.usage_ingest.circumstances import NOW, event
from tests.services.usage_ingest.conftest import WAIT_S, Door, running


@contextmanager
def half_a_request(door: Door) -> Iterator[Callable[[], None]]:
    """A producer that announced a body and does not send it. What is returned lets it come again where it was answered,
    as one is that finds the door full itself."""
    connection = _begun(door)

    def come_again_if_answered() -> None:
        nonlocal connection
        if select.select([connection], [], [], 0)[0]:
            connection.close()
            connection = _begun(door)

    try:
        yield come_again_if_answered
    finally:
        connection.close()


def _begun(door: Door) -> socket.socket:
    address = urlsplit(door.url)
    connection = socket.create_connection((address.hostname, address.port))
    head = (
        "POST /v1/events HTTP/1.1",
        "Host: x",
        f"Authorization: Bearer {door.key}",
        "Content-Type: application/json",
        "Content-Length: 100",
    )
    connection.sendall("\r\n".join((*head, "", "[")).encode())
    return connection


def answer_once(
    door: Door, status: int, deadline_s: float = WAIT_S, *, meanwhile: Callable[[], None] = lambda: None
) -> httpx2.Response:
    """Send until the door answers with `status`."""
    deadline = time.monotonic() + deadline_s
    with door.client() as client:
        while (answer := client.post("/v1/events", json=event())).status_code != status:
            assert time.monotonic() < deadline, answer.text
            meanwhile()
            time.sleep(0.05)
    return answer


async def test_a_full_door_says_when_to_come_again(database: TestDatabase, tmp_path: Path) -> None:
    key = await create_key(database.url("usage_ingest"), "test", ["admin"])
    await stand_clock(database.admin_url, NOW)
    with running(
        database, key, tmp_path / "log", U2C_DOOR_REQUESTS_MAX="1", U2C_BODY_TIMEOUT_S="600"
    ) as door:
        with half_a_request(door) as come_again_if_answered:
            full = answer_once(door, 429, meanwhile=come_again_if_answered)
            assert (full.headers["retry-after"], full.json()["code"]) == ("1", "door_full")
        assert answer_once(door, 202).json()["accepted"] == 1, "a producer that hangs up leaves room"


async def test_a_body_that_does_not_come_is_not_waited_for() -> None:
    async def silence() -> Message:
        await asyncio.Event().wait()
        raise AssertionError

    async def reading(scope: Scope, receive: Receive, send: Send) -> None:
        await read_body(Request(scope, receive))

    told: list[Message] = []

    async def tell(message: Message) -> None:
        told.append(message)

    await Edge(reading, body_timeout_s=0.05)(
        {"type": "http", "headers": [], "method": "POST", "path": "/v1/events"}, silence, tell
    )
    assert told[0]["status"] == 400 and b"did not arrive within 0.05 s" in told[1]["body"]


async def test_a_body_that_breaks_off_is_not_taken_for_whole() -> None:
    async def hung_up() -> Message:
        return {"type": "http.disconnect"}

    with pytest.raises(BodyIncomplete, match="closed"):
        await read_body(Request({"type": "http", "headers": [], "method": "POST"}, hung_up))


def test_room_is_given_back_and_one_large_body_always_fits() -> None:
    room = Capacity(requests_max=2, bytes_max=10)
    with room.admit(1000), pytest.raises(DoorFull), room.admit(1):
        raise AssertionError
    with room.admit(5), room.admit(5), pytest.raises(DoorFull), room.admit(0):
        raise AssertionError
    assert (room.requests, room.bytes) == (0, 0)


async def test_a_dead_database_is_answered_503_and_nothing_acknowledged_is_lost(tmp_path: Path) -> None:
    postgres = EmbeddedPostgres(tmp_path, ServerSettings(shared_buffers_mb=32))
    try:
        info = postgres.start()
        await prepare(info.admin_url, "u2c", "secret")
        database = TestDatabase("u2c", database_url(info.admin_url, "u2c"), "secret", info.admin_url)
        await stand_clock(database.admin_url, NOW)
        key = await create_key(database.url("usage_ingest"), "test", ["admin"])
        with (
            running(database, key, tmp_path / "log", U2C_PUBLISH_TIMEOUT_S="2") as door,
            door.client() as client,
        ):
            assert client.post("/v1/events", json=event(id="before")).status_code == 202
            postgres.kill()
            down = client.post("/v1/events", json=event(id="during"))
            assert (down.status_code, down.headers["retry-after"]) == (503, "1"), down.text
            assert "Nothing was accepted" in down.json()["title"]
            assert client.post("/v1/events/void", json={"source": "gate", "id": "during"}).status_code == 503
            for path in ("/v1/quarantine", "/v1/receipts/door", "/v1/keys", "/readyz"):
                assert client.get(path).status_code == 503, path
            assert client.post("/v1/keys", json={"name": "x", "scopes": ["admin"]}).status_code == 503
            assert client.post("/v1/events?dry_run=true", json=event()).status_code == 202, (
                "judging needs no database"
            )
            postgres.start()
            answer_once(door, 202)
            found = [json.loads(bytes(message.data)) and message.id for message in await door.usage("gate")]
            assert {"before", "e1"} <= set(found)
            assert client.post("/v1/keys", json={"name": "x", "scopes": ["admin"]}).status_code == 201
    finally:
        postgres.remove()
