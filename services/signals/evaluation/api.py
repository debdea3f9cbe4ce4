"""Where customers stand, for customer success: now, and as of any earlier instant."""

from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query

from services.signals.domain.shown import shown
from services.signals.domain.values import DEFINITIONS, values_of
from services.signals.evaluation.judging import judge_history
from services.signals.evaluation.repository import EvaluationRepository
from services.signals.evaluation.standing import Standing, dated, evaluated, known_customer, standing
from services.signals.heard.activity_repository import ActivityRepository
from services.signals.parameters import Day, Instant
from shared.errors import AppError
from shared.http.examples import answers_with
from shared.http.keys import requires
from shared.http.paging import CursorInvalid, Page, Paged, listed
from shared.service import Ctx
from shared.values.fields import AskedMeter, AskedSubject

router = APIRouter(prefix="/v1", tags=["Signals"])
READ = requires("signals:read")
ACTIVITY_DAYS_MAX, ACTIVITY_DAYS = 400, 35
At = Annotated[Instant | None, Query(description="As it was evaluated at this instant of business time; nothing: now")]


class SpanTooLong(AppError):
    """Activity is shown for at most 400 days at once."""


@router.get("/customers", operation_id="list_customer_signals", dependencies=[READ], summary="Where every customer stands")
async def list_standings(
    context: Ctx, page: Paged, at: At = None,
    at_risk: Annotated[bool | None, Query(description="Only customers at risk, or only those that are not")] = None,
    sort: Annotated[Literal["customer", "risk"], Query(description="By id, or the highest risk score first")] = "customer",
) -> dict[str, Any]:
    now, by_risk = at or context.clock.now(), sort == "risk"
    async with context.db.transaction() as uow:
        rows = await EvaluationRepository(uow.connection).standings_page(now, at_risk, _after(page, by_risk), page.limit + 1, by_risk=by_risk)
    return listed(rows, page, lambda row: [-row["score"] if by_risk else 0, row["external_id"]], lambda row: _summary(row, dated(row)))


def _after(page: Page, by_risk: bool) -> tuple[int, str] | None:
    """The place a cursor names; raises CursorInvalid for one of another order."""
    if page.after is None:
        return None
    if len(page.after) != 2 or not isinstance(page.after[0], int) or not isinstance(page.after[1], str) or (page.after[0] != 0 and not by_risk):
        raise CursorInvalid()
    return page.after[0], page.after[1]


@router.get("/customers/{external_id}/signals", operation_id="get_customer_signals", dependencies=[READ],
            summary="Every value with unit, definition and evidence; consumption and last seen this moment",
            responses=answers_with(Path(__file__).parents[1], "customer_signals"))
async def get_signals(external_id: AskedSubject, context: Ctx, at: At = None) -> dict[str, Any]:
    """Without `at` the answer also says what is known this moment: `last_seen_at`, `meters`, `contracts`."""
    now = context.clock.now()
    async with context.db.transaction() as uow:
        customer = await known_customer(uow.connection, external_id)
        document = await evaluated(uow.connection, customer, at or now)
        live = await standing(uow.connection, customer, now) if at is None else None
    return {
        "object": "customer_signals", "customer": external_id, "name": customer["name"], **(_live(live) if live else {"at": shown(at)}),
        "evaluated": shown(document), "values": values_of(shown(document)) if document else [],
        "definitions": {name: definition for name, (_, definition) in DEFINITIONS.items()},
    }


@router.get("/customers/{external_id}/activity", operation_id="get_customer_activity", dependencies=[READ],
            summary="Events by meter and UTC day: the evidence of what is said of a customer")
async def get_activity(
    external_id: AskedSubject, context: Ctx, since: Day | None = None,
    until: Annotated[Day | None, Query(description="Exclusive; default: today")] = None,
    meter: Annotated[AskedMeter | None, Query(description="A meter, or type: and an event type that no meter takes")] = None,
) -> dict[str, Any]:
    end = until or context.clock.now().date() + timedelta(days=1)
    first = since or end - timedelta(days=ACTIVITY_DAYS)
    if (end - first).days > ACTIVITY_DAYS_MAX:
        raise SpanTooLong()
    async with context.db.transaction() as uow:
        customer = await known_customer(uow.connection, external_id)
        rows = await ActivityRepository(uow.connection).days(customer["customer_id"], meter, first, end)
    span = {"since": first.isoformat(), "until": end.isoformat()}
    return {"object": "activity", "customer": external_id, **span, "days": [shown(dict(row)) for row in rows]}


@router.get("/signals/progress", operation_id="get_signals_progress", dependencies=[READ],
            summary="Until when customers are evaluated, and what is due")
async def get_progress(context: Ctx) -> dict[str, Any]:
    now: datetime = context.clock.now()
    async with context.db.transaction() as uow:
        row = await EvaluationRepository(uow.connection).progress(now)
    return {"object": "signals_progress", "now": shown(now), **shown(dict(row))}


@router.get("/backtest", operation_id="get_backtest", dependencies=[READ],
            summary="For each month, what the score said and what the next three months did")
async def get_backtest(context: Ctx) -> dict[str, Any]:
    async with context.db.transaction() as uow:
        found = await judge_history(uow.connection, context.clock.now().date())
    return {"object": "backtest", "policy": context.state["policy"].version, **shown(found)}


def _live(found: Standing) -> dict[str, Any]:
    said: dict[str, Any] = shown(asdict(found))
    return said


def _summary(customer: Any, document: dict[str, Any] | None) -> dict[str, Any]:
    """One line: the states a person looks for first."""
    base = {"object": "customer_standing", "customer": customer["external_id"], "name": customer["name"]}
    if document is None:
        return base | {"day": None}
    said = shown(document)
    contracts = {
        name: {"activation": (part["activation"] or {}).get("state"), "renewal_due": (part["renewal"] or {}).get("due"),
               "at_risk": part["risk"]["at_risk"], "risk_score": part["risk"]["score"],
               "consumed": [{key: one[key] for key in ("kind", "line", "share", "elapsed", "pace")} for one in part["consumption"]]}
        for name, part in said["contracts"].items()
    }
    return base | {
        "day": said["day"], "last_seen_on": said["last_seen_on"], "trend": said["trend"]["latched"], "trend_change": said["trend"].get("change"),
        "trend_month_six": (said["trend_month_six"] or {}).get("trend"), "silent_meters": [m for m, one in said["meters"].items() if one["silent"]],
        "risk_score": said["risk"]["score"], "contracts": contracts,
    }
