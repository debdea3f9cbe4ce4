"""Webhooks go to public addresses only: sixty ways to name this machine or its neighbours, and a listener
that sees none of them."""

import asyncio
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest

from services.signals.domain.addresses import is_public
from services.signals.domain.payload import Event
from services.signals.webhooks.clients.attempt import sender
from services.signals.webhooks.clients.guard import AddressRefused, Guard
from services.signals.webhooks.domain.target import UrlRefused, target_of
from services.signals.webhooks.repository.webhooks import WebhookRepository
from services.signals.webhooks.rows import NewEndpoint
from services.signals.webhooks.usecases.seal import sealed_url
from shared.runtime.clock import machine_now
from tests.services.signals.conftest import Start
from tests.services.signals.deployment import START, Signals, fact
from tests.waiting import until

HOSTS = (
    "127.0.0.1",
    "127.1",
    "127.0.1",
    "2130706433",
    "0x7f000001",
    "0x7f.1",
    "0x7f.0.0.1",
    "017700000001",
    "0177.0.0.1",
    "0177.1",
    "127.255.255.254",
    "localhost",
    "LOCALHOST",
    "localhost.",
    "0",
    "0.0.0.0",
    "0x0",
    "00.0.0.0",
    "10.0.0.1",
    "10.255.255.255",
    "0x0a000001",
    "167772161",
    "100.64.0.1",
    "100.127.255.255",
    "169.254.169.254",
    "0xa9fea9fe",
    "2852039166",
    "0251.0376.0251.0376",
    "168.63.129.16",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.0.1",
    "0xc0a80001",
    "192.0.0.8",
    "192.0.2.1",
    "192.88.99.1",
    "198.18.0.1",
    "198.51.100.7",
    "203.0.113.9",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.255",
    "[::1]",
    "[::]",
    "[0:0:0:0:0:0:0:1]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[::ffff:10.0.0.1]",
    "[::127.0.0.1]",
    "[64:ff9b::7f00:1]",
    "[64:ff9b:1::7f00:1]",
    "[2002:7f00:1::]",
    "[2001:0:7f00:1::]",
    "[2001:db8::1]",
    "[3fff::1]",
    "[fc00::1]",
    "[fd12:3456:789a::1]",
    "[fe80::1]",
    "[fec0::1]",
    "[ff02::1]",
    "[100::1]",
)
URLS = (
    "http://example.com/",
    "https://user:secret@example.com/",
    "https://example.com:8080/",
    "https://example.com:22/",
    "ftp://example.com/",
    "file:///etc/passwd",
    "gopher://127.0.0.1/",
    "https://",
    "https:///path",
    "https://example.com/#fragment",
    "https://①②⑦.⓪.⓪.①/",
    "https://example.com\\@127.0.0.1/",
    "https://exa mple.com/",
    "https://example.com:99999/",
    "https://[::1",
    "https://[fe80::1%25eth0]/",
    "javascript:alert(1)",
    "//example.com/",
    "https://example.com/\r\nhost: evil",
    "https://%31%32%37.0.0.1/",
    "https://../",
    "https://127.0.0.1../",
    "https://example..com/",
    "https://.example.com/",
    f"https://{'a' * 300}/",
    f"https://{'a' * 64}.com/",
    f"https://{'a.' * 130}com/",
    "https://-example.com/",
    "https://example-.com/",
    "https://1.2.3.4.5/",
    "https://256.1.1.1/",
    "https://example.1/",
    "https://[v1.a]/",
    "https://exa!mple.com/",
)


