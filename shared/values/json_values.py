"""What a JSON value holds, for those who look at one level by level: a document is as deep as its writer
pleases."""

from typing import Any


def children(value: object) -> list[Any]:
    """Return an object's names and values, or a list's items; nothing of any other value."""
    if type(value) is dict:
        return [*value.keys(), *value.values()]
    return value if type(value) is list else []
