"""Time zones by their IANA names."""

from zoneinfo import available_timezones


def known_zone(name: str) -> str:
    """Return the name; raise ValueError where there is no such zone."""
    if name not in available_timezones():
        raise ValueError(f"no time zone {name!r}; use an IANA name such as America/New_York")
    return name