@asynccontextmanager
async def listener() -> AsyncIterator[tuple[int, list[int]]]:
    """A port on every address of this machine, and the connections it saw."""
    seen: list[int] = []

    async def took(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(1)
        writer.close()

    server = await asyncio.start_server(took, ["0.0.0.0", "::1"], 0)
    async with server:
        yield next(s.getsockname()[1] for s in server.sockets if s.family is socket.AF_INET), seen


def test_there_are_at_least_sixty() -> None:
    assert len(set(HOSTS)) >= 60


async def test_no_connection_is_made_whatever_the_host_is_called() -> None:
    async with listener() as (port, seen):
        for host in HOSTS:
            with pytest.raises((AddressRefused, socket.gaierror)):
                await Guard(allow_local=False).connect_tcp(host.strip("[]"), port, timeout=2)
        assert not seen


async def test_an_endpoint_there_is_refused_when_it_is_registered(start: Start) -> None:
    async with start(webhook_allow_local="false") as signals:
        for url in [f"https://{host}/hook" for host in HOSTS] + list(URLS):
            answer = await signals.client.post("/v1/webhook-endpoints", json={"url": url, "events": ["*"]})
            assert answer.status_code == 422 and answer.json()["code"] in ("url_refused", "body_invalid"), (
                f"{url}: {answer.text}"
            )
        assert (await signals.get("/v1/webhook-endpoints"))["data"] == []


def test_a_name_or_a_public_address_is_taken() -> None:
    for host in (
        "example.com",
        "example.com.",
        "a.xn--bcher-kva.example",
        "my_hooks.example.com",
        "8.8.8.8",
        "[2606:4700::1111]",
        f"{'a' * 63}.com",
    ):
        assert target_of(f"https://{host}/hook", allow_local=False).host == host.strip("[]").removesuffix(".")
    assert target_of("http://localhost:1234/", allow_local=True).host == "localhost"


@pytest.mark.parametrize("url", URLS)
def test_a_url_that_is_not_plain_https_is_refused(url: str) -> None:
    with pytest.raises(UrlRefused):
        target_of(url, allow_local=False)


@pytest.mark.parametrize("url", ["http://127.0.0.1:8900/", "https://127.0.0.1:8900/"])
def test_a_refused_receiver_on_a_test_machine_hears_how_it_is_allowed(url: str) -> None:
    with pytest.raises(UrlRefused, match="or start with --webhook-allow-local on a test machine"):
        target_of(url, allow_local=False)
    assert target_of(url, allow_local=True).port == 8900


async def test_a_name_that_is_public_only_at_the_first_look_up_is_not_connected_to() -> None:
    """DNS rebinding: the answer that is judged is the one that is connected to, so a second answer has no
    use."""
    asked: list[str] = []

    async def rebinding(host: str, _port: int) -> Sequence[str]:
        asked.append(host)
        return ["93.184.215.14"] if len(asked) == 1 else ["127.0.0.1"]

    guard = Guard(allow_local=False, resolve=rebinding)
    assert await guard.judged("rebind.example", 443) == ["93.184.215.14"], "fine when it is registered"
    async with listener() as (_port, seen):
        through = sender(False, 5.0, guard)
        event = Event("sig_1", "renewal.due", "acme", None, START, 1, {})
        attempted = await through.send(
            "https://rebind.example/hook", "standard", ["whsec_" + "A" * 44], event, machine_now()
        )
        assert (
            attempted.status is None
            and attempted.error is not None
            and "not a public address" in attempted.error
        )
        assert asked == ["rebind.example"] * 2 and not seen


async def test_one_private_address_among_public_ones_refuses_them_all() -> None:
    async def mixed(_host: str, _port: int) -> Sequence[str]:
        return ["93.184.215.14", "10.0.0.7"]

    with pytest.raises(AddressRefused):
        await Guard(allow_local=False, resolve=mixed).connect_tcp("mixed.example", 443)


async def test_with_the_local_setting_only_loopback_is_let_through() -> None:
    async with listener() as (port, seen):
        stream = await Guard(allow_local=True).connect_tcp("127.0.0.1", port, timeout=2)
        await stream.aclose()
        with pytest.raises(AddressRefused):
            await Guard(allow_local=True).connect_tcp("169.254.169.254", port, timeout=2)
        await asyncio.sleep(0)
        assert len(seen) <= 1


async def test_an_endpoint_of_a_deployment_that_lost_the_local_setting_is_not_called(start: Start) -> None:
    """What is stored is judged again at every attempt."""
    async with listener() as (port, seen), start(webhook_allow_local="false") as signals:
        seal = signals.context.state.seal
        async with signals.context.db.transaction() as uow:
            url = sealed_url(seal, f"https://127.0.0.1:{port}/hook")
            await WebhookRepository(uow.connection).add_endpoint(
                NewEndpoint(
                    "whe_old",
                    url.shown,
                    url.sealed,
                    "",
                    ["*"],
                    "standard",
                    seal.seal("whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"),
                    signals.context.clock.now(),
                )
            )
        await signals.tell(fact(1))
        await until(lambda: _tried(signals))
        assert not seen


def test_public_addresses_are_public() -> None:
    for address in (
        "1.1.1.1",
        "93.184.215.14",
        "2606:4700:4700::1111",
        "2a00:1450:4001:830::200e",
        "::ffff:8.8.8.8",
    ):
        assert is_public(address), address
    assert not is_public("fe80::1%eth0")


async def _tried(signals: Signals) -> bool:
    return bool(await signals.context.db.pool.fetchval("select count(*) from signals.attempts"))
