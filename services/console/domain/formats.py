"""Texts that answers have where a number, a day or an instant stands; a page shows them as they were said."""

from typing import Annotated

from msgspec import Meta

Number = Annotated[str, Meta(pattern=r"^-?[0-9]+(\.[0-9]+)?\Z")]
DayText = Annotated[str, Meta(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}\Z")]
InstantText = Annotated[str, Meta(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+(Z|[+-][0-9]{2}:[0-9]{2})\Z")]
