"""Instants as people type them."""

from datetime import UTC, datetime

import typer


def parse_instant(text: str) -> datetime:
    """An RFC 3339 instant (`2013-01-01T00:00:00Z`), or a date for its midnight UTC; typer.BadParameter
    otherwise."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter(
            f"{text!r} is no instant; write 2013-01-31T00:00:00Z or 2013-01-31"
        ) from error
    if found.tzinfo is None:
        if found.time().isoformat() != "00:00:00" or len(text) > len("2013-01-31"):
            raise typer.BadParameter(f"{text!r} names no offset; write Z or +05:45 behind it")
        return found.replace(tzinfo=UTC)
    return found.astimezone(UTC)
