"""Advance the business clock, from due instant to due instant, waiting for quiescence before it passes
one; say who follows it."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime

from services.rating.clock.repository import ClockRepository
from services.rating.clock.rows import Instance
from services.rating.context import RatingContext
from shared.db.unit_of_work import UnitOfWork
from shared.errors import AppError, Kind
from shared.runtime.clock import machine_now
from shared.topics.graph import GRAPH

LOCK_WAIT_S = 30.0
ACKNOWLEDGE_S = 30.0
QUIET_S = 600.0
HOW_TO_TEST = (
    "a moved clock stands still and never follows the machine again; start a test deployment with --clock-at INSTANT, "
    'or give this one a test clock for good: `./u2c clock advance TO --test-clock` (in the API: "test_clock": true)'
)
PASSES_MAX = 2
#: Called in the transaction of each move, with where the clock was and where it goes.
Noted = Callable[[UnitOfWork, datetime, datetime], Awaitable[None]]


class ClockRunsForward(AppError):
    """The business clock only moves forward; a fresh deployment may start at any instant."""

    kind = Kind.CONFLICT


class NoTestClock(AppError):
    """This deployment has no test clock: its business time is the machine's."""

    kind = Kind.CONFLICT


class AdvanceUnderWay(AppError):
    """Another advance is under way; try again when it has answered."""

    kind = Kind.CONFLICT


class ClockNotFollowed(AppError):
    """A running service did not follow the clock in time; it stands where the detail says."""

    kind = Kind.UNAVAILABLE


@dataclass(frozen=True, slots=True)
class Advanced:
    """Where the clock was, where it stands, and at which due instants it stopped on the way."""

    before: datetime
    now: datetime
    due: tuple[datetime, ...]
    revision: int


async def advance(context: RatingContext, to: datetime, noted: Noted, *, test_clock: bool) -> Advanced:
    """Move the clock to `to`, and answer when every running service has acknowledged it and everything due by
    then, `to` included, is done and can be read: drafts of open periods too.

    `test_clock`: take a deployment that lives by the machine's clock too. Once moved it stands, and never
    follows the machine again.
    """
    async with _hands(context, noted) as hands:
        clock = hands.clock
        row = await clock.read()
        if row.moved_to is None and not test_clock:
            raise NoTestClock(HOW_TO_TEST)
        before = row.moved_to or machine_now()
        if to < before:
            if row.moved_to is not None or not await clock.is_fresh():
                raise ClockRunsForward(f"it is {before.isoformat()}; {to.isoformat()} is before that")
            return Advanced(before, to, (), await hands.move(before, to))
        stops = await _pass_due_instants(context, hands, before, to)
        if to not in stops:
            if to != row.moved_to:
                await hands.move(stops[-1] if stops else before, to)
            await wait_until_quiet(context, clock)
        return Advanced(before, to, tuple(stops), (await clock.read()).revision)


async def running_instances(uow: UnitOfWork) -> list[Instance]:
    """The instances that run and follow the clock, by service."""
    return await ClockRepository(uow.connection).instances()


@dataclass(frozen=True, slots=True)
class _Hands:
    """The clock's hands, held by one advance of the whole deployment."""

    clock: ClockRepository
    noted: Noted

    async def move(self, before: datetime, to: datetime) -> int:
        """Move the clock, and wait until every running service has followed; return the revision."""
        async with self.clock.connection.transaction():
            revision = await self.clock.move(to)
            await self.noted(self.clock.unit_of_work(), before, to)
        await _wait(
            self.clock, lambda: self.clock.not_acknowledged(revision), ACKNOWLEDGE_S, f"at {to.isoformat()}"
        )
        return revision


@asynccontextmanager
async def _hands(context: RatingContext, noted: Noted) -> AsyncIterator[_Hands]:
    """Hold the clock's hands: one advance at a time in the whole deployment."""
    deadline = time.monotonic() + LOCK_WAIT_S
    async with context.db.pool.acquire() as connection:
        clock = ClockRepository(connection)
        async with clock.hearing_answers():
            while not await clock.try_lock():
                if time.monotonic() > deadline:
                    raise AdvanceUnderWay(f"it has not ended within {LOCK_WAIT_S:.0f} s")
                await asyncio.sleep(0.05)
            yield _Hands(clock, noted)


async def _pass_due_instants(
    context: RatingContext, hands: _Hands, start: datetime, to: datetime
) -> list[datetime]:
    stops: list[datetime] = []
    current = start
    while (due := await hands.clock.next_due(current, to)) is not None:
        if not stops:
            await wait_until_quiet(context, hands.clock)
        await hands.move(current, due)
        await wait_until_quiet(context, hands.clock)
        stops.append(due)
        current = due
    return stops


async def wait_until_quiet(context: RatingContext, clock: ClockRepository) -> None:
    """Return when all that had arrived has passed every running service, and what it led to is heard.

    They are asked in the order in which usage passes them, each once the one before is quiet. What goes back
    (a quarantine that rating tells) takes a second pass, and nothing goes back twice: what is said after that
    came later.
    """
    for _pass in range(PASSES_MAX):
        before = await _heads(context)
        for service in GRAPH.in_order(await clock.services()):
            await _until_quiet(clock, service)
        if await _heads(context) == before:
            return


async def _until_quiet(clock: ClockRepository, service: str) -> None:
    request = await clock.ask_quiet(service)
    await _wait(clock, lambda: clock.not_quiet(service, request), QUIET_S, "quiet")


async def _wait(
    clock: ClockRepository, missing: Callable[[], Awaitable[list[str]]], timeout_s: float, what: str
) -> None:
    deadline = time.monotonic() + timeout_s
    while waiting := await missing():
        if time.monotonic() > deadline:
            names = ", ".join(waiting)
            raise ClockNotFollowed(
                f"after {timeout_s:.0f} s not yet {what}: {names}; look at their /readyz and logs, then advance again"
            )
        await clock.wait_answer()


async def _heads(context: RatingContext) -> list[dict[int, int]]:
    """The heads of the topics that go back."""
    found = await asyncio.gather(*(context.bus.heads(topic) for topic in GRAPH.back))
    return [dict(heads) for heads in found]
