"""Any list as CSV: the whole of it, inert in a spreadsheet, its numbers numbers, and broken where it was broken off."""

import asyncio
import csv
import io
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import httpx2
import msgspec
import pytest
import uvicorn
from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute
from hypothesis import given
from hypothesis import strategies as st
from starlette.types import Message, Receive, Scope, Send

from services.rating.main import app
from shared.http.answers import Amount, Answer, Instant, Listed, Quantity, WorthAnswer
from shared.http.cells import FORMULA, columns_of, head_of, lines_of, text
from shared.http.export import Export, asked_for_csv
from shared.http.page import Cells
from shared.http.paging import DOWNLOADED_AT_ONCE, Paged
from shared.runtime.context import AnyContext
from tests.conftest import TestDatabase
from tests.serving import serving
from tests.waiting import until
from u2c.deployment.ports import first_free_ports

UTC, NEW_YORK = ZoneInfo("UTC"), ZoneInfo("America/New_York")
Rating = tuple[AnyContext, httpx2.AsyncClient]
#: More than two pages of a download.
MANY = 2 * DOWNLOADED_AT_ONCE + 7


class Part(Answer):
    kind: str
    within: Quantity | None


class Row(Answer):
    object: Literal["row"] = "row"
    name: str
    total: Amount
    at: Instant | None
    part: Part | None
    worth: list[WorthAnswer]
    open: bool
    rows: int


def _lines(rows: list[dict[str, Any]], zone: ZoneInfo = UTC) -> list[list[str]]:
    columns = columns_of(Row)
    return list(csv.reader(io.StringIO(head_of(columns, zone) + lines_of(rows, columns, zone))))


def _row(**changes: Any) -> dict[str, Any]:
    plain: dict[str, Any] = {
        "object": "row",
        "name": "acme",
        "total": "1.00",
        "at": None,
        "part": None,
        "worth": [],
        "open": True,
    }
    return {**plain, "rows": 3, **changes}


def test_parts_are_columns_lists_are_cells_and_what_is_absent_is_empty() -> None:
    worth = [{"currency": "USD", "amount": "-12.00"}]
    head, *lines = _lines([_row(), _row(part={"kind": "a", "within": "1.5"}, worth=worth, total="-12.00")])
    assert head == ["name", "total", "at (UTC)", "part.kind", "part.within", "worth", "open", "rows"]
    assert lines == [
        ["acme", "1.00", "", "", "", "[]", "true", "3"],
        ["acme", "-12.00", "", "a", "1.5", '[{"currency":"USD","amount":"-12.00"}]', "true", "3"],
    ]


def test_rows_may_come_as_cells_among_others() -> None:
    """Cells of JSON as their text, instants as they are; what they do not name is empty."""
    worth = [{"currency": "USD", "amount": "-12.00"}]
    at = datetime(2024, 11, 3, 5, 30, tzinfo=UTC)
    said = _row(name='=a"', part={"kind": "b", "within": None}, worth=worth, at="2024-11-03T05:30:00Z")
    made = {"name": '=a"', "total": "1.00", "at": at, "part.kind": "b", "open": True, "rows": 3}
    made["worth"] = msgspec.Raw(msgspec.json.encode(worth))
    columns = columns_of(Row)
    line = lines_of([said], columns, NEW_YORK)
    for rows in ([Cells(made)], [said, Cells(made), said], [Cells(made), said, said]):
        assert lines_of(rows, columns, NEW_YORK) == line * len(rows)
    assert lines_of([], columns, NEW_YORK) == ""


def test_a_number_is_no_text_and_a_credit_still_sums() -> None:
    columns = columns_of(Row)
    written = lines_of([_row(total="-12.00"), _row(total="30.50")], columns, UTC)
    cells = [line.split(",")[1] for line in written.splitlines()]
    assert sum(map(Decimal, cells)) == Decimal("18.50"), "no quotation mark, no apostrophe"


