"""Meters and plans as the API takes them."""

import math
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, GetCoreSchemaHandler, model_validator
from pydantic_core import PydanticCustomError, core_schema

from services.rating.catalogue.domain.meter import ListPrice, Meter, Missing
from services.rating.metering.domain.aggregations.aggregation import Aggregation, Role
from services.rating.metering.domain.aggregations.offered import (
    AGGREGATIONS,
    FIELD_READERS,
    FIELD_READERS_AND_VALUES,
    WITHOUT_FIELD,
)
from shared.documents.yaml_document import DEPTH_MAX
from shared.pricing.fields import CurrencyCode, UnitPrice
from shared.values.fields import DataPath, FilterValue, GivenEventType, GivenMeter, Key
from shared.values.json_values import children
from shared.values.names import DIMENSIONS_MAX, unstorable

FILTERS_MAX, VALUES_MAX = 10, 100


class _ByName:
    """Where a name stands, the aggregation it means."""

    @classmethod
    def __get_pydantic_core_schema__(
        cls, _source: type[Aggregation], _handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        name = core_schema.literal_schema(list(AGGREGATIONS))
        return core_schema.no_info_after_validator_function(
            AGGREGATIONS.__getitem__,
            name,
            serialization=core_schema.plain_serializer_function_ser_schema(_name_of, return_schema=name),
        )


def _name_of(aggregation: Aggregation) -> str:
    return aggregation.name


NamedAggregation = Annotated[Aggregation, _ByName]


class ListPriceDocument(BaseModel):
    model_config = ConfigDict(extra="forbid")

    currency: CurrencyCode
    unit: UnitPrice


class MeterTerms(BaseModel):
    """What may change about a meter. Its event type may not: a meter of another type is another meter."""

    model_config = ConfigDict(extra="forbid")

    event_type: GivenEventType
    aggregation: NamedAggregation
    field: DataPath | None = Field(None, description=f"Data field of {FIELD_READERS_AND_VALUES}")
    filters: dict[DataPath, Annotated[list[FilterValue], Field(min_length=1, max_length=VALUES_MAX)]] = Field(
        default_factory=dict,
        max_length=FILTERS_MAX,
        description="Data field → accepted values; all must match",
    )
    group_by: list[DataPath] = Field(
        default_factory=list, max_length=DIMENSIONS_MAX, description="Dimensions usage is kept apart by"
    )
    missing: Missing = "quarantine"
    list_price: ListPriceDocument | None = Field(
        None, description="Values suspense; at most one meter of an event type has one"
    )
    role: Role | None = None
    heartbeat_s: int | None = Field(
        None, ge=1, le=31_536_000, description="Silence longer than this is an outage, never zero usage"
    )

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if (self.aggregation.reads is None) != (self.field is None):
            raise PydanticCustomError(
                "field_misfit", f"{FIELD_READERS} read a `field`, {WITHOUT_FIELD} reads none."
            )
        if self.role is not None and (self.role == "login") != (self.aggregation.reads is None):
            raise PydanticCustomError(
                "role_misfit",
                "user, team and feature are roles of unique meters, login is one of count meters.",
            )
        if self.role is not None and self.role not in self.aggregation.roles:
            raise PydanticCustomError(
                "role_misfit", "A {name} meter has no role.", {"name": self.aggregation.name}
            )
        if len(set(self.group_by)) != len(self.group_by) or "other" in self.group_by:
            raise PydanticCustomError(
                "group_by_misfit", "Dimensions differ from each other, and none is called other."
            )
        return self


class MeterDocument(MeterTerms):
    """A meter: how events of one type become a quantity."""

    meter: GivenMeter


class PlanDocument(BaseModel):
    """A plan: contract terms under a name, which contracts build on. Its terms are validated with the
    contract that takes them."""

    model_config = ConfigDict(extra="allow")

    plan: Key

    @model_validator(mode="after")
    def _can_be_stored(self) -> Self:
        level: list[Any] = [self.model_extra or {}]
        for _ in range(DEPTH_MAX):
            for value in level:
                _refuse_not_storable(value)
            level = [child for value in level for child in children(value)]
            if not level:
                return self
        raise PydanticCustomError(
            "too_deep", "A plan is nested at most {depth} levels deep.", {"depth": DEPTH_MAX}
        )


def _refuse_not_storable(value: object) -> None:
    if isinstance(value, float) and not math.isfinite(value):
        raise PydanticCustomError("not_a_number", "NaN and infinity are not numbers of JSON.")
    if isinstance(value, str) and unstorable(value):
        raise PydanticCustomError(
            "text_not_storable",
            "A text holds a NUL character or half a surrogate pair, which no store keeps.",
        )


def meter_of(name: str, terms: MeterTerms, revision: int, backfilled: bool) -> Meter:
    """The meter a document describes, as it counts from this revision on."""
    price = ListPrice(terms.list_price.currency, terms.list_price.unit) if terms.list_price else None
    return Meter(
        meter=name,
        event_type=terms.event_type,
        aggregation=terms.aggregation,
        field=terms.field,
        filters={path: tuple(sorted(set(values))) for path, values in sorted(terms.filters.items())},
        group_by=tuple(sorted(terms.group_by)),
        missing=terms.missing,
        list_price=price,
        role=terms.role,
        heartbeat_s=terms.heartbeat_s,
        revision=revision,
        backfilled=backfilled,
        counts_since=revision,
    )


def plan_terms(document: PlanDocument) -> dict[str, Any]:
    """What a plan holds beside its name."""
    return dict(document.model_extra or {})
