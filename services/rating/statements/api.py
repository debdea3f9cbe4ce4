"""Routes of statements. They translate; the verbs are in usecases."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Query, Response

from services.rating.catalogue.domain.meter import MeterNotFound
from services.rating.customers.domain import CustomerNotFound
from services.rating.metering.raw.answers import CountedEventAnswer
from services.rating.parameters import period_place
from services.rating.statements.answers import (
    CurrentStatementAnswer,
    CurrentStatementsAnswer,
    CustomerCostAnswer,
    ExplanationAnswer,
    StatementAnswer,
    StatementsToldAnswer,
    WholeStatementAnswer,
    explanation_text,
)
from services.rating.statements.memory import Ctx
from services.rating.statements.parameters import Asked
from services.rating.statements.requests import AskedCustomers, AskedStatements
from services.rating.statements.rows import StatementName
from services.rating.statements.usecases import find as usecases
from services.rating.statements.usecases.events_of_line import events_of_line
from services.rating.statements.usecases.explain_line import ExplanationDiffers, LineNotFound, explain_line
from services.rating.statements.usecases.find import StatementNotFound
from services.rating.statements.usecases.price_shown import (
    price_at_once,
    price_shown,
    priced_before_shown,
)
from services.rating.statements.usecases.show_current import show_current
from services.rating.statements.usecases.tell import tell_statements_of
from shared.errors import refuses
from shared.http.answers import Listed
from shared.http.changes import changes_nothing
from shared.http.cursors import event_place, place_key
from shared.http.formats import TEXT, Format, as_text
from shared.http.keys import requires
from shared.http.paging import Paged
from shared.topics.rating import PERIOD, StatementMessage
from shared.values.fields import AskedSubject, GivenId, Key

router = APIRouter(prefix="/v1", tags=["Statements"])
Occasion = Annotated[
    str,
    Query(
        pattern=r"^(period|note:[1-9][0-9]{0,8})$",
        description="`period`: the statement itself; `note:1`, `note:2`, …: as it was corrected then",
    ),
]


@router.get(
    "/statements",
    operation_id="list_statements",
    summary="Statements by contract and period",
    dependencies=[requires("contracts:read")],
)
async def list_statements(
    context: Ctx,
    page: Paged,
    wanted: Asked,
) -> Listed[StatementAnswer]:
    now, after = context.clock.now(), period_place(page)

    async def listed() -> list[StatementMessage]:
        async with context.db.transaction() as uow:
            return await usecases.list_statements(uow, after, page.limit + 1, wanted, now)

    found = await priced_before_shown(context, listed)
    return Listed[StatementAnswer].page(
        found, page, lambda statement: [statement.contract, statement.period_start_us], StatementAnswer.of
    )


@router.post(
    "/statements/current",
    operation_id="current_statements",
    summary="Price what is asked for of up to 200 statements that are about to be shown; answers within a second",
    dependencies=[requires("contracts:read")],
)
@changes_nothing("it prices what would be priced a little later anyway, to be shown")
async def current_statements(asked: AskedStatements, context: Ctx) -> CurrentStatementsAnswer:
    """What was priced less than a second ago, or cannot be priced so fast, stands as it was told last, and is not
    `current`. Nothing is stored that would not be a little later."""
    as_of, found = await show_current(context, [one.known for one in asked.statements], at_once=asked.at_once)
    return CurrentStatementsAnswer(as_of=as_of, statements=list(map(CurrentStatementAnswer.of, found)))


@router.post(
    "/statements/tell",
    operation_id="tell_statements",
    summary="Price what is asked for of up to 1000 customers; answers when it is on the bus",
    dependencies=[requires("usage:read")],
)
@changes_nothing("it tells what would be told a little later anyway")
async def tell_statements(asked: AskedCustomers, context: Ctx) -> StatementsToldAnswer:
    """Changes nothing that would not happen a little later anyway; who evaluates customers calls it so that it
    knows what there is to know."""
    return StatementsToldAnswer(told=await tell_statements_of(context, asked.customers))


@router.get(
    "/statements/{contract}/{period_start}",
    operation_id="get_statement",
    summary="The current revision of a statement",
    dependencies=[requires("contracts:read")],
)
@refuses(StatementNotFound)
async def get_statement(
    contract: Key, period_start: date, context: Ctx, occasion: Occasion = PERIOD
) -> WholeStatementAnswer:
    await price_shown(context, [StatementName(contract, period_start)])
    async with context.db.transaction() as uow:
        return WholeStatementAnswer.whole(
            *await usecases.find_statement(uow, contract, period_start, occasion)
        )


@router.get(
    "/statements/{contract}/{period_start}/lines/{line_id}/explanation",
    operation_id="explain_line",
    summary="Every step that leads to a line's amount, as data or in words",
    dependencies=[requires("contracts:read")],
    response_model=ExplanationAnswer,
    responses={200: {"content": TEXT}},
)
@refuses(StatementNotFound, LineNotFound, ExplanationDiffers)
async def explain(
    contract: Key,
    period_start: date,
    line_id: GivenId,
    context: Ctx,
    occasion: Occasion = PERIOD,
    format: Format = "json",
) -> ExplanationAnswer | Response:
    await price_at_once(context, [StatementName(contract, period_start)])
    async with context.db.transaction(isolation="repeatable_read") as uow:
        explained = await explain_line(uow, contract, period_start, line_id, occasion)
    return as_text(explanation_text(*explained)) if format == "text" else ExplanationAnswer.of(*explained)


@router.get(
    "/statements/{contract}/{period_start}/lines/{line_id}/events",
    operation_id="events_of_line",
    summary="The raw events a line counts, up to the statement's watermark",
    dependencies=[requires("contracts:read")],
)
@refuses(StatementNotFound, LineNotFound, MeterNotFound)
async def line_events(
    contract: Key,
    period_start: date,
    line_id: GivenId,
    context: Ctx,
    page: Paged,
    occasion: Occasion = PERIOD,
) -> Listed[CountedEventAnswer]:
    name, after = StatementName(contract, period_start), event_place(page)
    async with context.db.transaction(isolation="repeatable_read") as uow:
        found = await events_of_line(uow, name, line_id, after, page.limit + 1, occasion)
    return Listed[CountedEventAnswer].page(
        found, page, lambda event: place_key(event.place), CountedEventAnswer.of
    )


@router.get(
    "/customers/{external_id}/cost",
    operation_id="customer_cost",
    summary="What the current periods of a customer have come to",
    dependencies=[requires("usage:read")],
)
@refuses(CustomerNotFound)
async def customer_cost(external_id: AskedSubject, context: Ctx) -> CustomerCostAnswer:
    now = context.clock.now()

    async def current() -> list[StatementMessage]:
        async with context.db.transaction() as uow:
            return await usecases.current_statements(uow, external_id, now)

    found = await priced_before_shown(context, current)
    return CustomerCostAnswer.of(external_id, now, found)
