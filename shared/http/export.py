"""Any list as CSV: `Accept: text/csv` is answered with the whole of what is asked for, page by page as the list itself
answers them, so that a download is as narrow, as sorted and as fresh as what is seen, and takes no more memory than
two pages: while one is written the next is read. Rows come as they are, not as JSON to be read again.

A page that fails ends the connection before the answer's end: what is broken looks broken. A key that is revoked
meanwhile ends it too, as each page asks for it.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Final
from zoneinfo import ZoneInfo

import msgspec
from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.routing import Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.errors import AppError
from shared.http.answers import Answer
from shared.http.cells import CSV, Column, Row, columns_of, head_of, lines_of, listed_by
from shared.http.faults import CsvIsWhole, CsvNotOffered, CsvZoneUnknown
from shared.http.paging import BESIDE_THE_LIST, DOWNLOAD, Download
from shared.http.problems import problem
from shared.values.zones import known_zone

OK: Final = 200
ANYTHING: Final = "*/*"
#: Rows that are written before others may work.
WRITTEN_AT_ONCE: Final = 100


class _PageRefused(Exception):
    """A page of a download that has begun was refused: the download breaks."""


@dataclass(frozen=True, slots=True)
class _Page:
    """Rows as the list answered them, and the cursor of the next page; "" where there is none."""

    rows: Sequence[Row | Answer]
    next: str


class Export:
    """Inside Guard: the caller's key has been asked for."""

    def __init__(self, app: ASGIApp, routes: Sequence[APIRoute]) -> None:
        self.app = app
        self.routes = routes
        self._columns: dict[str, tuple[Column, ...]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope) if scope["type"] == "http" and scope["method"] == "GET" else None
        wanted = asked_for_csv(request.headers.get("accept", "")) if request else None
        route = self._route_of(scope) if wanted is not None else None
        if request is None or wanted is None or route is None:
            await self.app(scope, receive, send)
            return
        scope["route"] = route  # for the metric of this answer
        try:
            columns, zone = self._columns_of(route, request), _zone(wanted)
        except AppError as fault:
            await problem(request, fault)(scope, receive, send)
            return
        first = await self._ask(scope, receive, Download(""))
        if first.status != OK:
            await first.replay(send)
            return
        await StreamingResponse(
            self._lines(scope, receive, first.page(), columns, zone),
            headers={"Content-Disposition": f'attachment; filename="{_file_name(route)}.csv"'},
            media_type=f"{CSV}; header=present",
        )(scope, receive, send)

    def _route_of(self, scope: Scope) -> APIRoute | None:
        """The route, where it answers CSV or has to say that it does not."""
        found = next((one for one in self.routes if one.matches(scope)[0] is Match.FULL), None)
        if found is None or (listed_by(found) is None and ANYTHING in Request(scope).headers["accept"]):
            return None
        return found

    def _columns_of(self, route: APIRoute, request: Request) -> tuple[Column, ...]:
        """Raises CsvNotOffered and CsvIsWhole."""
        listed = listed_by(route)
        if listed is None:
            raise CsvNotOffered("only lists are; ask for it with `Accept: application/json`")
        if request.scope.get("http_version") == "1.0":
            raise CsvNotOffered("a broken download looks whole in HTTP/1.0; ask in HTTP/1.1")
        if paged := sorted(BESIDE_THE_LIST & request.query_params.keys()):
            raise CsvIsWhole(f"leave out {', '.join(paged)}")
        if route.path not in self._columns:
            self._columns[route.path] = columns_of(listed)
        return self._columns[route.path]

    async def _lines(
        self, scope: Scope, receive: Receive, page: _Page, columns: Sequence[Column], zone: ZoneInfo
    ) -> AsyncIterator[str]:
        yield head_of(columns, zone)
        while True:
            following = None
            if page.next and not scope.get("u2c_head"):
                following = asyncio.create_task(self._page(scope, receive, page.next), name="next-page")
            try:
                for first in range(0, len(page.rows), WRITTEN_AT_ONCE):
                    await asyncio.sleep(0)
                    yield lines_of(map(_row, page.rows[first : first + WRITTEN_AT_ONCE]), columns, zone)
                if following is None:
                    return
                page = await following
            finally:
                if following is not None:
                    following.cancel()

    async def _page(self, scope: Scope, receive: Receive, cursor: str) -> _Page:
        """The list's own answer: its next page, of as many rows as a download takes at once."""
        answered = await self._ask(scope, receive, Download(cursor))
        if answered.status != OK:
            raise _PageRefused(f"{answered.status} {answered.body.decode()}")
        return answered.page()

    async def _ask(self, scope: Scope, receive: Receive, download: Download) -> "_Answered":
        answered = _Answered(download)
        await self.app({**scope, DOWNLOAD: download}, receive, answered.send)
        return answered


class _Answered:
    """An answer that is kept, not sent, and the rows that were handed over with it."""

    def __init__(self, download: Download) -> None:
        self._download = download
        self._messages: list[Message] = []

    async def send(self, message: Message) -> None:
        self._messages.append(message)

    @property
    def status(self) -> int:
        status: int = self._messages[0]["status"]
        return status

    @property
    def body(self) -> bytes:
        return b"".join(message.get("body", b"") for message in self._messages)

    def page(self) -> _Page:
        """Of a list that has no pages the rows stand in the answer."""
        answer = msgspec.json.decode(self.body)
        if answer["has_more"] and not answer["next_cursor"]:
            raise _PageRefused("there is more, and no cursor for it")
        return _Page([*answer["data"], *self._download.rows], answer["next_cursor"] or "")

    async def replay(self, send: Send) -> None:
        for message in self._messages:
            await send(message)


def _row(row: Row | Answer) -> Row:
    """An answer as JSON has it."""
    return row.as_json() if isinstance(row, Answer) else row


def asked_for_csv(accept: str) -> dict[str, str] | None:
    """The parameters of `text/csv` where a caller names it and likes no JSON better; else None."""
    best: dict[str, tuple[float, dict[str, str]]] = {}
    for one in accept.split(","):
        media, *said = (part.strip() for part in one.split(";"))
        parameters = {
            name.strip().lower(): value.strip().strip('"')
            for name, _, value in (p.partition("=") for p in said)
        }
        try:
            best[media.lower()] = float(parameters.pop("q", "1")), parameters
        except ValueError:
            best[media.lower()] = 0.0, parameters
    liked, parameters = best.get(CSV, (0.0, {}))
    return parameters if liked > 0 and liked >= best.get("application/json", (0.0, {}))[0] else None


def _zone(parameters: dict[str, str]) -> ZoneInfo:
    try:
        return ZoneInfo(known_zone(parameters.get("zone", "UTC")))
    except ValueError as fault:
        raise CsvZoneUnknown(str(fault)) from fault


def _file_name(route: APIRoute) -> str:
    return (route.operation_id or route.name).removeprefix("list_")
