"""Query parameters that name whose usage is asked for, and when."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Query

from services.rating.metering.usage.domain import Window
from shared.values.fields import AskedSubject, Key
from shared.values.names import DIMENSIONS_MAX, PATH

DIMENSIONS = f"^({PATH}(,{PATH}){{0,{DIMENSIONS_MAX - 1}}})?$"
TIME = "RFC 3339 instant, or a local date of the customer's time zone"
Meter = Annotated[Key, Query()]
Customer = Annotated[AskedSubject | None, Query(description="External id: all subjects of the customer")]
Subject = Annotated[AskedSubject | None, Query(description="One subject, also one nobody knows")]


@dataclass(frozen=True)
class AskedOwner:
    """Whose usage: either all of a customer's, or one subject's."""

    customer: Customer = None
    subject: Subject = None


@dataclass(frozen=True)
class AskedSeries:
    """From when to when, in which windows, and which dimensions are shown apart."""

    start: Annotated[
        str | None,
        Query(alias="from", max_length=40, description=f"{TIME}; default: the start of this month"),
    ] = None
    end: Annotated[
        str | None, Query(alias="to", max_length=40, description=f"{TIME}, exclusive; default: now")
    ] = None
    window: Annotated[Window, Query(description="Width of one point")] = "day"
    group_by: Annotated[str, Query(pattern=DIMENSIONS, description="Dimensions, separated by commas")] = ""

    @property
    def dimensions(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(name for name in self.group_by.split(",") if name))


Owner = Annotated[AskedOwner, Depends()]
Asked = Annotated[AskedSeries, Depends()]
