"""The catalogue: create and change meters, put plans, find and list both."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from services.rating.catalogue.domain.meter import Meter, MeterNotFound
from services.rating.catalogue.repository import CatalogueRepository, Plan
from services.rating.catalogue.requests import MeterTerms, meter_of
from services.rating.catalogue.rows import MeterVersionRow
from services.rating.metering.backfill.repository import BackfillRepository
from services.rating.metering.backfill.usecases import begin_backfill, needs_backfill
from services.rating.metering.domain.aggregations.aggregation import OverItems
from services.rating.metering.fold.memory import FoldMemory
from services.rating.metering.fold.usecases.fold import fold_all
from services.rating.metering.repository.candidates import CandidateRepository
from services.rating.metering.repository.names import NamesRepository
from services.rating.metering.repository.readings import ReadingsRepository
from services.rating.statements.repository.statements import StatementRepository
from shared.db.unit_of_work import UnitOfWork
from shared.errors import AppError, Kind
from shared.runtime.clock import machine_us
from shared.topics.rating import CATALOGUE_METERS, MeterMessage
from shared.values.names import UNMETERED

PERIODS_NAMED_MAX = 20  # final periods a refusal spells out


class MeterExists(AppError):
    """There is a meter of this name with other terms; change it with PUT /v1/meters/{meter}."""

    kind = Kind.CONFLICT


class PlanNotFound(AppError):
    """There is no such plan."""

    kind = Kind.NOT_FOUND


class EventTypeFixed(AppError):
    """A meter keeps its event type: a meter of another type is another meter."""

    kind = Kind.CONFLICT


class FinalPeriodsCounted(AppError):
    """This would count periods otherwise that are final; say `?recount_final=true` where that is meant: their
    statements stay as they are."""

    kind = Kind.CONFLICT


class ListPriceTaken(AppError):
    """Another meter of this event type carries the list price; an event is worth one."""

    kind = Kind.CONFLICT


async def create_meter(
    uow: UnitOfWork, name: str, terms: MeterTerms, now: datetime, *, groups_max: int
) -> tuple[Meter | None, Meter]:
    """Create a meter. The same document twice is the same meter. Returns what there was before and what there is.
    Raises MeterExists and ListPriceTaken."""
    catalogue = CatalogueRepository(uow.connection)
    await _stand_still(uow, now, groups_max)
    existing = await catalogue.meter(name)
    if existing is not None:
        if meter_of(name, terms, existing.revision, existing.backfilled) == existing:
            return existing, existing
        raise MeterExists(f"meter {name!r} exists with other terms; change it with PUT /v1/meters/{name}")
    backfill = await needs_backfill(uow, terms.event_type)
    return None, await _put(uow, meter_of(name, terms, machine_us(), not backfill), now, backfill=backfill)


async def change_meter(
    uow: UnitOfWork,
    name: str,
    terms: MeterTerms,
    now: datetime,
    *,
    groups_max: int,
    recount_final: bool = False,
) -> tuple[Meter, Meter]:
    """Replace a meter's terms; stored events are added up again where they contribute otherwise, for all of
    history. Returns it before and after.

    Final statements keep the version they were counted by. Raises MeterNotFound, EventTypeFixed, and
    FinalPeriodsCounted unless told to go on.
    """
    await _stand_still(uow, now, groups_max)
    existing = await CatalogueRepository(uow.connection).meter(name)
    if existing is None:
        raise MeterNotFound(f"there is no meter {name!r}; create it with POST /v1/meters")
    if existing.event_type != terms.event_type:
        raise EventTypeFixed(f"meter {name!r} takes events of type {existing.event_type!r}")
    wanted = meter_of(name, terms, existing.revision, existing.backfilled)
    if wanted == existing:
        return existing, existing
    otherwise = not wanted.counts_alike(existing)
    if otherwise and not recount_final:
        await _refuse_recount(uow, existing)
    backfill = otherwise and await needs_backfill(uow, terms.event_type)
    revision = max(existing.revision + 1, machine_us())
    changed = replace(
        wanted,
        revision=revision,
        backfilled=wanted.backfilled and not backfill,
        counts_since=revision if otherwise else existing.counts_since,
    )
    if otherwise and isinstance(existing.aggregation, OverItems):
        await NamesRepository(uow.connection).replaced(name, existing.counts_since)
    if wanted.filters != existing.filters:
        await CandidateRepository(uow.connection).note_all()
    return existing, await _put(uow, changed, now, backfill=backfill)


async def put_plan(uow: UnitOfWork, name: str, terms: Mapping[str, Any]) -> tuple[Plan | None, Plan]:
    """Create or replace a plan; return it before and after. Contracts keep what they took from it; the next
    version takes the new one."""
    catalogue = CatalogueRepository(uow.connection)
    before = await catalogue.plan(name)
    plan = Plan(name, max(before.revision + 1 if before else 0, machine_us()), terms)
    await catalogue.put_plan(plan)
    return before, plan


async def find_meter(uow: UnitOfWork, name: str) -> Meter:
    """Return the meter, or raise MeterNotFound."""
    found = await CatalogueRepository(uow.connection).meter(name)
    if found is None:
        raise MeterNotFound(f"there is no meter {name!r}")
    return found


async def list_meters(uow: UnitOfWork, after: str, rows_max: int) -> list[Meter]:
    """Return meters by name, after this one."""
    return await CatalogueRepository(uow.connection).meters_page(after, rows_max)


async def list_meter_versions(uow: UnitOfWork, name: str) -> list[MeterVersionRow]:
    """Return every version of a meter, the newest first, or raise MeterNotFound."""
    found = await CatalogueRepository(uow.connection).versions_of(name)
    if not found:
        raise MeterNotFound(f"there is no meter {name!r}")
    return found


async def find_plan(uow: UnitOfWork, name: str) -> Plan:
    """Return the plan, or raise PlanNotFound."""
    found = await CatalogueRepository(uow.connection).plan(name)
    if found is None:
        raise PlanNotFound(f"there is no plan {name!r}")
    return found


async def list_plans(uow: UnitOfWork, after: str, rows_max: int) -> list[Plan]:
    """Return plans by name, after this one."""
    return await CatalogueRepository(uow.connection).plans_page(after, rows_max)


async def _stand_still(uow: UnitOfWork, now: datetime, groups_max: int) -> None:
    """Keep batches out, and fold all that is stored by the terms it was stored under; what lies there already, while
    batches still come."""
    memory = FoldMemory(groups_max)
    await fold_all(uow, memory, now)
    await BackfillRepository(uow.connection).close_fence()
    await fold_all(uow, memory, now)


async def _put(uow: UnitOfWork, meter: Meter, now: datetime, *, backfill: bool) -> Meter:
    catalogue = CatalogueRepository(uow.connection)
    await _refuse_second_list_price(catalogue, meter)
    await catalogue.put_meter(meter, now)
    await catalogue.keep_version(meter, await ReadingsRepository(uow.connection).last_batches(), now)
    names = NamesRepository(uow.connection)
    await names.hide(f"{UNMETERED}{meter.event_type}")
    if backfill:
        await begin_backfill(uow, meter.meter)
    elif meter.backfilled:
        await names.read(meter.meter, meter.counts_since)
    await catalogue.move_revision(meter.revision)
    uow.tell(CATALOGUE_METERS, message_of(meter))
    return meter


async def _refuse_recount(uow: UnitOfWork, meter: Meter) -> None:
    """Raise FinalPeriodsCounted, naming the first final periods that charge the meter and have events of its
    type."""
    periods = await StatementRepository(uow.connection).final_periods_of_meter(
        meter.meter, meter.event_type, PERIODS_NAMED_MAX + 1
    )
    if periods:
        more = " and more" if len(periods) > PERIODS_NAMED_MAX else ""
        named = ", ".join(f"{period.contract} {period.start_date}" for period in periods[:PERIODS_NAMED_MAX])
        raise FinalPeriodsCounted(
            f"meter {meter.meter!r} counted {named}{more}, which are final; with ?recount_final=true these statements stay as they are, "
            "and what only the new terms count there is held late"
        )


async def _refuse_second_list_price(catalogue: CatalogueRepository, meter: Meter) -> None:
    for other in await catalogue.meters():
        if (
            meter.list_price
            and other.list_price
            and other.event_type == meter.event_type
            and other.meter != meter.meter
        ):
            raise ListPriceTaken(
                f"meter {other.meter!r} carries the list price of {meter.event_type!r} events; take it away there first"
            )


def message_of(meter: Meter) -> MeterMessage:
    """The meter as other services hear of it."""
    return MeterMessage(
        meter=meter.meter,
        revision=meter.revision,
        event_type=meter.event_type,
        aggregation=meter.aggregation.name,
        field=meter.field,
        missing=meter.missing,
        group_by=meter.group_by,
        filters=dict(meter.filters),
        list_price=_price(meter),
        role=meter.role,
        heartbeat_s=meter.heartbeat_s,
        additive=meter.aggregation.adds_up,
        numeric=meter.aggregation.numeric,
    )


def _price(meter: Meter) -> dict[str, str] | None:
    return (
        {"currency": meter.list_price.currency, "unit": format(meter.list_price.unit, "f")}
        if meter.list_price
        else None
    )
