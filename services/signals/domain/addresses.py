"""Which addresses a webhook may be sent to: public unicast ones only (OWASP API7, server-side request
forgery).

`ipaddress.is_global` is not enough: Python 3.11 calls NAT64, 6to4, multicast and others global.
"""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

_V4 = tuple(
    IPv4Network(text)
    for text in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "168.63.129.16/32",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.31.196.0/24",
        "192.52.193.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "192.175.48.0/24",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
    )
)
# everything else is loopback, local, mapped, NAT64, multicast or not assigned
_V6_UNICAST = IPv6Network("2000::/3")
_V6 = tuple(
    IPv6Network(text)
    for text in ("2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20")
)


def is_public(address: str) -> bool:
    """Whether a literal address may be connected to. A zone id is refused; an IPv4 address in IPv6 form is
    judged as IPv4."""
    if "%" in address:
        return False
    parsed = ip_address(address)
    if isinstance(parsed, IPv6Address):
        return is_public(str(parsed.ipv4_mapped)) if parsed.ipv4_mapped is not None else _public_v6(parsed)
    return _public_v4(parsed)


def is_loopback(address: str) -> bool:
    return "%" not in address and ip_address(address).is_loopback


def _public_v4(address: IPv4Address) -> bool:
    return not any(address in network for network in _V4)


def _public_v6(address: IPv6Address) -> bool:
    return address in _V6_UNICAST and not any(address in network for network in _V6)
