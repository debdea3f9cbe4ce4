"""Questions as people ask them, and what they are answered."""

import json
from typing import Any

from services.rating.paper.answers import PaperAnswer
from services.rating.paper.usecases import answer_question
from tests.shared.pricing.contracts import document

METER = {"meter": "calls", "event_type": "call", "aggregation": "sum", "field": "n"}


def question(*versions: dict[str, Any], **over: Any) -> dict[str, Any]:
    return {"versions": list(versions or (document(),)), "until": "2026-02-01", **over}


def ask(asked: dict[str, Any]) -> Any:
    return PaperAnswer.of(*answer_question(json.dumps(asked).encode())).as_json()


def totals(asked: dict[str, Any]) -> list[str]:
    return [statement["total"] for statement in ask(asked)["statements"]]


def used(quantity: str, at: str = "2026-01-15", **over: Any) -> dict[str, Any]:
    return {"line": "api", "at": at, "quantity": quantity, **over}


def event(name: str, at: str, n: object = 1, **data: Any) -> dict[str, Any]:
    return {"id": name, "type": "call", "time": at, "data": {"n": n, **data}}
