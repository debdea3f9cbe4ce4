"""Clients nobody here wrote, as their documentation shows them, over real HTTP to a real door: CloudEvents
and OpenMeter, Python and Node."""

import gzip
import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx2
import pytest
import requests
from cloudevents.conversion import to_binary, to_structured
from cloudevents.http import CloudEvent
from corehttp.exceptions import ClientAuthenticationError
from openmeter import Client
from openmeter.aio import Client as AsyncClient
from openmeter.models import Event

from shared.topics.rating import CATALOGUE_METERS, CUSTOMERS
from tests.conftest import TestServer, in_thread
from tests.needs import NEEDS_NODE, install_packages
from tests.services.usage_ingest.circumstances import customer, event
from tests.services.usage_ingest.conftest import METERS, Door, opened
from tests.services.usage_ingest.door.test_bad_input import told
from tests.services.usage_ingest.door.test_flow import settled
from tests.waiting import until

NODE = Path(__file__).parent / "node"
DATA = {"distance": 1400, "tail": "N1"}


@pytest.fixture(scope="module")
def door_now(postgres_server: TestServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    """A door whose clock is the machine's: what SDKs fill in by themselves is the time of now."""
    with opened(postgres_server, tmp_path_factory.mktemp("door"), at=None) as found:
        in_thread(found.hear(CATALOGUE_METERS, *METERS))
        in_thread(found.hear(CUSTOMERS, customer("UA", "straße")))

        async def knows() -> bool:
            with found.client() as client:
                plain = event(time=datetime.now(UTC).isoformat(), subject="straße")
                return bool(client.post("/v1/events?dry_run=true", json=plain).json()["results"] == [])

        in_thread(until(knows))
        yield found


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the Node SDKs, as tests/services/usage_ingest/door/node/package-lock.json pins them."""
    folder = tmp_path_factory.mktemp("node")
    for name in ("package.json", "package-lock.json", "send.mjs"):
        shutil.copy(NODE / name, folder)
    install_packages(folder, "SDKs")
    return folder


def send_by_node(folder: Path, door: Door, client: str, events: list[dict[str, Any]]) -> list[Any]:
    """What the SDK gave its caller, call by call."""
    command = ["node", "send.mjs", client, door.url, door.key]
    done = subprocess.run(
        command, cwd=folder, input=json.dumps(events), check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def posted(door: Door, headers: dict[str, str], body: bytes) -> requests.Response:
    """As the Python SDK's own examples post."""
    return requests.post(
        f"{door.url}/v1/events",
        data=body,
        headers={**headers, "Authorization": f"Bearer {door.key}"},
        timeout=30,
    )


async def names(door: Door, source: str) -> list[str]:
    return sorted(message.id for message in await door.usage(source))


@pytest.mark.parametrize("mode", [to_binary, to_structured])
async def test_cloudevents_of_python(door_now: Door, mode: Callable[[CloudEvent], Any]) -> None:
    """Its binary mode sends no content type of its own."""
    mine = str(uuid4())
    for more in (
        {},
        {"datacontenttype": "application/json"},
        {"region": "eu", "dataschema": "https://example.com/flight.json"},
    ):
        sent = CloudEvent({"source": mine, "type": "departure", "subject": "UA", **more}, DATA)
        answer = posted(door_now, *mode(sent))
        assert (answer.status_code, answer.json()["accepted"], answer.json()["results"]) == (202, 1, []), (
            answer.text
        )
        [found] = [message for message in await door_now.usage(mine) if message.id == sent["id"]]
        assert (found.type, found.subject, json.loads(bytes(found.data))) == ("departure", "UA", DATA)


async def test_a_name_that_the_sdk_does_not_encode_is_never_guessed(door_now: Door) -> None:
    """Both SDKs put `ß` into a header as one byte of Latin-1; in structured mode it is the customer it
    names."""
    mine = str(uuid4())
    sent = CloudEvent({"source": mine, "type": "departure", "subject": "straße"}, DATA)
    outcomes = []
    for mode in (to_binary, to_structured):
        outcomes.append([result["code"] for result in posted(door_now, *mode(sent)).json()["results"]])
    assert outcomes == [["text_not_unicode"], []]
    assert [message.subject for message in await door_now.usage(mine)] == ["straße"]
    assert await settled(door_now, mine, 2) == {"received": 2, "published": 1, "quarantined": 1, "refused": 0}


@NEEDS_NODE
@pytest.mark.parametrize("mode", ["binary", "structured"])
async def test_cloudevents_of_node(door_now: Door, node: Path, mode: str) -> None:
    mine = str(uuid4())
    plain = {"source": mine, "type": "departure", "subject": "UA", "data": DATA}
    answers = send_by_node(
        node,
        door_now,
        mode,
        [{**plain, "id": "1"}, {**plain, "id": "2", "datacontenttype": "application/json", "region": "eu"}],
    )
    assert [(answer["accepted"], answer["results"]) for answer in answers] == [(1, []), (1, [])]
    assert await names(door_now, mine) == ["1", "2"]


async def test_openmeter_of_python(door_now: Door) -> None:
    mine = str(uuid4())

    def usage(name: str, **more: Any) -> Event:
        return Event(
            id=name, source=mine, specversion="1.0", type="departure", subject="UA", data=DATA, **more
        )

    now = {"time": datetime.now(UTC)}
    with Client(endpoint=door_now.url, token=door_now.key) as client:
        assert client.events.ingest_event(usage("one", **now)) is None
        assert client.events.ingest_events([usage("two", **now), usage("three", **now)]) is None
        assert client.events.ingest_events_json([usage("four", **now)]) is None
        assert client.events.ingest_event(usage("undated")) is None, (
            "OpenMeter stamps it; here it is kept, seen and not billed"
        )
    async with AsyncClient(endpoint=door_now.url, token=door_now.key) as asynchronous:
        await asynchronous.events.ingest_event(usage("five", **now))
    with (
        Client(endpoint=door_now.url, token="om_of_another_place") as client,
        pytest.raises(ClientAuthenticationError),
    ):
        client.events.ingest_event(usage("six", **now))
    assert await names(door_now, mine) == ["five", "four", "one", "three", "two"]
    assert await settled(door_now, mine, 6) == {"received": 6, "published": 5, "quarantined": 1, "refused": 0}
    kept = await door_now.fetch("select code, id from usage_ingest.quarantine where source = $1", mine)
    assert [tuple(row) for row in kept] == [("time_missing", "undated")]


@NEEDS_NODE
async def test_openmeter_of_node(door_now: Door, node: Path) -> None:
    """It always sends a batch, and fills in id, source and time where its caller leaves them out."""
    mine = str(uuid4())
    plain = {"type": "departure", "subject": "UA", "data": {**DATA, "tail": mine}}
    dated = datetime.now(UTC).isoformat()
    sent = [plain, {**plain, "id": "1", "source": mine}, {**plain, "id": "2", "source": mine, "time": dated}]
    assert send_by_node(node, door_now, "openmeter", sent) == [None, None]
    assert await names(door_now, mine) == ["1", "2"]
    [filled_in] = [
        message for message in await door_now.usage("@openmeter/sdk") if mine.encode() in bytes(message.data)
    ]
    assert filled_in.subject == "UA"


async def test_both_routes_are_one_door(door: Door) -> None:
    """The same keys, scopes, limits, forms and counts."""
    mine = str(uuid4())
    with door.client() as client:
        reader = client.post("/v1/keys", json={"name": "reader", "scopes": ["usage:read"]}).json()["secret"]
    with door.client(reader) as client:
        assert told(client.post("/api/v1/events", json=[]), 403)["code"] == "scope_missing"
    assert httpx2.post(f"{door.url}/api/v1/events", json=[], trust_env=False).status_code == 401
    with door.client() as client:
        for content_type, body, status in (
            ("text/plain", b"x", 415),
            ("application/json", b"{", 400),
            ("application/json", b" " * (9 << 20), 413),
        ):
            headers, paths = {"Content-Type": content_type}, ("/v1/events", "/api/v1/events")
            assert (
                len(
                    {told(client.post(path, content=body, headers=headers), status)["code"] for path in paths}
                )
                == 1
            )
        events = [
            event(source=mine),
            event(source=mine, id="e2", data={}),
            event(source=mine, id="e3", time=None),
        ]
        packed = gzip.compress(json.dumps(events).encode())
        answer = client.post(
            "/api/v1/events",
            content=packed,
            headers={"Content-Type": "application/json", "Content-Encoding": "gzip"},
        )
        assert (answer.status_code, answer.content, answer.headers["u2c-quarantined"]) == (204, b"", "2")
        clean = client.post("/api/v1/events", json=event(source=mine))
        assert (clean.status_code, "u2c-quarantined" in clean.headers) == (204, False)
        assert client.get("/api/v1/events").status_code == 405
    assert await settled(door, mine, 4) == {"received": 4, "published": 2, "quarantined": 2, "refused": 0}
