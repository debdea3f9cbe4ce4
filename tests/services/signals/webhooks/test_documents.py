"""What is published of signals: AsyncAPI made from the topic table, every event documented, and receivers
that verify."""

import asyncio
import json
import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml
from standardwebhooks.webhooks import Webhook

from services.signals.domain.event_types import EVENT_TYPES
from services.signals.domain.payload import Event, standard_body
from services.signals.domain.values import DEFINITIONS
from services.signals.webhooks.clients.attempt import sender
from shared.runtime.clock import machine_now
from shared.topics import ALL
from tests.services.signals.deployment import START
from u2c import asyncapi
from u2c.deployment.ports import first_free_ports
from u2c.deployment.state import ROOT

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
EVENTS = [
    Event(f"sig_{name}", name, "acme", "acme-2026", START, number, event.example)
    for number, (name, event) in enumerate(EVENT_TYPES.items())
]


def test_the_asyncapi_document_is_the_topic_table() -> None:
    assert (ROOT / "docs" / "asyncapi.yaml").read_text(encoding="utf-8") == asyncapi.text(), (
        "run: python -m u2c.asyncapi > docs/asyncapi.yaml"
    )


def test_every_reference_of_it_leads_somewhere_and_every_topic_is_in_it() -> None:
    document = yaml.safe_load(asyncapi.text())
    for reference in set(_references(document)):
        at: Any = document
        for part in reference.removeprefix("#/").split("/"):
            at = at[part]
    assert set(document["channels"]) == {*ALL, "webhooks"}
    heard = [name for name, operation in document["operations"].items() if operation["action"] == "receive"]
    assert len(heard) == sum(len(topic.consumers) for topic in ALL.values())


def test_the_manual_names_every_event_every_value_and_every_seat() -> None:
    manual = (ROOT / "docs" / "signals.md").read_text(encoding="utf-8")
    missing = [name for name in (*EVENT_TYPES, *DEFINITIONS) if f"`{name}`" not in manual]
    assert not missing
    assert all(event.seat in manual for event in EVENT_TYPES.values())


@pytest.mark.parametrize("name", EVENT_TYPES)
def test_the_manual_shows_the_example_of_the_event(name: str) -> None:
    manual = (ROOT / "docs" / "signals.md").read_text(encoding="utf-8")
    shown = manual.split(f"### `{name}`")[1].split("```json\n")[1].split("```")[0]
    assert shown == json.dumps(EVENT_TYPES[name].example, indent=1, ensure_ascii=False) + "\n"


def test_the_example_of_a_reached_activation_has_reached_what_it_says() -> None:
    example = EVENT_TYPES["customer.activation.reached"].example
    reached = [milestone for milestone in example["milestones"] if milestone["reached_on"]]
    assert reached == example["milestones"] and all(
        Decimal(one["has"]) >= Decimal(one["needs"]) for one in reached
    )
    assert sum(Decimal(one["weight"]) for one in reached) == Decimal(example["share"])
    assert all(one["reached_on"] <= example["deadline"] for one in reached) and not example["late"]


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.type)
def test_every_event_is_small(event: Event) -> None:
    assert len(standard_body(event)) < 20_000


async def test_the_example_receiver_verifies_what_is_sent_and_refuses_what_is_not() -> None:
    async with _running([sys.executable, str(ROOT / "examples" / "receiver" / "receiver.py")]) as url:
        await _is_good_receiver(url)


@pytest.mark.long
async def test_the_javascript_library_verifies_what_is_sent(tmp_path: Path) -> None:
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("no Node on this machine; CI has one")
    installed = subprocess.run(
        ["npm", "install", "--no-audit", "--no-fund", "standardwebhooks@1.1.1"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    if installed.returncode:
        pytest.skip(f"npm cannot install standardwebhooks here: {installed.stderr[-300:]}")
    shutil.copy(ROOT / "examples" / "receiver" / "receiver.mjs", tmp_path)
    async with _running(["node", str(tmp_path / "receiver.mjs")]) as url:
        await _is_good_receiver(url)


async def _is_good_receiver(url: str) -> None:
    """Every event verifies; another secret, an old timestamp, a hundred malformed signatures and senseless
    lengths are 400, never 500."""
    import httpx2

    for length in SENSELESS_LENGTHS:
        assert b" 400 " in (await _answer_to(url, length)).split(b"\r\n")[0], length
    await _answer_to(url, b"1000", whole=False)  # and hangs up

    through, now = sender(True, 5.0), machine_now()
    for event in EVENTS:
        attempted = await through.send(url, "standard", [SECRET], event, now)
        assert attempted.status == 204, f"{event.type}: {attempted}"
    rotated = await through.send(url, "standard", ["whsec_" + "B" * 32, SECRET], EVENTS[0], now)
    assert rotated.status == 204, "during a rotation either signature will do"
    assert (await through.send(url, "standard", ["whsec_" + "B" * 32], EVENTS[0], now)).status == 400
    assert (await through.send(url, "standard", [SECRET], EVENTS[0], START)).status == 400
    async with httpx2.AsyncClient(trust_env=False) as client:
        good = Webhook(SECRET).sign("sig_1", now, "{}")
        for signature in (
            *HOSTILE,
            f"v1,{'A' if good[3] != 'A' else 'B'}{good[4:]}",
            good.replace("v1,", "v1a,"),
        ):
            headers = {
                "webhook-id": "sig_1",
                "webhook-timestamp": str(int(now.timestamp())),
                "webhook-signature": signature,
            }
            assert (await client.post(url, content=b"{}", headers=headers)).status_code == 400, signature


async def _answer_to(url: str, length: bytes, *, whole: bool = True) -> bytes:
    """What comes back for a webhook of this Content-Length; nothing when the sender hangs up before its
    body's end."""
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    writer.write(
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: " + length + b"\r\nConnection: close\r\n\r\n{}"
    )
    await writer.drain()
    try:
        return await reader.read() if whole else b""
    finally:
        writer.close()


SENSELESS_LENGTHS = (b"\xb2", "²".encode(), b"-1", b"+2", b"1e9", b"", b"9" * 5000, b"2, 2", b"\xd9\xa2")
HOSTILE = (
    "",
    "v1",
    "garbage",
    "v1,",
    ",",
    "v1,a,b",
    "v1 v1",
    "v1,%%%",
    "v2,abc",
    *("v1," + "A" * n for n in range(89)),
)


@asynccontextmanager
async def _running(command: list[str]) -> AsyncIterator[str]:
    port = first_free_ports(1)[0]
    environment = {**os.environ, "WEBHOOK_SECRET": SECRET}
    process = await asyncio.create_subprocess_exec(
        *command, str(port), env=environment, stdout=asyncio.subprocess.DEVNULL
    )
    try:
        for _ in range(500):
            try:
                _reader, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.close()
                break
            except OSError:
                await asyncio.sleep(0.02)
        yield f"http://127.0.0.1:{port}/"
    finally:
        process.terminate()
        await process.wait()


def _references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for value in node.values():
            yield from _references(value)
    if isinstance(node, list):
        for value in node:
            yield from _references(value)
