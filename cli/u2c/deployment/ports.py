"""Ports: free ones for tests, and a clear word when a wanted one is taken."""

import socket
from collections.abc import Sequence
from contextlib import ExitStack

from shared.environment_fault import EnvironmentFault


def first_free_ports(count: int) -> list[int]:
    """So many different ports that nobody listens on right now."""
    with ExitStack() as held:
        probes = [held.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]


def taken(host: str, ports: Sequence[int]) -> list[int]:
    """Those of `ports` that something listens on."""
    return [port for port in ports if not _free(host, port)]


def require_free(host: str, ports: Sequence[int]) -> None:
    """EnvironmentFault when one of them is taken."""
    if busy := taken(host, ports):
        raise EnvironmentFault(
            f"Port {', '.join(map(str, busy))} on {host} is in use: another deployment may be running.",
            "Stop it, or take other ports: --base-port 9101 (U2C_BASE_PORT=9101)",
        )


def _free(host: str, port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
        return True
