"""What the API shows of the catalogue."""

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from services.rating.catalogue.domain.meter import ListPrice, Meter, Missing
from services.rating.catalogue.repository import Plan
from services.rating.catalogue.requests import NamedAggregation
from services.rating.catalogue.rows import MeterVersionRow
from services.rating.metering.domain.aggregations.aggregation import Role
from services.rating.metering.domain.aggregations.offered import FIELD_READERS, WITHOUT_FIELD
from shared.http.answers import Answer, Instant, SendersOwn, UnitPrice
from shared.http.shown_names import CurrencyCode, EventType, MeterName


class ListPriceAnswer(Answer):
    """What one unit is worth where no contract says otherwise."""

    currency: CurrencyCode
    unit: UnitPrice

    @classmethod
    def of(cls, price: ListPrice) -> Self:
        return cls(currency=price.currency, unit=price.unit)


class _MeterTermsAnswer(Answer):
    """How events of one type become a quantity."""

    meter: MeterName
    revision: int
    event_type: EventType
    aggregation: Annotated[NamedAggregation, Field(examples=["unique"])]
    field: Annotated[
        str | None,
        Field(examples=["user"], description=f"Data field of {FIELD_READERS}; null for {WITHOUT_FIELD}"),
    ]
    filters: Annotated[dict[str, list[str]], Field(examples=[{"region": ["eu", "us"]}])]
    """Data field → accepted values; all must match"""
    group_by: Annotated[list[str], Field(examples=[["region"]])]
    """Dimensions usage is kept apart by, sorted"""
    missing: Missing
    """What becomes of an event without the field"""
    list_price: ListPriceAnswer | None
    role: Role | None
    heartbeat_s: Annotated[int | None, Field(examples=[86_400])]
    """Silence longer than this is an outage, never zero usage"""


class MeterAnswer(_MeterTermsAnswer):
    """A meter: how events of one type become a quantity."""

    object: Literal["meter"] = "meter"
    backfilled: bool
    """False while events older than the meter are still being added"""

    @classmethod
    def of(cls, meter: Meter) -> Self:
        return cls(**_terms(meter), backfilled=meter.backfilled)


class MeterVersionAnswer(_MeterTermsAnswer):
    """A meter as it was from a revision on. It counted all of history: it has no day from which it was in
    force."""

    object: Literal["meter_version"] = "meter_version"
    cut: Annotated[dict[str, int], Field(examples=[{"0": 17}])]
    """Partition → the last batch id before the version"""
    recorded_at: Instant

    @classmethod
    def of(cls, row: MeterVersionRow) -> Self:
        return cls(**_terms(row.as_meter()), cut=dict(row.cut), recorded_at=row.recorded_at)


class PlanAnswer(BaseModel):
    """A plan: its terms, as they were written, beside its name. They are validated with the contract that
    takes them.

    The one answer that is a model: its members are not ours alone.
    """

    model_config = ConfigDict(
        extra="allow",
        frozen=True,
        json_schema_extra={
            "examples": [
                {
                    "object": "plan",
                    "plan": "pro",
                    "revision": 1767225600000000,
                    "currency": "USD",
                    "lines": [{"key": "platform", "kind": "recurring", "amount": "499.00"}],
                }
            ]
        },
    )
    __pydantic_extra__: dict[str, SendersOwn]

    object: Literal["plan"]
    plan: Annotated[str, Field(examples=["pro"])]
    revision: int

    @classmethod
    def of(cls, plan: Plan) -> Self:
        return cls.model_validate(
            {**plan.document, "object": "plan", "plan": plan.plan, "revision": plan.revision}
        )


def _terms(meter: Meter) -> dict[str, Any]:
    return {
        "meter": meter.meter,
        "revision": meter.revision,
        "event_type": meter.event_type,
        "aggregation": meter.aggregation,
        "field": meter.field,
        "filters": {path: list(values) for path, values in meter.filters.items()},
        "group_by": list(meter.group_by),
        "missing": meter.missing,
        "list_price": ListPriceAnswer.of(meter.list_price) if meter.list_price else None,
        "role": meter.role,
        "heartbeat_s": meter.heartbeat_s,
    }
