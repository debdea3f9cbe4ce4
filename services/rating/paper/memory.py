"""What a process remembers of questions: how many it prices and how many wait."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Final, Protocol, TypeVar

from services.rating.settings import RatingSettings
from shared.errors import AppError, Kind
from shared.runtime.context import Context, FromRequest

#: In work or waiting, in one process.
QUESTIONS_MAX: Final = 16
T = TypeVar("T")


class QuestionsWaiting(AppError):
    """So many questions wait for their answers already; ask again after Retry-After."""

    kind = Kind.BUSY


def _one_thread() -> ThreadPoolExecutor:
    """One question keeps a core busy: two would take it from all other calls, and be answered no sooner."""
    return ThreadPoolExecutor(1, thread_name_prefix="price-on-paper")


@dataclass
class Desk:
    """Answers questions one after the other, beside the event loop and in a thread that no other call waits for."""

    questions: int = 0
    _thread: ThreadPoolExecutor = field(default_factory=_one_thread)

    async def answer(self, act: Callable[[], T]) -> T:
        """Return what `act` returns, in its turn. Raises QuestionsWaiting."""
        if self.questions >= QUESTIONS_MAX:
            raise QuestionsWaiting(
                f"{self.questions} questions are answered one after the other, and no more may wait",
                retry_after_s=5,
            )
        self.questions += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, act)
        finally:
            self.questions -= 1


class PaperState(Protocol):
    """The part of the service's state that questions use."""

    @property
    def desk(self) -> Desk: ...


PaperContext = Context[RatingSettings, PaperState]
Ctx = FromRequest[PaperContext]
