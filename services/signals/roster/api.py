"""The roster, for customer success: every customer, who is to be looked after first."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Query

from services.signals.context import Ctx
from services.signals.evaluation.usecases.say_standing import CustomerNotFound, known_customer
from services.signals.parameters import At, AtInFuture, Day, instant_asked
from services.signals.roster.answers import CustomerStandingAnswer, CustomerTotalsAnswer
from services.signals.roster.parameters import Asked, OrderAsked
from services.signals.roster.rows import Days, Place
from services.signals.roster.usecases import (
    CurrencyMissing,
    count_customers,
    list_customers,
    list_days,
    total_customers,
)
from shared.errors import refuses
from shared.http.answers import CountAnswer, Listed
from shared.http.cursors import name_in, parts_in
from shared.http.keys import requires
from shared.http.paging import CursorInvalid, Page, Paged
from shared.http.sorting import Counting
from shared.values.fields import AskedSubject

router = APIRouter(prefix="/v1", tags=["Signals"])
RANK_MAX = 2**63 - 1


@router.get(
    "/customers",
    operation_id="list_customer_signals",
    dependencies=[requires("signals:read")],
    summary="Where every customer stands",
)
@refuses(AtInFuture, CurrencyMissing)
async def list_standings(
    context: Ctx,
    page: Paged,
    wanted: Asked,
    order: OrderAsked,
    at: At = None,
    count: Counting = False,
) -> Listed[CustomerStandingAnswer]:
    """A cursor names a row's place in the order. Without `at` a customer whose score or stake changes between two pages
    changes place, and is skipped or comes twice; give every page the same `at` to list all as of one instant."""
    instant_asked(at, context.clock.now())
    async with context.db.transaction() as uow:
        rows = await list_customers(uow, at, wanted, order, _after(page), page.limit + 1)
        found = await count_customers(uow, at, wanted) if count else None
    return Listed[CustomerStandingAnswer].page(
        rows,
        page,
        lambda row: [row.rank, row.external_id],
        CustomerStandingAnswer.of,
        CountAnswer.of(found),
    )


@router.get(
    "/customers/totals",
    operation_id="total_customer_signals",
    dependencies=[requires("signals:read")],
    summary="What is at stake with the customers that fit, by currency",
)
@refuses(AtInFuture)
async def total_standings(context: Ctx, wanted: Asked, at: At = None) -> CustomerTotalsAnswer:
    """Of those that `GET /v1/customers` lists by the same filter."""
    instant_asked(at, context.clock.now())
    async with context.db.transaction() as uow:
        return CustomerTotalsAnswer.of(await total_customers(uow, at, wanted))


@router.get(
    "/customers/{external_id}/standings",
    operation_id="list_customer_standings",
    dependencies=[requires("signals:read")],
    summary="Where a customer stood, day by day",
)
@refuses(CustomerNotFound)
async def list_customer_standings(
    external_id: AskedSubject,
    context: Ctx,
    page: Paged,
    since: Annotated[Day | None, Query(description="Local days from this one on")] = None,
    until: Annotated[Day | None, Query(description="Exclusive")] = None,
) -> Listed[CustomerStandingAnswer]:
    """The evaluations as they were made, the oldest first: nothing that was learned later changes them."""
    async with context.db.transaction() as uow:
        customer = await known_customer(uow, external_id)
        rows = await list_days(uow, customer, Days(since, until), _day(page), page.limit + 1)
    return Listed[CustomerStandingAnswer].page(
        rows, page, lambda row: [row.day.isoformat() if row.day else ""], CustomerStandingAnswer.of
    )


def _day(page: Page) -> date | None:
    """The day a cursor names; raises CursorInvalid."""
    name = name_in(page)
    try:
        return None if name is None else date.fromisoformat(name)
    except ValueError as fault:
        raise CursorInvalid() from fault


def _after(page: Page) -> Place | None:
    """The place a cursor names; raises CursorInvalid for none of this list."""
    found = parts_in(page, int, str)
    if found is None:
        return None
    rank, external_id = found
    if abs(rank) > RANK_MAX:
        raise CursorInvalid()
    return Place(rank, external_id)
