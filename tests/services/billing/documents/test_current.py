"""An open draft is shown as rating prices it while somebody looks, and as it was heard last where rating is
away."""

import csv
import io
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import httpx2
import msgspec
import pytest

from services.billing.documents.domain.filters import DocumentFilter
from shared.db.unit_of_work import Database
from shared.http.paging import LIMIT_MAX
from shared.runtime.clock import from_us, to_us
from shared.topics.rating import STATEMENTS, EventName, StatementHeld, StatementMessage
from tests.conftest import TestDatabase
from tests.services.billing.conftest import Hear
from tests.services.billing.reading import list_documents
from tests.services.billing.statements import NOW, statement_of
from tests.serving import serving

AS_OF = "2026-01-01T00:00:00Z"
HELD = StatementHeld(
    "pricing_failed", to_us(NOW), "exc_1", "finance", "no rate", 1, (EventName("source", "id"),)
)


@dataclass
class Rating(httpx2.AsyncBaseTransport):
    """Answers as rating would: with these statements where they are newer. `asked`: what each call named."""

    statements: list[StatementMessage] = field(default_factory=list)
    resting: set[str] = field(default_factory=set)
    away: bool = False
    asked: list[list[tuple[str, str, int]]] = field(default_factory=list)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        if self.away:
            raise httpx2.ConnectError("refused")
        assert (request.method, request.url.path) == ("POST", "/v1/statements/current")
        assert request.headers["authorization"] == "Bearer service"
        named = msgspec.json.decode(await request.aread())["statements"]
        self.asked.append([(one["contract"], one["period_start"], one["revision"]) for one in named])
        return httpx2.Response(200, json={"as_of": AS_OF, "statements": [self._answer(one) for one in named]})

    def _answer(self, one: dict[str, Any]) -> dict[str, Any]:
        newer = [
            statement
            for statement in self.statements
            if (statement.contract, statement.period_start_date) == (one["contract"], one["period_start"])
            and statement.revision > one["revision"]
        ]
        return {
            "contract": one["contract"],
            "period_start": one["period_start"],
            "current": one["contract"] not in self.resting,
            "statement": STATEMENTS.encode(newer[0]).decode() if newer else None,
        }


@pytest.fixture
def rating() -> Rating:
    return Rating()


