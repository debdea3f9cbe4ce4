"""Who comes from one place."""

from ipaddress import IPv6Address, ip_address

#: Of an IPv6 address; the rest is free to whoever has one of them.
_OF_ONE_NETWORK = 64


def neighbourhood(address: str) -> str:
    """The address where it is IPv4, the network of 64 bits where it is IPv6; what is neither is itself."""
    try:
        found = ip_address(address)
    except ValueError:
        return address
    if not isinstance(found, IPv6Address):
        return str(found)
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return f"{int(found) >> (found.max_prefixlen - _OF_ONE_NETWORK):x}"
