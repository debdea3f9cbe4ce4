"""POST /v1/price: asked by whoever may read contracts, and nothing is stored."""

from services.rating.paper.api import EXAMPLE
from tests.services.rating.deployment import Deployment
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


async def _rows(rating: Deployment) -> dict[str, int]:
    """Table → rows, of what pricing and applying would write."""
    tables = ("contracts", "contract_versions", "statements", "events", "meters", "audit", "exceptions")
    async with rating.context.db.transaction() as uow:
        return {
            table: await uow.connection.fetchval(f"select count(*) from rating.{table}")
            for table in tables
            if await uow.connection.fetchval("select to_regclass($1)", f"rating.{table}")
        }
