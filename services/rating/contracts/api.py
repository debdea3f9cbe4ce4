"""Routes of contracts. They translate; the verbs are in usecases."""

import asyncio
from operator import attrgetter
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse, Response

from services.rating.context import Ctx
from services.rating.contracts.answers import (
    EXAMPLE,
    ContractAnswer,
    ContractVersionAnswer,
    TermsSchemaAnswer,
    VersionAnswer,
    WholeContractAnswer,
)
from services.rating.contracts.rows import ContractFilter, ContractRow
from services.rating.contracts.usecases import find as usecases
from services.rating.contracts.usecases.apply import (
    CustomerUnknown,
    MeterUnknown,
    PlanUnknown,
    VersionsExhausted,
    apply_document,
)
from services.rating.contracts.usecases.find import ContractNotFound
from services.rating.contracts.usecases.refuse_double_pricing import MeterPricedTwice
from services.rating.contracts.usecases.refuse_other_spelling import LegalEntitySpelling
from services.rating.corrections.usecases.refuse_reaching_final import (
    ReachesFinal,
    ReachesFinalPeriods,
    what_would_change,
)
from services.rating.statements.usecases.price import in_one_snapshot
from shared.db.unit_of_work import UnitOfWork
from shared.documents.faults import UNREADABLE
from shared.documents.reading import read_document
from shared.errors import refuses
from shared.http.answers import CountAnswer, Listed
from shared.http.changes import Changed, ChangingCall, Of, changing
from shared.http.keys import requires
from shared.http.sorting import INSTANT, TEXT, Listing, Q, SortKey, listing
from shared.pricing.faults import ClauseNotPricedYet, TermsInvalid
from shared.pricing.language import terms_json_schema
from shared.values.fields import AskedSubject, Key

router = APIRouter(prefix="/v1/contracts", tags=["Contracts"])
SORTS = {
    "contract": SortKey(TEXT, attrgetter("contract")),
    "created_at": SortKey(INSTANT, attrgetter("created_at")),
}
Sorted = Annotated[Listing[ContractRow], listing(SORTS, "contract", attrgetter("contract"))]
TERMS_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "title": "ContractTerms",
                    "type": "object",
                    "description": "A terms document; its schema is GET /v1/contracts/schema. As YAML it is sent under application/yaml",
                },
                "example": EXAMPLE,
            },
        },
    },
}


@router.post(
    "",
    operation_id="apply_contract",
    summary="Apply a terms document: the first or the next version of its contract",
    status_code=201,
    response_model=ContractVersionAnswer,
    openapi_extra=TERMS_BODY,
    responses={200: {"description": "What it would be, of a dry run", "model": ContractVersionAnswer}},
)
@refuses(
    *UNREADABLE,
    TermsInvalid,
    ClauseNotPricedYet,
    CustomerUnknown,
    MeterUnknown,
    PlanUnknown,
    VersionsExhausted,
    MeterPricedTwice,
    LegalEntitySpelling,
    ReachesFinalPeriods,
)
async def apply_contract(
    request: Request,
    context: Ctx,
    call: Annotated[ChangingCall, changing("contracts:write")],
    dry_run: Annotated[bool, Query(description="Validate and show the version, record nothing")] = False,
    corrects_final: Annotated[
        bool,
        Query(description="Correct the final periods that it reaches into, at the contract's next close"),
    ] = False,
) -> Response:
    document = await asyncio.to_thread(
        read_document, await request.body(), request.headers.get("content-type", "")
    )
    now = context.clock.now()

    async def would_be() -> Response:
        async with context.db.transaction() as uow:
            applied = await apply_document(uow, document, now, dry_run=True, corrects_final=corrects_final)
        return JSONResponse(ContractVersionAnswer.of(applied, dry_run=True).as_json())

    async def act(uow: UnitOfWork) -> Changed:
        applied = await apply_document(uow, document, now, corrects_final=corrects_final)
        before, after = await usecases.newest_versions(uow, applied.contract, created=applied.created)
        return Changed(
            Of("contract", applied.contract),
            VersionAnswer.of(before) if before else None,
            VersionAnswer.of(after),
            answer=ContractVersionAnswer.of(applied, dry_run=False),
            same=not applied.created,
        )

    try:
        return await (would_be() if dry_run else call.once(act, status=201))
    except ReachesFinal as fault:
        reached = fault

    async def refusal(uow: UnitOfWork) -> ReachesFinalPeriods:
        return await what_would_change(uow, reached, now)

    raise await in_one_snapshot(context.db, refusal)


@router.get(
    "/schema",
    operation_id="contract_schema",
    summary="The JSON Schema of a terms document",
    dependencies=[requires("contracts:read")],
)
async def contract_schema() -> TermsSchemaAnswer:
    return TermsSchemaAnswer(terms_json_schema())


@router.get("", operation_id="list_contracts", summary="Contracts", dependencies=[requires("contracts:read")])
async def list_contracts(
    context: Ctx,
    sorted_: Sorted,
    customer: Annotated[AskedSubject | None, Query(description="External id of the customer")] = None,
    q: Q = None,
) -> Listed[ContractAnswer]:
    """`q` is the beginning of a contract's name or of its customer's external id."""
    now, wanted = context.clock.now(), ContractFilter(customer, q)
    async with context.db.transaction() as uow:
        rows, chains = await usecases.list_contracts(uow, wanted, sorted_.window)
        found = await usecases.count_contracts(uow, wanted) if sorted_.count else None
    return Listed[ContractAnswer].page(
        rows,
        sorted_.page,
        sorted_.place,
        lambda row: ContractAnswer.of(row, chains[row.contract], now),
        CountAnswer.of(found),
    )


@router.get(
    "/{contract}",
    operation_id="get_contract",
    summary="A contract with its chain of versions",
    dependencies=[requires("contracts:read")],
)
@refuses(ContractNotFound)
async def get_contract(contract: Key, context: Ctx) -> WholeContractAnswer:
    async with context.db.transaction() as uow:
        found, versions = await usecases.find_contract(uow, contract)
    return WholeContractAnswer.of(found, versions, context.clock.now())
