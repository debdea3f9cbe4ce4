"""The cookie that carries a session's id."""

from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

SECURE_NAME: Final = "__Host-u2c"
PLAIN_NAME: Final = "u2c"
HTTP_PORT: Final = 80


@dataclass(frozen=True, slots=True)
class Cookie:
    """By which name it is set and read. Only what never leaves this machine goes without TLS."""

    name: str
    secure: bool

    @property
    def known(self) -> str:
        """Of the mark of who has signed in there."""
        return f"{self.name}-known"


def cookie_for(scheme: str, host: str) -> Cookie | None:
    """The cookie for who asks by this scheme and Host header; None where it would travel unencrypted."""
    if scheme == "https":
        return Cookie(SECURE_NAME, True)
    port = _port(host)
    # cookies know no port, and two consoles of one machine would end each other's sessions
    return Cookie(f"{PLAIN_NAME}-{port}", False) if is_loopback(host) and port is not None else None


def is_loopback(host: str) -> bool:
    """Whether a host, with a port or without, is this machine for whoever calls it so."""
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return False
    if name == "localhost":
        return True
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return False


def _port(host: str) -> int | None:
    """None where it is none that can be."""
    try:
        return urlsplit(f"//{host}").port or HTTP_PORT
    except ValueError:
        return None
