"""Meters and their versions, as rows: the fields are the columns."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Self

from services.rating.catalogue.domain.meter import ListPrice, Meter, Missing
from services.rating.metering.domain.aggregations.aggregation import Role
from services.rating.metering.domain.aggregations.offered import AGGREGATIONS
from shared.db.columns import JSONB, Integer, Texts


@dataclass(frozen=True, slots=True)
class TermsRow:
    """What both `meters` and `meter_versions` say of a meter."""

    meter: str
    revision: int
    event_type: str
    aggregation: str
    field: str | None
    missing: Missing
    group_by: Texts
    filters: Annotated[Mapping[str, Sequence[str]], JSONB]
    list_currency: str | None
    list_unit: Decimal | None
    role: Role | None
    heartbeat_s: Integer | None
    counts_since: int

    def as_meter(self, *, backfilled: bool = True) -> Meter:
        price = None
        if self.list_currency and self.list_unit is not None:
            price = ListPrice(self.list_currency, self.list_unit)
        return Meter(
            meter=self.meter,
            event_type=self.event_type,
            aggregation=AGGREGATIONS[self.aggregation],
            field=self.field,
            filters={name: tuple(values) for name, values in self.filters.items()},
            group_by=tuple(self.group_by),
            missing=self.missing,
            list_price=price,
            role=self.role,
            heartbeat_s=self.heartbeat_s,
            revision=self.revision,
            backfilled=backfilled,
            counts_since=self.counts_since,
        )


@dataclass(frozen=True, slots=True)
class MeterRow(TermsRow):
    """A row of `meters`: a meter as it counts now."""

    created_at: datetime
    backfilled: bool

    @classmethod
    def of(cls, meter: Meter, created_at: datetime) -> Self:
        return cls(**_terms(meter), created_at=created_at, backfilled=meter.backfilled)

    def now(self) -> Meter:
        return self.as_meter(backfilled=self.backfilled)


@dataclass(frozen=True, slots=True)
class MeterVersionRow(TermsRow):
    """A row of `meter_versions`: a meter as it was from a revision on. `cut`: partition → the last batch id
    before the version."""

    cut: Annotated[Mapping[str, int], JSONB]
    recorded_at: datetime

    @classmethod
    def of(cls, meter: Meter, cut: Mapping[int, int], now: datetime) -> Self:
        named = {str(partition): batch_id for partition, batch_id in cut.items()}
        return cls(**_terms(meter), cut=named, recorded_at=now)


def _terms(meter: Meter) -> dict[str, Any]:
    price = meter.list_price
    return {
        "meter": meter.meter,
        "revision": meter.revision,
        "event_type": meter.event_type,
        "aggregation": meter.aggregation.name,
        "field": meter.field,
        "missing": meter.missing,
        "group_by": meter.group_by,
        "filters": {name: list(values) for name, values in meter.filters.items()},
        "list_currency": price.currency if price else None,
        "list_unit": price.unit if price else None,
        "role": meter.role,
        "heartbeat_s": meter.heartbeat_s,
        "counts_since": meter.counts_since,
    }