@pytest.mark.parametrize("first", FORMULA)
def test_no_text_is_a_formula(first: str) -> None:
    for value in (f"{first}1+1", f'{first}cmd|" /C calc"!A0', first):
        [_head, line] = _lines([_row(name=value)])
        assert line[0] == f"'{value}"
    assert text("1-2") == '"1-2"'


@given(st.text(st.characters(codec="utf-8")))
def test_a_text_comes_back_as_it_was_whatever_separates_cells(value: str) -> None:
    [[read]] = csv.reader(io.StringIO(text(value), newline=""), strict=True) if value else [[""]]
    assert read.removeprefix("'" if value.startswith(FORMULA) else "") == value
    # A spreadsheet that separates by semicolons finds no cell of its own in a text either.
    if value:
        assert len(next(csv.reader(io.StringIO(text(value), newline=""), delimiter=";"))) == 1


def test_the_zone_is_in_the_head_and_an_hour_that_comes_twice_says_which() -> None:
    at = ["2024-01-01T12:00:00Z", "2024-11-03T05:30:00Z", "2024-11-03T06:30:00.5Z", "2024-11-03T07:30:00Z"]
    head, *lines = _lines([_row(at=one) for one in at], NEW_YORK)
    assert head[2] == "at (America/New_York)"
    assert [line[2] for line in lines] == [
        "2024-01-01 07:00:00",
        "2024-11-03 01:30:00-04:00",
        "2024-11-03 01:30:00.500000-05:00",
        "2024-11-03 02:30:00",
    ]


@pytest.mark.parametrize(
    ("accept", "wanted"),
    [
        ("text/csv", {}),
        ("TEXT/CSV; Zone=Asia/Tokyo", {"zone": "Asia/Tokyo"}),
        ("application/json;q=0.5, text/csv;q=0.9", {}),
        ("*/*", None),
        ("", None),
        ("text/csv;q=0.1, application/json", None),
        ("text/csv;q=0", None),
        ("text/csv;q=many", None),
        ("text/csvx", None),
    ],
)
def test_csv_is_answered_to_who_likes_it_best(accept: str, wanted: dict[str, str] | None) -> None:
    assert asked_for_csv(accept) == wanted


@pytest.fixture
async def rating(database: TestDatabase, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Rating]:
    async with serving("rating", database, monkeypatch) as (context, client):
        await context.db.pool.execute(
            """insert into rating.customers (customer_id, external_id, name, legal_entity, timezone, revision,
                created_at)
               select 'cus_' || n, '=many' || n, case when n % 2 = 0 then '@even' else 'odd' end, 'default', 'UTC', 1,
                   timestamptz '2024-01-01' + n * interval '1 second'
               from generate_series(1, $1) n""",
            MANY,
        )
        yield context, client


async def _csv(client: httpx2.AsyncClient, path: str, accept: str = "text/csv") -> list[dict[str, str]]:
    answer = await client.get(path, headers={"accept": accept})
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "text/csv; header=present; charset=utf-8"
    return list(csv.DictReader(io.StringIO(answer.text)))


async def test_a_csv_is_all_that_the_list_has_as_it_was_asked_for(rating: Rating) -> None:
    _context, client = rating
    for asked in ({}, {"sort": "-created_at"}, {"sort": "name", "q": "@EV"}, {"q": "none"}):
        rows: list[dict[str, Any]] = []
        cursor: dict[str, str] = {}
        while True:
            page = (await client.get("/v1/customers", params={**asked, **cursor})).json()
            rows += page["data"]
            if not page["has_more"]:
                break
            cursor = {"cursor": page["next_cursor"], "limit": "200"}
        lines = await _csv(client, f"/v1/customers?{urlencode(asked)}")
        assert [line["external_id"] for line in lines] == [f"'{row['external_id']}" for row in rows]
        assert [line["name"].removeprefix("'") for line in lines] == [row["name"] for row in rows]
        assert [line["revision"] for line in lines] == [str(row["revision"]) for row in rows]
    answer = await client.get("/v1/customers", headers={"accept": "text/csv"})
    assert answer.headers["content-disposition"] == 'attachment; filename="customers.csv"'
    # A list that has no pages, and one without a row.
    assert await _csv(client, "/v1/plans") == []
    [first, *_] = await _csv(client, "/v1/customers?sort=created_at", "text/csv; zone=Asia/Tokyo")
    assert first["created_at (Asia/Tokyo)"] == "2024-01-01 09:00:01"


