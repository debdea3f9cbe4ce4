"""Routes of the catalogue. They translate; the verbs are in usecases."""

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import Response

from services.rating.catalogue import usecases
from services.rating.catalogue.answers import MeterAnswer, MeterVersionAnswer, PlanAnswer
from services.rating.catalogue.domain.meter import MeterNotFound
from services.rating.catalogue.requests import MeterDocument, MeterTerms, PlanDocument, plan_terms
from services.rating.context import Ctx
from shared.db.unit_of_work import UnitOfWork
from shared.errors import refuses
from shared.http.answers import Listed
from shared.http.changes import Changed, ChangingCall, Of, changing
from shared.http.cursors import name_in
from shared.http.etags import IfMatch, etag_of, tagged
from shared.http.keys import requires
from shared.http.paging import Paged
from shared.pricing.faults import TermsInvalid
from shared.values.fields import Key

router = APIRouter(prefix="/v1", tags=["Catalogue"])
Change = Annotated[ChangingCall, changing("contracts:write")]


@router.post(
    "/meters",
    operation_id="create_meter",
    summary="Create a meter; stored events are added up in the background",
    status_code=201,
    response_model=MeterAnswer,
)
@refuses(usecases.MeterExists, usecases.ListPriceTaken)
async def create_meter(document: MeterDocument, context: Ctx, call: Change) -> Response:
    of, groups_max = Of("meter", document.meter), context.settings.groups_max

    async def act(uow: UnitOfWork) -> Changed:
        before, after = await usecases.create_meter(
            uow, document.meter, document, context.clock.now(), groups_max=groups_max
        )
        shown = MeterAnswer.of(before) if before else None
        return Changed(of, shown, MeterAnswer.of(after), same=before == after)

    return await call.once(act, of, status=201)


@router.put(
    "/meters/{meter}",
    operation_id="change_meter",
    summary="Replace a meter's terms",
    response_model=MeterAnswer,
)
@refuses(MeterNotFound, usecases.EventTypeFixed, usecases.FinalPeriodsCounted, usecases.ListPriceTaken)
async def change_meter(
    meter: Key,
    document: MeterTerms,
    context: Ctx,
    call: Change,
    recount_final: Annotated[
        bool,
        Query(description="Go on though final periods would be counted otherwise; their statements stay"),
    ] = False,
    _if_match: IfMatch = None,
) -> Response:
    of, groups_max = Of("meter", meter), context.settings.groups_max

    async def act(uow: UnitOfWork) -> Changed:
        before, after = await usecases.change_meter(
            uow, meter, document, context.clock.now(), groups_max=groups_max, recount_final=recount_final
        )
        return Changed(
            of,
            MeterAnswer.of(before),
            MeterAnswer.of(after),
            same=before == after,
            tags=(etag_of(before.revision), etag_of(after.revision)),
        )

    return await call.once(act, of)


@router.get(
    "/meters", operation_id="list_meters", summary="Meters by name", dependencies=[requires("contracts:read")]
)
async def list_meters(context: Ctx, page: Paged) -> Listed[MeterAnswer]:
    async with context.db.transaction() as uow:
        rows = await usecases.list_meters(uow, name_in(page) or "", page.limit + 1)
    return Listed[MeterAnswer].page(rows, page, lambda meter: [meter.meter], MeterAnswer.of)


@router.get(
    "/meters/{meter}/versions",
    operation_id="list_meter_versions",
    summary="Every version of a meter, the newest first",
    dependencies=[requires("contracts:read")],
)
@refuses(MeterNotFound)
async def list_meter_versions(meter: Key, context: Ctx) -> Listed[MeterVersionAnswer]:
    async with context.db.transaction() as uow:
        rows = await usecases.list_meter_versions(uow, meter)
    return Listed[MeterVersionAnswer](
        data=[MeterVersionAnswer.of(row) for row in rows], has_more=False, next_cursor=None
    )


@router.get(
    "/meters/{meter}", operation_id="get_meter", summary="A meter", dependencies=[requires("contracts:read")]
)
@refuses(MeterNotFound)
async def get_meter(meter: Key, context: Ctx, response: Response) -> MeterAnswer:
    async with context.db.transaction() as uow:
        found = await usecases.find_meter(uow, meter)
    tagged(response, etag_of(found.revision))
    return MeterAnswer.of(found)


@router.post(
    "/plans",
    operation_id="put_plan",
    summary="Create or replace a plan: contract terms to build on",
    status_code=201,
    response_model=PlanAnswer,
)
@refuses(TermsInvalid)
async def put_plan(document: PlanDocument, call: Change) -> Response:
    of = Of("plan", document.plan)

    async def act(uow: UnitOfWork) -> Changed:
        before, after = await usecases.put_plan(uow, document.plan, plan_terms(document))
        return Changed(of, PlanAnswer.of(before) if before else None, PlanAnswer.of(after))

    return await call.once(act, of, status=201)


@router.get(
    "/plans", operation_id="list_plans", summary="Plans by name", dependencies=[requires("contracts:read")]
)
async def list_plans(context: Ctx, page: Paged) -> Listed[PlanAnswer]:
    async with context.db.transaction() as uow:
        rows = await usecases.list_plans(uow, name_in(page) or "", page.limit + 1)
    return Listed[PlanAnswer].page(rows, page, lambda plan: [plan.plan], PlanAnswer.of)


@router.get(
    "/plans/{plan}", operation_id="get_plan", summary="A plan", dependencies=[requires("contracts:read")]
)
@refuses(usecases.PlanNotFound)
async def get_plan(plan: Key, context: Ctx) -> PlanAnswer:
    async with context.db.transaction() as uow:
        return PlanAnswer.of(await usecases.find_plan(uow, plan))
