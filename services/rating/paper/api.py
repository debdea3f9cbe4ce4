"""The route of questions. It translates; the verb is in usecases."""

from functools import partial
from typing import Any

from fastapi import APIRouter, Request

from services.rating.metering.domain.paper import EventsUnread
from services.rating.paper.answers import PaperAnswer
from services.rating.paper.domain.question import QuestionInvalid
from services.rating.paper.memory import Ctx, QuestionsWaiting
from services.rating.paper.requests.schema import question_schema
from services.rating.paper.usecases import answer_question
from shared.documents.faults import DocumentTypeUnsupported, DocumentUnreadable
from shared.errors import refuses
from shared.http.changes import changes_nothing
from shared.http.keys import requires
from shared.pricing.escalator import PriceOutOfBounds
from shared.pricing.faults import ClauseNotPricedYet, TermsInvalid
from shared.pricing.figures import FiguresOutOfBounds
from shared.pricing.layout import TooManyEdges
from shared.pricing.models.matrix import NoRateForGroup
from shared.pricing.steps.without_rate import UsageWithoutRate

router = APIRouter(prefix="/v1", tags=["Pricing on paper"])
EXAMPLE: dict[str, Any] = {
    "versions": [
        {
            "contract": "acme-2026",
            "customer": "acme",
            "currency": "USD",
            "timezone": "America/New_York",
            "term": {"start": "2026-01-01", "months": 12},
            "lines": [
                {
                    "key": "api",
                    "kind": "usage",
                    "meter": "api_calls",
                    "price": {"model": "per_unit", "unit": "0.02"},
                }
            ],
        }
    ],
    "usage": [{"line": "api", "from": "2026-01-01", "to": "2026-02-01", "quantity": "1250"}],
    "until": "2026-02-01",
}
BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": question_schema(), "example": EXAMPLE}},
    }
}


@router.post(
    "/price",
    operation_id="price_on_paper",
    summary="What terms and usage come to, period by period; nothing is stored",
    dependencies=[requires("contracts:read")],
    openapi_extra=BODY,
)
@refuses(
    DocumentUnreadable,
    DocumentTypeUnsupported,
    QuestionInvalid,
    TermsInvalid,
    ClauseNotPricedYet,
    EventsUnread,
    UsageWithoutRate,
    NoRateForGroup,
    PriceOutOfBounds,
    TooManyEdges,
    FiguresOutOfBounds,
    QuestionsWaiting,
)
@changes_nothing("it answers a question, and stores nothing")
async def price_on_paper(request: Request, context: Ctx) -> PaperAnswer:
    """Every period that begins before `until` is answered, oldest first: what ends by then as final, else as of that
    instant. With `usage` by line no meter is needed."""
    body, content_type = await request.body(), request.headers.get("content-type", "")
    return await context.state.desk.answer(partial(_answered, body, content_type))


def _answered(body: bytes, content_type: str) -> PaperAnswer:
    """The answer whole: ten thousand lines with their steps take as long to write as to price."""
    return PaperAnswer.of(*answer_question(body, content_type))