async def test_what_cannot_be_a_csv_says_why(rating: Rating) -> None:
    context, client = rating
    for path, accept, status, code in (
        ("/v1/customers?limit=5", "text/csv", 422, "csv_is_whole"),
        ("/v1/customers?count=true", "text/csv", 422, "csv_is_whole"),
        ("/v1/customers?cursor=x", "text/csv", 422, "csv_is_whole"),
        ("/v1/customers", "text/csv; zone=Mars/Olympus", 422, "csv_zone_unknown"),
        ("/v1/customers?sort=none", "text/csv", 422, "body_invalid"),
        ("/v1/customers?colour=red", "text/csv", 422, "query_parameter_unknown"),
        ("/v1/customers/none", "text/csv", 406, "csv_not_offered"),
        ("/v1/customers/none", "text/csv, */*;q=0.1", 404, "customer_not_found"),
    ):
        answer = await client.get(path, headers={"accept": accept})
        assert (answer.status_code, answer.json()["code"]) == (status, code), path
        assert answer.headers["content-type"] == "application/problem+json"
    await context.db.pool.execute("update rating.access_keys set scopes = '{usage:read}'")
    await context.keys.refresh()
    answer = await client.get("/v1/customers", headers={"accept": "text/csv"})
    assert (answer.status_code, answer.json()["code"]) == (403, "scope_missing")


async def test_a_list_says_in_the_document_that_it_is_offered_as_csv(rating: Rating) -> None:
    _context, client = rating
    document = (await client.get("/openapi.json")).json()
    for path, offered in (("/v1/customers", True), ("/v1/customers/{external_id}", False)):
        answers = document["paths"][path]["get"]["responses"]
        assert ("text/csv" in answers["200"]["content"]) is offered
        assert "csv_not_offered" in answers["406"]["x-error-codes"]
    said = document["paths"]["/v1/customers"]["get"]["responses"]["200"]["content"]["text/csv"]["schema"]
    assert "external_id, name, aliases, legal_entity" in said["description"]


async def test_a_download_that_breaks_is_a_failed_download(rating: Rating) -> None:
    """Its key is revoked between two pages: whoever downloads hears that the rest is missing."""
    context, client = rating
    breaks = True

    async def revoking(scope: Scope, receive: Receive, send: Send) -> None:
        async def told(message: Message) -> None:
            if breaks and scope["path"] == "/v1/customers" and message.get("body", b"").count(b"\n") > 1:
                await context.db.pool.execute("update rating.access_keys set revoked = true")
                await context.keys.refresh()
            await send(message)

        await app(scope, receive, told)

    [port] = first_free_ports(1)
    server = uvicorn.Server(uvicorn.Config(revoking, port=port, log_level="critical", lifespan="off"))
    task = asyncio.create_task(server.serve())
    try:
        await until(lambda: _started(server))
        url = f"http://127.0.0.1:{port}/v1/customers"
        headers = {"accept": "text/csv", "authorization": client.headers["authorization"]}
        async with httpx2.AsyncClient(headers=headers) as caller:
            with pytest.raises(httpx2.RemoteProtocolError, match="incomplete"):
                await caller.get(url)
            breaks = False
            await context.db.pool.execute("update rating.access_keys set revoked = false")
            await context.keys.refresh()
            whole = (await caller.get(url)).text
            assert len(whole.splitlines()) == MANY + 1
            head = await caller.head(url)
            assert head.status_code == 200 and not head.content
        assert (await _by_http_1_0(port, client.headers["authorization"])).startswith(b"HTTP/1.1 406")
    finally:
        server.should_exit = True
        await task


