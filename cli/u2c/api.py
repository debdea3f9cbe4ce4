"""Calls of the command line to a running deployment, through its public HTTP API and with a key that is kept here."""

import os
from types import TracebackType
from typing import Any, Self

import httpx2
import typer
from rich.console import Console

from shared.environment_fault import EnvironmentFault
from u2c.printing import folding
from u2c.services import ADMIN_KEY, PORTS, URL_VARIABLES
from u2c.settings import CommandSettings
from u2c.state import State

WRONG = 1
TIMEOUT_S = 600                                                # advancing the clock over a year takes its time


class Api:
    """One service of a running deployment. Errors it answers with end the command with exit code 1, each printed with its path."""

    def __init__(self, service: str, url: str | None = None) -> None:
        self.url = (url or os.environ.get(URL_VARIABLES[service]) or self._local(service)).rstrip("/")
        self._keys = _keys()
        self._http = httpx2.AsyncClient(base_url=self.url, timeout=TIMEOUT_S, trust_env=False)

    async def get(self, path: str, **query: str) -> Any:
        return self.body(await self.call("GET", path, params=query))

    async def post(self, path: str, document: Any) -> Any:
        return self.body(await self.call("POST", path, json=document))

    async def call(self, method: str, path: str, **arguments: Any) -> httpx2.Response:
        """The answer, whatever its status. Of the kept keys the first one that this deployment knows is used."""
        headers = arguments.pop("headers", {})
        while True:
            try:
                answer = await self._http.request(method, path, headers={**headers, "Authorization": f"Bearer {self._keys[0]}"}, **arguments)
            except httpx2.ConnectError as error:
                raise EnvironmentFault(f"Nothing answers at {self.url}.", "Start the services: ./u2c up") from error
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

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self._http.aclose()

    @staticmethod
    def _local(service: str) -> str:
        return f"http://127.0.0.1:{CommandSettings().base_port + PORTS[service] - min(PORTS.values())}"


def show_problem(answer: httpx2.Response) -> None:
    """Print an RFC 9457 problem on stderr, its faults with their paths as a table."""
    words = Console(stderr=True)
    problem: dict[str, Any] = answer.json() if "json" in answer.headers.get("content-type", "") else {"title": answer.text}
    words.print(f"[red]{answer.status_code}[/red] {problem.get('title', '')}", soft_wrap=True)
    if problem.get("detail") != problem.get("title"):
        words.print(problem.get("detail", ""), soft_wrap=True, markup=False)
    if problem.get("errors"):
        table = folding("where", "code", "what")
        for fault in problem["errors"]:
            table.add_row(str(fault.get("pointer") or fault.get("path") or ""), str(fault.get("code", "")), str(fault.get("detail", "")))
        words.print(table)


def _keys() -> list[str]:
    """The key to use: U2C_KEY, else those kept in the state folder, the newest first."""
    named = CommandSettings().key
    if named:
        return [named]
    state = State.default()
    files = sorted((state.folder / "keys").glob("*.json"), key=lambda path: path.stat().st_mtime, reverse=True)
    kept = [key for path in files if (key := state.keys(path.stem).get(ADMIN_KEY))]
    if not kept:
        raise EnvironmentFault("No API key is kept here.", "Start the services on this machine (./u2c up), or give a key: U2C_KEY=u2c_live_…")
    return kept
