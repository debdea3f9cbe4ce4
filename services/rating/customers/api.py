"""Routes of customers. They translate; the verbs are in usecases."""

from typing import Annotated

from fastapi import APIRouter, Request
from fastapi.responses import Response

from services.rating.context import Ctx
from services.rating.customers import usecases
from services.rating.customers.answers import CustomerAnswer
from services.rating.customers.domain import CustomerNotFound
from services.rating.customers.requests import AliasDocument, CustomerChanges, CustomerDocument
from shared.db.unit_of_work import UnitOfWork
from shared.errors import refuses
from shared.http.answers import Listed
from shared.http.cursors import name_in
from shared.http.idempotency import REFUSED, idempotent
from shared.http.keys import AccessKey, requires
from shared.http.paging import Paged
from shared.values.fields import AskedSubject

router = APIRouter(prefix="/v1/customers", tags=["Customers"])
Writer = Annotated[AccessKey, requires("contracts:write")]


@router.post(
    "",
    operation_id="create_customer",
    summary="Create a customer; usage that waited for it is priced",
    status_code=201,
    response_model=CustomerAnswer,
)
@refuses(*REFUSED, usecases.CustomerExists, usecases.SubjectTaken, usecases.TooManyAliases)
async def create_customer(
    document: CustomerDocument, request: Request, context: Ctx, caller: Writer
) -> Response:
    async def act(uow: UnitOfWork) -> CustomerAnswer:
        return CustomerAnswer.of(await usecases.create_customer(uow, document, context.clock.now()))

    return await idempotent(context.db, request, caller, act)


@router.get(
    "",
    operation_id="list_customers",
    summary="Customers by external id",
    dependencies=[requires("contracts:read")],
)
async def list_customers(context: Ctx, page: Paged) -> Listed[CustomerAnswer]:
    async with context.db.transaction() as uow:
        rows = await usecases.list_customers(uow, name_in(page) or "", page.limit + 1)
    return Listed[CustomerAnswer].page(rows, page, lambda customer: [customer.external_id], CustomerAnswer.of)


@router.get(
    "/{external_id}",
    operation_id="get_customer",
    summary="A customer",
    dependencies=[requires("contracts:read")],
)
@refuses(CustomerNotFound)
async def get_customer(external_id: AskedSubject, context: Ctx) -> CustomerAnswer:
    async with context.db.transaction() as uow:
        return CustomerAnswer.of(await usecases.find_customer(uow, external_id))


@router.patch(
    "/{external_id}",
    operation_id="change_customer",
    response_model=CustomerAnswer,
    summary="Change a customer: its name, its time zone, the subjects that mean it; final statements keep theirs",
)
@refuses(*REFUSED, CustomerNotFound, usecases.AliasNotTheirs, usecases.SubjectTaken, usecases.TooManyAliases)
async def change_customer(
    external_id: AskedSubject, document: CustomerChanges, request: Request, context: Ctx, caller: Writer
) -> Response:
    async def act(uow: UnitOfWork) -> CustomerAnswer:
        return CustomerAnswer.of(
            await usecases.change_customer(uow, external_id, document, context.clock.now())
        )

    return await idempotent(context.db, request, caller, act, status=200)


@router.post(
    "/{external_id}/aliases",
    operation_id="add_alias",
    summary="Let another subject mean this customer",
    status_code=201,
    response_model=CustomerAnswer,
)
@refuses(*REFUSED, CustomerNotFound, usecases.SubjectTaken, usecases.TooManyAliases)
async def add_alias(
    external_id: AskedSubject, document: AliasDocument, request: Request, context: Ctx, caller: Writer
) -> Response:
    async def act(uow: UnitOfWork) -> CustomerAnswer:
        return CustomerAnswer.of(
            await usecases.add_alias(uow, external_id, document.alias, context.clock.now())
        )

    return await idempotent(context.db, request, caller, act)
