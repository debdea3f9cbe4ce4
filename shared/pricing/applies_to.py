"""Which lines a clause is about, where it says less than all."""

from collections.abc import Collection, Iterator
from typing import Annotated

from pydantic import Field

from shared.pricing.faults import Fault
from shared.values.fields import Key

AppliesTo = Annotated[tuple[Key, ...], Field(min_length=1, max_length=1000)]
"""Keys of lines, and kinds of lines: a line is meant by either."""


def names_it(names: Collection[str] | None, key: str, kind: str) -> bool:
    """Whether a line is among those named; without names each one is."""
    return names is None or key in names or kind in names


def unknown_names(names: Collection[str] | None, known: Collection[str]) -> Iterator[Fault]:
    """Yield a fault for each name that nothing known goes by, at its place below the clause."""
    for index, name in enumerate(names or ()):
        if name not in known:
            yield Fault(
                ("applies_to", index),
                "no_such_line",
                f"The terms have no line {name}; name the key of a line, or a kind of lines.",
            )
