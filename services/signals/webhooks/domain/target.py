"""Where a webhook goes: a URL taken apart once, so that what was checked is what is called."""

import re
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from urllib.parse import urlsplit

from shared.errors import AppError

PORTS = (443, 8443)
URL_MAX = 2000
HOST_MAX = 253
_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)", re.ASCII)
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*", re.ASCII)
TEST_MACHINE = "or start with --webhook-allow-local on a test machine"


class UrlRefused(AppError):
    """A webhook URL is https on port 443 or 8443, with a public host and without user information."""


@dataclass(frozen=True, slots=True)
class Target:
    scheme: str
    host: str
    port: int
    path: str  # with the query

    @property
    def origin(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def target_of(url: str, allow_local: bool) -> Target:
    """Take a URL apart, or raise UrlRefused with what is wrong with it."""
    if (
        len(url) > URL_MAX
        or not url.isascii()
        or any(character <= " " or character in "\\\x7f" for character in url)
    ):
        raise UrlRefused(
            f"write the URL in at most {URL_MAX} printable ASCII characters, an international name in its xn-- form"
        )
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").removesuffix("."), parts.port
    except ValueError as fault:
        raise UrlRefused(f"the URL cannot be read: {fault}") from fault
    if parts.scheme != "https" and not (allow_local and parts.scheme == "http"):
        raise UrlRefused(f"use https://, {TEST_MACHINE}")
    if not host or "@" in parts.netloc or "%" in host:
        raise UrlRefused("name a host, and no user information; a secret belongs in the path")
    if not _can_resolve(host, literal_v6="[" in parts.netloc):
        raise UrlRefused(f"{host[:80]!r} is neither a host name nor an address; no look-up can ever find it")
    if parts.fragment:
        raise UrlRefused("a fragment is never sent; leave it out")
    port = port or {"https": 443, "http": 80}[parts.scheme]
    if port not in PORTS and not allow_local:
        raise UrlRefused(f"use port {' or '.join(map(str, PORTS))}, {TEST_MACHINE}")
    return Target(parts.scheme, host, port, (parts.path or "/") + (f"?{parts.query}" if parts.query else ""))


def _can_resolve(host: str, literal_v6: bool) -> bool:
    """Whether it is an address or has the form of a name (RFC 1123, and underscores); a name whose last label
    is a number is an address."""
    labels = host.split(".")
    try:
        if literal_v6:
            return bool(IPv6Address(host))
        if len(labels) > 1 and _NUMBER.fullmatch(labels[-1]):
            return bool(IPv4Address(host))
    except AddressValueError:
        return False
    return len(host) <= HOST_MAX and all(_LABEL.fullmatch(label) for label in labels)