class Number(Answer):
    number: int


@dataclass
class Numbers:
    """A list of numbers that is downloaded, `pages` of it. `asked`: after which numbers its pages were asked for; who asks
    for the page after `holds` waits until it is `let_go`; `sent`: what has been sent, which waits for `taken` after the head."""

    pages: int
    holds: int = -1
    asked: list[int] = field(default_factory=list)
    sent: list[bytes] = field(default_factory=list)
    let_go: asyncio.Event = field(default_factory=asyncio.Event)
    taken: asyncio.Event = field(default_factory=asyncio.Event)
    ended: list[int] = field(default_factory=list)

    async def listed(self, page: Paged) -> Listed[Number]:
        after = page.after[0] if page.after else 0
        self.asked.append(after)
        try:
            if after == self.holds:
                await self.let_go.wait()
        finally:
            self.ended.append(after)
        last = min(after + page.limit + 1, self.pages * DOWNLOADED_AT_ONCE)
        rows = range(after + 1, last + 1)
        return Listed[Number].page(rows, page, lambda row: [row], lambda row: Number(number=row))

    async def download(self) -> None:
        router = APIRouter()
        router.add_api_route("/v1/numbers", self.listed, methods=["GET"])
        app = FastAPI()
        app.include_router(router)
        scope: Scope = {
            "type": "http",
            "method": "GET",
            "path": "/v1/numbers",
            "query_string": b"",
            "http_version": "1.1",
            "headers": [(b"accept", b"text/csv")],
            "asgi": {"version": "3.0", "spec_version": "2.4"},
        }
        routes = [route for route in router.routes if isinstance(route, APIRoute)]
        await Export(app, routes)(scope, self._receive, self._send)

    async def _receive(self) -> Message:
        await asyncio.Event().wait()
        raise AssertionError

    async def _send(self, message: Message) -> None:
        self.sent.append(message.get("body", b""))
        if len(self.sent) > 2:
            await self.taken.wait()


async def test_one_page_is_read_ahead_and_no_more() -> None:
    """Who takes what is sent slowly is read ahead for by a page: memory stays what two of them take."""
    numbers = Numbers(pages=4)
    task = asyncio.create_task(numbers.download())

    async def read_ahead() -> bool:
        return len(numbers.asked) == 2

    await until(read_ahead)
    for _ in range(1000):
        await asyncio.sleep(0)
    assert numbers.asked == [0, DOWNLOADED_AT_ONCE]
    numbers.taken.set()
    await task
    assert numbers.asked == [page * DOWNLOADED_AT_ONCE for page in range(4)]
    lines = b"".join(numbers.sent).decode().splitlines()
    assert lines == ['"number"', *map(str, range(1, 4 * DOWNLOADED_AT_ONCE + 1))]


async def test_who_goes_leaves_no_page_behind_that_is_still_read() -> None:
    numbers = Numbers(pages=4, holds=DOWNLOADED_AT_ONCE)
    task = asyncio.create_task(numbers.download())

    async def read_ahead() -> bool:
        return len(numbers.asked) == 2

    await until(read_ahead)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    async def left() -> bool:
        return numbers.ended == [0, DOWNLOADED_AT_ONCE]

    await until(left)


async def _started(server: uvicorn.Server) -> bool:
    return server.started


async def _by_http_1_0(port: int, authorization: str) -> bytes:
    """What a caller is told whose protocol has no end of an answer but the connection's."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(
        f"GET /v1/customers HTTP/1.0\r\nAccept: text/csv\r\nAuthorization: {authorization}\r\n\r\n".encode()
    )
    answer = await reader.read()
    writer.close()
    return answer
