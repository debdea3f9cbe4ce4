"""A value made from another one that calls most of its fields alike, so that only what differs is written down."""

import inspect
from collections.abc import Callable, Collection
from operator import attrgetter
from typing import TypeVar

T = TypeVar("T")
Taken = tuple[tuple[str, ...], Callable[[object], tuple[object, ...]]]
_taken: dict[tuple[object, ...], Taken] = {}


def made_from(kind: type[T], source: object, /, **besides: object) -> T:
    """Return a `kind` (a dataclass or a message) whose fields are those of `source` by the same names, but for
    those of `besides`; a field with a default that `besides` does not name keeps it.

    A field that the source does not have is an AttributeError. That the types fit is checked by
    `tests/shared/values/test_made_from.py`.
    """
    asked = kind, *besides
    taken = _taken.get(asked)
    if taken is None:
        taken = _taken[asked] = _taken_over(kind, besides)
    names, read = taken
    besides.update(zip(names, read(source), strict=True))
    return kind(**besides)


def _taken_over(kind: type, besides: Collection[str]) -> Taken:
    """The names that are taken over, and what reads them of a source: at least two, or it is not worth it."""
    names = tuple(
        name
        for name, field in inspect.signature(kind).parameters.items()
        if name not in besides and field.default is inspect.Parameter.empty
    )
    return names, attrgetter(*names)
