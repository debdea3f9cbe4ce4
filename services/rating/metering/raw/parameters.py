"""Query parameters that name the events behind a quantity."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, TypeVar

import msgspec
from fastapi import Depends, Query

from shared.errors import AppError

BATCH_MAX = 2**63 - 1
GROUP_CHARACTERS_MAX = 4000  # five paths with their values, escaped
Kind = TypeVar("Kind")


class ParameterUnreadable(AppError):
    """This parameter is a small JSON object."""


@dataclass(frozen=True)
class AskedEvents:
    """From when to when, with which dimensions, and up to which batches."""

    start: Annotated[str, Query(alias="from", max_length=40, description="RFC 3339 instant or local date")]
    end: Annotated[
        str, Query(alias="to", max_length=40, description="RFC 3339 instant or local date, exclusive")
    ]
    group: Annotated[
        str,
        Query(
            max_length=GROUP_CHARACTERS_MAX, description='Dimensions the events must have: {"region": "eu"}'
        ),
    ] = "{}"
    before_batch: Annotated[
        str | None, Query(max_length=4000, description='Watermark: partition → last batch id, {"0": 17}')
    ] = None

    def dimensions(self) -> Mapping[str, str]:
        """Dimension → value; ParameterUnreadable."""
        return _object("group", self.group, dict[str, str])

    def watermark(self) -> Mapping[str, int] | None:
        """Partition → last batch id; ParameterUnreadable."""
        if not self.before_batch:
            return None
        watermark = _object("before_batch", self.before_batch, dict[str, int])
        if not all(0 <= batch_id <= BATCH_MAX for batch_id in watermark.values()):
            raise ParameterUnreadable("before_batch: a batch id is a positive 64-bit number")
        return watermark


Asked = Annotated[AskedEvents, Depends()]


def _object(name: str, text: str, kind: type[Kind]) -> Kind:
    try:
        return msgspec.json.decode(text, type=kind)
    except (msgspec.MsgspecError, UnicodeError) as fault:
        raise ParameterUnreadable(f"{name}: {fault}") from fault
