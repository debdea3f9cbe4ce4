"""Routes of customers. They translate; the verbs are in usecases."""

from operator import attrgetter
from typing import Annotated

from fastapi import APIRouter
from fastapi.responses import Response

from services.rating.context import Ctx
from services.rating.customers import usecases
from services.rating.customers.answers import CustomerAnswer
from services.rating.customers.domain import CustomerNotFound
from services.rating.customers.requests import AliasDocument, CustomerChanges, CustomerDocument
from services.rating.customers.rows import Customer, CustomerFilter
from shared.db.unit_of_work import UnitOfWork
from shared.errors import refuses
from shared.http.answers import CountAnswer, Listed
from shared.http.changes import Changed, ChangingCall, Of, changing
from shared.http.etags import IfMatch, etag_of, tagged
from shared.http.keys import requires
from shared.http.sorting import INSTANT, TEXT, Listing, Q, SortKey, listing
from shared.values.fields import AskedSubject

router = APIRouter(prefix="/v1/customers", tags=["Customers"])
Change = Annotated[ChangingCall, changing("contracts:write")]
SORTS = {
    "external_id": SortKey(TEXT, attrgetter("external_id")),
    "name": SortKey(TEXT, attrgetter("name")),
    "created_at": SortKey(INSTANT, attrgetter("created_at")),
}
Sorted = Annotated[Listing[Customer], listing(SORTS, "external_id", attrgetter("external_id"))]


@router.post(
    "",
    operation_id="create_customer",
    summary="Create a customer; usage that waited for it is priced",
    status_code=201,
    response_model=CustomerAnswer,
)
@refuses(usecases.CustomerExists, usecases.SubjectTaken, usecases.TooManyAliases)
async def create_customer(document: CustomerDocument, context: Ctx, call: Change) -> Response:
    of = _named(document.external_id)

    async def act(uow: UnitOfWork) -> Changed:
        made = await usecases.create_customer(uow, document, context.clock.now())
        return Changed(of, None, CustomerAnswer.of(made))

    return await call.once(act, of, status=201)


@router.get(
    "",
    operation_id="list_customers",
    summary="Customers",
    dependencies=[requires("contracts:read")],
)
async def list_customers(context: Ctx, sorted_: Sorted, q: Q = None) -> Listed[CustomerAnswer]:
    wanted = CustomerFilter(q)
    async with context.db.transaction() as uow:
        rows = await usecases.list_customers(uow, wanted, sorted_.window)
        found = await usecases.count_customers(uow, wanted) if sorted_.count else None
    return Listed[CustomerAnswer].page(
        rows, sorted_.page, sorted_.place, CustomerAnswer.of, CountAnswer.of(found)
    )


@router.get(
    "/{external_id}",
    operation_id="get_customer",
    summary="A customer",
    dependencies=[requires("contracts:read")],
)
@refuses(CustomerNotFound)
async def get_customer(external_id: AskedSubject, context: Ctx, response: Response) -> CustomerAnswer:
    async with context.db.transaction() as uow:
        found = await usecases.find_customer(uow, external_id)
    tagged(response, etag_of(found.revision))
    return CustomerAnswer.of(found)


@router.patch(
    "/{external_id}",
    operation_id="change_customer",
    response_model=CustomerAnswer,
    summary="Change a customer: its name, its time zone, the subjects that mean it; final statements keep theirs",
)
@refuses(CustomerNotFound, usecases.AliasNotTheirs, usecases.SubjectTaken, usecases.TooManyAliases)
async def change_customer(
    external_id: AskedSubject,
    document: CustomerChanges,
    context: Ctx,
    call: Change,
    _if_match: IfMatch = None,
) -> Response:
    async def act(uow: UnitOfWork) -> Changed:
        before = await usecases.find_customer(uow, external_id)
        after = await usecases.change_customer(uow, external_id, document, context.clock.now())
        return _changed(before, after)

    return await call.once(act, _named(external_id))


@router.post(
    "/{external_id}/aliases",
    operation_id="add_alias",
    summary="Let another subject mean this customer",
    status_code=201,
    response_model=CustomerAnswer,
)
@refuses(CustomerNotFound, usecases.SubjectTaken, usecases.TooManyAliases)
async def add_alias(
    external_id: AskedSubject,
    document: AliasDocument,
    context: Ctx,
    call: Change,
    _if_match: IfMatch = None,
) -> Response:
    async def act(uow: UnitOfWork) -> Changed:
        before = await usecases.find_customer(uow, external_id)
        after = await usecases.add_alias(uow, external_id, document.alias, context.clock.now())
        return _changed(before, after)

    return await call.once(act, _named(external_id), status=201)


def _changed(before: Customer, after: Customer) -> Changed:
    return Changed(
        _named(before.external_id),
        CustomerAnswer.of(before),
        CustomerAnswer.of(after),
        same=before == after,
        tags=(etag_of(before.revision), etag_of(after.revision)),
    )


def _named(external_id: str) -> Of:
    return Of("customer", external_id)
