"""POST /v1/price: asked by whoever may read contracts, and nothing is stored."""

import asyncio
from collections import Counter
from decimal import Decimal
from threading import Event
from typing import Any

import pytest

from services.rating.paper.api import EXAMPLE
from services.rating.paper.memory import QUESTIONS_MAX, Desk, QuestionsWaiting
from tests.services.rating.deployment import Deployment, event, terms, utc
from tests.services.rating.paper.questions import ask, question, used


async def test_it_answers_as_the_command_line_does_and_stores_nothing(rating: Deployment) -> None:
    before = await _rows(rating)
    for asked in (EXAMPLE, question(usage=[used("12")])):
        answer = await rating.client.post("/v1/price", json=asked)
        assert answer.status_code == 200, answer.text
        assert answer.json() == ask(asked)
    assert await _rows(rating) == before


async def test_a_refusal_is_a_problem_with_its_paths(rating: Deployment) -> None:
    refused = await rating.client.post("/v1/price", json=question(until="soon"))
    assert (refused.status_code, refused.json()["code"]) == (422, "question_invalid")
    assert [fault["path"] for fault in refused.json()["errors"]] == ["until"]
    unread = await rating.client.post("/v1/price", content=b"{", headers={"Content-Type": "application/json"})
    assert (unread.status_code, unread.json()["code"]) == (400, "document_unreadable")


async def test_it_is_the_statement_that_a_signed_contract_gets(rating: Deployment) -> None:
    """The same terms and events, once as a question and once signed, sent and priced: line by line to the cent."""
    await rating.customer("acme")
    await rating.meter("calls", aggregation="sum", field="n", group_by=["model"])
    rates = [{"model": "a", "unit": "0.333"}, {"unit": "2"}]
    over: dict[str, Any] = {
        "lines": [
            {
                "key": "calls",
                "kind": "usage",
                "meter": "calls",
                "included": "5.5",
                "maximum": "90",
                "price": {"model": "matrix", "dimensions": ["model"], "rates": rates},
            },
            {"key": "fee", "kind": "recurring", "amount": "31"},
        ],
        "discounts": [{"key": "deal", "percent": "12.5", "until": "2024-01-20"}],
        "phases": [{"from": "2024-01-01", "minimum_spend": "40"}],
        "credits": [{"key": "gift", "amount": "25", "expires": "2024-01-25"}],
        "commitments": [{"key": "half", "amount": "70", "period": {"months": 1}, "overage_percent": "120"}],
    }
    signed = terms("acme-1", "acme", **over)
    await rating.apply(signed)
    sent = [
        (f"e{n}", utc(f"2024-01-{n:02}T0{n % 9}:30:00"), {"n": f"{n}.25", "model": "abc"[n % 3]})
        for n in range(1, 29)
    ]
    await rating.send(*[event(name, "acme", at, data) for name, at, data in sent])
    await rating.advance(utc("2024-02-01T00:00:00"))
    await rating.settled()
    stated = await rating.statement("acme-1", "2024-01-01")
    meter = {
        "meter": "calls",
        "event_type": "call",
        "aggregation": "sum",
        "field": "n",
        "group_by": ["model"],
    }
    events = [{"id": name, "type": "call", "time": at.isoformat(), "data": data} for name, at, data in sent]
    asked = {"versions": [signed], "meters": [meter], "events": events, "until": "2024-02-01"}
    answer = await rating.client.post("/v1/price", json=asked)
    assert answer.status_code == 200, answer.text
    (priced,) = answer.json()["statements"]
    assert [(one["key"], one["amount"]) for one in priced["lines"]] == [
        (one["key"], one["amount"]) for one in stated["lines"]
    ]
    assert priced["subtotal"] == stated["subtotal"] and len(priced["lines"]) > 2
    kept = await rating.stored("acme-1", "2024-01-01")
    drawn = {line.key: sum(draw.amount_minor for draw in line.draws) for line in kept.lines if line.draws}
    told: Counter[str] = Counter()
    for one in priced["draws"]:
        told[one["line"]] += int(Decimal(one["amount"]) * 100)
    assert drawn == dict(told) and sum(drawn.values()) == 2500


async def test_questions_are_answered_one_after_the_other_and_so_many_wait() -> None:
    """None of them takes a thread that other calls wait for."""
    desk, go, running = Desk(), Event(), 0

    def answer() -> int:
        nonlocal running
        running += 1
        seen = running
        go.wait()
        running -= 1
        return seen

    asked = [asyncio.ensure_future(desk.answer(answer)) for _ in range(QUESTIONS_MAX)]
    assert await asyncio.to_thread(lambda: "answered") == "answered"
    assert desk.questions == QUESTIONS_MAX
    with pytest.raises(QuestionsWaiting, match=f"{QUESTIONS_MAX} questions") as refused:
        await desk.answer(answer)
    assert refused.value.retry_after_s
    go.set()
    assert await asyncio.gather(*asked) == [1] * QUESTIONS_MAX, "one at a time"
    assert await desk.answer(answer) == 1, "there is room again"


async def _rows(rating: Deployment) -> dict[str, int]:
    """Table → rows, of what pricing and applying would write."""
    tables = ("contracts", "contract_versions", "statements", "events", "meters", "audit", "exceptions")
    async with rating.context.db.transaction() as uow:
        return {
            table: await uow.connection.fetchval(f"select count(*) from rating.{table}")
            for table in tables
            if await uow.connection.fetchval("select to_regclass($1)", f"rating.{table}")
        }
