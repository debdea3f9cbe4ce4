"""The network as webhooks see it: a name is resolved, every address is judged, and a judged address is
connected to.

Nothing lies between the judgement and the connection, so a name that changes its answer (DNS rebinding)
changes nothing.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any

import httpcore2

from services.signals.domain.addresses import is_loopback, is_public

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]


class AddressRefused(OSError):
    """The host resolves to an address that is not public."""


async def system_resolve(host: str, port: int) -> Sequence[str]:
    """All addresses of a host, as the system gives them; a literal address in any of its spellings is its
    address."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for _, _, _, _, address in found))


class Guard(httpcore2.AsyncNetworkBackend):
    """A network backend that connects to public addresses only; with `allow_local` to this machine's loopback
    too."""

    def __init__(self, allow_local: bool, resolve: Resolve = system_resolve) -> None:
        self._allow_local, self._resolve, self._network = allow_local, resolve, httpcore2.AnyIOBackend()

    async def judged(self, host: str, port: int) -> Sequence[str]:
        """The addresses of a host, all of them fit. Raises AddressRefused when one is not, OSError when there
        is none."""
        addresses = await self._resolve(host, port)
        refused = [
            address
            for address in addresses
            if not (is_public(address) or (self._allow_local and is_loopback(address)))
        ]
        if refused:
            raise AddressRefused(f"{host} resolves to {', '.join(refused)}, which is not a public address")
        if not addresses:
            raise OSError(f"{host} has no address")
        return addresses

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        failed: Exception = OSError("unreachable")
        for address in await self.judged(host, port):
            try:
                return await self._network.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as fault:
                failed = fault
        raise failed

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        raise AddressRefused("a webhook does not go to a socket of this machine")

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
