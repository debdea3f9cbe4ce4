"""Arrays that are counted while they are read: eight kilobytes of gzip hold four million elements, and a list
of them is 525 MB.

msgspec knows the length of a list once it has read it, but refuses an array that is longer than the struct it
is read into as soon as it is.
"""

from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from services.usage_ingest.domain.limits import EVENTS_MAX


class Slots(msgspec.Struct, array_like=True, forbid_unknown_fields=True, gc=False):
    """As many elements as a request may hold; those that are not there are UNSET."""


def slots_of(element: object) -> type[Slots]:
    """The type to read an array of at most EVENTS_MAX elements into; a longer one raises
    msgspec.ValidationError."""
    fields = [(f"_{place}", element | UnsetType, UNSET) for place in range(EVENTS_MAX)]
    return msgspec.defstruct(  # type: ignore[return-value]
        "Slots",
        fields,
        bases=(Slots,),
        array_like=True,
        forbid_unknown_fields=True,
        gc=False,
    )


def elements_of(slots: Slots) -> tuple[Any, ...]:
    """What was read."""
    found = msgspec.structs.astuple(slots)
    return found[: found.index(UNSET)] if found[-1] is UNSET else found


def is_too_many(error: msgspec.ValidationError) -> bool:
    """Whether an array was longer than its slots; msgspec tells it only in words."""
    return f"of at most length {EVENTS_MAX}" in str(error)
