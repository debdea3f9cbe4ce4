"""The demo as a newcomer starts it: it has played its year and its Monday, and goes on serving."""

import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab.departures.client import Client
from lab.verbs.demo import DATABASE
from shared.postgres.embedded import EmbeddedPostgres
from shared.postgres.setup import CONSOLE
from tests.ram import server_folder
from u2c.deployment.running import running
from u2c.deployment.state import State


@dataclass(frozen=True)
class Year:
    """What it said of itself, and where it answers."""

    summary: dict[str, Any]
    urls: dict[str, str]
    state: State

    @property
    def console(self) -> str:
        return self.urls[CONSOLE]

    @property
    def keys(self) -> dict[str, str]:
        """API keys by name."""
        return self.state.keys(DATABASE)

    @property
    def environment(self) -> dict[str, str]:
        """Of a command that speaks to it."""
        return {**_own_environment(), "U2C_STATE": str(self.state.folder)}

    @asynccontextmanager
    async def client(self) -> AsyncIterator[Client]:
        client = Client(self.urls, self.keys["admin"])
        try:
            yield client
        finally:
            await client.close()


@contextmanager
def played() -> Iterator[Year]:
    """`u2c demo` on free ports, until the block ends."""
    with server_folder("year") as folder:
        command = [sys.executable, "-m", "u2c", "demo", "--base-port", "0", "--json"]
        environment = {**_own_environment(), "U2C_STATE": str(folder)}
        said = folder / "said"
        with (
            said.open("w") as error,
            subprocess.Popen(
                command, env=environment, stdout=subprocess.PIPE, stderr=error, text=True
            ) as process,
        ):
            try:
                yield _told(process, State(folder), said)
            finally:
                process.terminate()
                process.wait(60)
        EmbeddedPostgres(folder).remove()


def _told(process: "subprocess.Popen[str]", state: State, said: Path) -> Year:
    assert process.stdout is not None
    summary = process.stdout.readline()
    assert summary, f"the demo ended: {said.read_text()[-2000:]}"
    [found] = [one for one in running(state) if one.database == DATABASE]
    return Year(json.loads(summary), dict(found.urls), state)


def _own_environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("U2C_")}