@pytest.fixture
async def api(
    database: TestDatabase, db: Database, rating: Rating, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[httpx2.AsyncClient]:
    urls = {"auditor_database_url": database.url("u2c_auditor"), "service_key": "service"}
    async with serving("billing", database, monkeypatch, **urls) as (context, client):
        context.http = httpx2.AsyncClient(transport=rating)
        yield client


async def shown(api: httpx2.AsyncClient, **asked: str) -> list[dict[str, Any]]:
    answer = await api.get("/v1/invoices", params=asked)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["data"]
    return found


async def test_a_draft_is_shown_as_it_comes_to_now_and_nothing_of_that_is_stored(
    db: Database, hear: Hear, api: httpx2.AsyncClient, rating: Rating
) -> None:
    await hear(statement_of(revision=1))
    rating.statements = [statement_of(revision=5, amounts=(700,))]
    (draft,) = await shown(api)
    assert (draft["total"], draft["statements"][0]["revision"]) == ("7.00", 5)
    assert (draft["as_of"], draft["stale"]) == (AS_OF, False)
    one = (await api.get(f"/v1/invoices/{draft['id']}")).json()
    assert one["total"] == "7.00"
    page = (await api.get(f"/v1/invoices/{draft['id']}.html")).text
    assert "$7.00" in page and "revision 5" in page
    assert rating.asked == [[("ua-2013", "2013-01-01", 1)]] * 3
    (stored,) = await list_documents(db, DocumentFilter(), None, 10)
    assert stored.total_minor == 63_655_000


@pytest.mark.parametrize(
    "newer",
    [
        statement_of(revision=5, amounts=(1, 2, 3)),
        statement_of(revision=5, amounts=()),
        statement_of(revision=5, held=HELD),
        statement_of(revision=5, legal_entity="other", currency="JPY"),
        statement_of(revision=5, final=True, amounts=(9,)),
    ],
    ids=["lines", "none", "held", "entity", "final"],
)
async def test_it_is_shown_exactly_as_it_is_once_it_was_heard(
    hear: Hear, api: httpx2.AsyncClient, rating: Rating, newer: StatementMessage
) -> None:
    told = newer if newer.final else bare(newer)
    await hear(bare(statement_of(revision=1, held=None if newer.held else HELD)))
    rating.statements = [told]

    async def both() -> tuple[Any, Any]:
        (listed,) = await shown(api)
        return listed, (await api.get(f"/v1/invoices/{listed['id']}")).json()

    by_http = await both()
    await hear(told)
    by_bus = await both()
    for one, other in zip(by_http, by_bus, strict=True):
        changing = {"as_of", "stale", "finalized_at", "number", "status", "issued_on", "due_on"}
        assert {name: one[name] for name in one if name not in changing or not newer.final} == {
            name: other[name] for name in other if name not in changing or not newer.final
        }


def bare(statement: StatementMessage) -> StatementMessage:
    """As a draft travels: without its segments."""
    lines = tuple(msgspec.structs.replace(line, segments=()) for line in statement.lines)
    return msgspec.structs.replace(statement, lines=lines)


async def test_a_draft_that_rating_may_not_price_yet_says_how_old_it_is(
    hear: Hear, api: httpx2.AsyncClient, rating: Rating
) -> None:
    revision = to_us(NOW)
    await hear(statement_of(revision=revision, watermark_us=1), statement_of("aa", "AA"))
    rating.resting = {"ua-2013"}
    by_contract = {draft["contract"]: draft for draft in await shown(api)}
    stale = by_contract["ua-2013"]
    assert (stale["stale"], stale["as_of"]) == (True, f"{from_us(revision):%Y-%m-%dT%H:%M:%SZ}")
    assert (by_contract["aa"]["stale"], by_contract["aa"]["as_of"]) == (False, AS_OF)
    page = (await api.get(f"/v1/invoices/{stale['id']}.html")).text
    assert f"usage since {from_us(revision):%Y-%m-%d %H:%M:%S} UTC may be missing" in page


@pytest.mark.parametrize("fault", ["refused", "503", "strange"])
async def test_while_rating_is_away_billing_shows_what_it_heard_last(
    hear: Hear, api: httpx2.AsyncClient, rating: Rating, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    await hear(statement_of(revision=to_us(NOW), watermark_us=1))
    rating.away = fault == "refused"
    if fault != "refused":

        async def answered(self: Rating, request: httpx2.Request) -> httpx2.Response:
            return httpx2.Response(503 if fault == "503" else 200, json={"no": "statement"})

        monkeypatch.setattr(Rating, "handle_async_request", answered)
    (draft,) = await shown(api)
    assert (draft["total"], draft["stale"], draft["as_of"]) == (
        "636550.00",
        True,
        f"{NOW:%Y-%m-%dT%H:%M:%SZ}",
    )


async def test_a_page_of_documents_that_change_no_more_asks_nothing(
    hear: Hear, hear_customers: Hear, api: httpx2.AsyncClient, rating: Rating
) -> None:
    await hear_customers()
    await hear(statement_of("ua-2013", final=True), statement_of("aa", "AA", final=True))
    drafts = await shown(api)
    assert len(drafts) == 2 and rating.asked == []
    assert [(draft["as_of"], draft["stale"]) for draft in drafts] == [(None, False)] * 2
    await api.get(f"/v1/invoices/{drafts[0]['id']}")
    assert await shown(api, status="finalized") is not None and rating.asked == []


async def test_a_page_asks_once_for_what_it_shows_and_no_more(
    hear: Hear, api: httpx2.AsyncClient, rating: Rating
) -> None:
    await hear(*(statement_of(f"c{n:03}", f"C{n}") for n in range(201)))
    assert len(await shown(api, limit="200")) == 200
    assert [len(call) for call in rating.asked] == [200]


async def test_more_drafts_than_rating_answers_at_once_are_asked_for_in_parts(
    hear: Hear, api: httpx2.AsyncClient, rating: Rating
) -> None:
    """A download takes more rows at once than a page of the list may have."""
    contracts = [f"c-{number:03}" for number in range(LIMIT_MAX + 5)]
    await hear(*[statement_of(contract=contract, revision=1) for contract in contracts])
    rating.statements = [
        statement_of(contract=contract, revision=5, amounts=(700,)) for contract in contracts
    ]
    answer = await api.get("/v1/invoices", headers={"Accept": "text/csv"})
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert len(rows) == len(contracts) and {row["total"] for row in rows} == {"7.00"}
    assert sorted(map(len, rating.asked)) == [5, LIMIT_MAX]
