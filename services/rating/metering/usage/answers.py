"""What the API shows of usage."""

from typing import Annotated, Literal, Self

from pydantic import Field

from services.rating.metering.usage.domain import Window
from services.rating.metering.usage.usecases import Point, Series
from shared.http.answers import Answer, Instant, Quantity
from shared.http.shown_names import MeterName, ZoneName


class UsagePoint(Answer):
    """What was used in one window."""

    start: Instant
    end: Instant
    """Exclusive"""
    group: Annotated[dict[str, str], Field(examples=[{"region": "eu"}])]
    """Dimension → value, of the dimensions asked for"""
    value: Quantity

    @classmethod
    def of(cls, point: Point) -> Self:
        return cls(start=point.start, end=point.end, group=dict(point.group), value=point.value)


class UsageAnswer(Answer):
    """A meter's series, in order of time; without `group_by` windows without usage are there too."""

    object: Literal["usage"] = "usage"
    customer: Annotated[str | None, Field(examples=["acme"])]
    """External id; null for a subject that nobody knows"""
    subject: Annotated[str | None, Field(examples=["acme"])]
    """The one that was asked for; null where a customer was"""
    meter: MeterName
    window: Window
    timezone: ZoneName
    from_: Annotated[Instant, Field(serialization_alias="from")]
    to: Instant
    """Exclusive"""
    data: list[UsagePoint]

    @classmethod
    def of(cls, series: Series, meter: str, window: Window) -> Self:
        whose = series.whose
        return cls(
            customer=whose.customer,
            subject=whose.subject,
            meter=meter,
            window=window,
            timezone=whose.timezone,
            from_=series.start,
            to=series.end,
            data=[UsagePoint.of(point) for point in series.points],
        )
