"""What every folder of the console may know of the running process."""

from asyncio import Semaphore, Task
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Annotated, Any

import httpx2
from fastapi import Depends, Request

from services.console.domain.navigation import Entry
from services.console.settings import ConsoleSettings
from shared.db.unit_of_work import Database
from shared.errors import AppError, Kind
from shared.runtime.disk import Disk


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked of a service a moment ago, for whoever asks the same until then (monotonic, s)."""

    answer: "Task[Any]"
    until: float


class SigningInBusy(AppError):
    """More people sign in than are served at once; try again in a moment."""

    kind = Kind.BUSY


@dataclass
class SigningIn:
    """Those who sign in now: two are hashed for, a few wait, and whoever comes then is told to come again."""

    hashing: Semaphore = field(default_factory=lambda: Semaphore(HASHED_AT_ONCE_MAX))
    here: int = 0

    @contextmanager
    def place(self) -> Iterator[None]:
        """Raises SigningInBusy where none is free."""
        if self.here >= HASHED_AT_ONCE_MAX + WAITING_MAX:
            raise SigningInBusy(f"{WAITING_MAX} wait already", retry_after_s=2)
        self.here += 1
        try:
            yield
        finally:
            self.here -= 1


@dataclass(frozen=True)
class ConsoleContext:
    """One running console. `http` asks the services."""

    settings: ConsoleSettings
    db: Database
    disk: Disk
    http: httpx2.AsyncClient
    navigation: tuple[Entry, ...]
    signing_in: SigningIn = field(default_factory=SigningIn)
    asked: dict[str, Asked] = field(default_factory=dict)
    downloads: set[httpx2.Response] = field(default_factory=set)


#: Each takes 64 MiB and a core for a tenth of a second.
HASHED_AT_ONCE_MAX = 2
#: A request that waits takes one of those that may be in work.
WAITING_MAX = 16


def context_of(request: Request) -> ConsoleContext:
    """The context of the console that answers this request."""
    context: ConsoleContext = request.app.state.context
    return context


Ctx = Annotated[ConsoleContext, Depends(context_of)]
