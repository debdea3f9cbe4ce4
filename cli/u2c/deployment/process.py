"""One service as an OS process: started, watched, stopped, and killed as `kill -9` would."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from u2c.deployment.state import ROOT

STOP_TIMEOUT_S = 8.0
LOG_TAIL_LINES = 6


@dataclass
class ServiceProcess:
    """A service's process; `name` is unique in the cluster (`rating`, `rating-2`). Its log is appended to
    `log`."""

    name: str
    service: str
    environment: Mapping[str, str]
    log: Path
    _process: asyncio.subprocess.Process | None = None
    starts: int = field(default=0)

    async def start(self) -> None:
        """Start it. It ends by itself when this process dies, because its standard input then closes."""
        assert not self.alive, f"{self.name} runs already"
        self.starts += 1
        with open(self.log, "ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "u2c",
                "service",
                self.service,
                "--until-stdin-closes",
                stdin=asyncio.subprocess.PIPE,
                stdout=log,
                stderr=log,
                cwd=ROOT,
                env={**os.environ, **self.environment, "PYTHONUNBUFFERED": "1"},
                start_new_session=True,
            )

    async def stop(self) -> None:
        """Ask it to end, and end it by force after 8 s. Returns when it is gone."""
        if self._process is None or not self.alive:
            return
        # A paused process could not hear the request.
        self._process.send_signal(signal.SIGCONT)
        self._process.terminate()
        try:
            await asyncio.wait_for(self._process.wait(), STOP_TIMEOUT_S)
        except TimeoutError:
            self._process.kill()
            await self._process.wait()

    def kill(self) -> None:
        """`kill -9`, now."""
        self.signal(signal.SIGKILL)

    def signal(self, number: signal.Signals) -> None:
        assert self._process is not None and self.alive, f"{self.name} does not run"
        self._process.send_signal(number)

    async def ended(self) -> int:
        """Wait for its end; the exit code (negative: the signal's number)."""
        assert self._process is not None
        return await self._process.wait()

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.returncode is None

    @property
    def pid(self) -> int:
        assert self._process is not None, f"{self.name} was never started"
        return self._process.pid

    def last_words(self) -> str:
        """The end of its log for people: of a traceback only the line that says what it was."""
        lines = self.log.read_text(errors="replace").splitlines() if self.log.exists() else []
        return "\n".join(_readable(line) for line in lines[-LOG_TAIL_LINES:])


def _readable(line: str) -> str:
    try:
        record = json.loads(line)
        return f"{record['level']}: {record['event'].strip().splitlines()[-1]}"
    except (ValueError, KeyError, TypeError, AttributeError, IndexError):
        return line
