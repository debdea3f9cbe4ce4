"""Reads just the fields that some meters need from an event's JSON, in one pass."""

from collections.abc import Callable, Iterable
from operator import attrgetter
from typing import Any

import msgspec

from services.rating.metering.domain.scalar import Literal

Get = Callable[[Any], Any]


class FieldReader:
    """Decodes the named fields (dotted paths) of an event type; `getter(path)` takes one from what `decode`
    returned."""

    def __init__(self, paths: Iterable[str]) -> None:
        names = sorted({path.partition(".")[0] for path in paths})
        self._attributes = {name: f"f{number}" for number, name in enumerate(names)}
        fields = msgspec.defstruct(
            "Fields",
            [(attribute, Any, None) for attribute in self._attributes.values()],
            rename={attribute: name for name, attribute in self._attributes.items()},
            gc=False,
        )
        self._nothing, self._decode = fields(), msgspec.json.Decoder(fields, float_hook=Literal).decode
        self.needed = bool(names)

    def decode(self, data: bytes | msgspec.Raw) -> Any:
        """The fields; none of them for data that is no object."""
        if not self.needed:
            return self._nothing
        try:
            return self._decode(data)
        except msgspec.ValidationError:
            return self._nothing

    def getter(self, path: str) -> Get:
        """The function that takes the value at this path: None where there is none."""
        first, *rest = path.split(".")
        take: Get = attrgetter(self._attributes[first])
        if not rest:
            return take

        def nested(fields: Any) -> Any:
            value = take(fields)
            for name in rest:
                if type(value) is not dict:
                    return None
                value = value.get(name)
            return value

        return nested

    def tuple_getter(self, paths: tuple[str, ...]) -> Get:
        """The function that takes the values at these paths as a tuple."""
        if len(paths) > 1 and not any("." in path for path in paths):
            return attrgetter(*(self._attributes[path] for path in paths))
        getters = [self.getter(path) for path in paths]
        return lambda fields: tuple([get(fields) for get in getters])
