"""Calls of the command line to a running deployment, through its public HTTP API and with a key that is kept
here."""

from collections.abc import AsyncIterator
from types import TracebackType
from typing import Annotated, Any, Self

import httpx2
import typer
from rich.console import Console

from u2c.deployment.address import address, unanswered
from u2c.printing import folding

WRONG = 1
#: Advancing the clock over a year takes its time.
TIMEOUT_S = 600
OfDatabase = Annotated[
    str | None, typer.Option("--database", help="Database of the deployment that is meant, where several run")
]


class Api:
    """One service of a running deployment. Errors it answers with end the command with exit code 1, each
    printed with its path."""

    def __init__(self, service: str, database: str | None = None) -> None:
        found = address(service, database)
        self.url, self._keys = found.url, list(found.keys)
        self._http = httpx2.AsyncClient(base_url=self.url, timeout=TIMEOUT_S, trust_env=False)

    async def get(self, path: str, **query: str) -> Any:
        return self.body(await self.call("GET", path, params=query))

    async def post(self, path: str, document: object) -> Any:
        return self.body(await self.call("POST", path, json=document))

    async def pages(self, path: str, **query: str) -> AsyncIterator[Any]:
        """Every row of a list, page after page."""
        cursor: dict[str, str] = {}
        while True:
            page = await self.get(path, limit="200", **query, **cursor)
            for row in page["data"]:
                yield row
            if not page["has_more"]:
                return
            cursor = {"cursor": page["next_cursor"]}

    async def call(self, method: str, path: str, **arguments: Any) -> httpx2.Response:
        """The answer, whatever its status. Of the kept keys the first one that this deployment knows is
        used."""
        headers = arguments.pop("headers", {})
        while True:
            try:
                answer = await self._http.request(
                    method, path, headers={**headers, "Authorization": f"Bearer {self._keys[0]}"}, **arguments
                )
            except httpx2.ConnectError as error:
                raise unanswered(self.url) from error
            if answer.status_code != httpx2.codes.UNAUTHORIZED or len(self._keys) == 1:
                return answer
            self._keys.pop(0)

    def body(self, answer: httpx2.Response) -> Any:
        if answer.is_success:
            return answer.json()
        show_problem(answer)
        raise typer.Exit(WRONG)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.aclose()


def show_problem(answer: httpx2.Response) -> None:
    """Print an RFC 9457 problem on stderr: what, and what to do; its faults with their paths as a table."""
    words = Console(stderr=True)
    problem: dict[str, Any] = (
        answer.json() if "json" in answer.headers.get("content-type", "") else {"title": answer.text}
    )
    words.print(problem.get("title", ""), style="red", soft_wrap=True, markup=False)
    if problem.get("detail") != problem.get("title"):
        words.print(problem.get("detail", ""), soft_wrap=True, markup=False)
    if problem.get("errors"):
        table = folding("where", "code", "what")
        for fault in problem["errors"]:
            table.add_row(
                str(fault.get("pointer") or fault.get("path") or ""),
                str(fault.get("code", "")),
                str(fault.get("detail", "")),
            )
        words.print(table)
