"""Which message is to blame for a fault of a handler: found by halving the batch, and only then set aside.

Decode errors, AppError and what the bus refuses are poison at once. What else may be a message's own fault is
sought after CRASHES_MAX tries of the whole run, and set aside when it has failed as often alone.
"""

import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

import asyncpg
import msgspec
import structlog

from shared.bus import BusUnavailable, Polled, RecordsRefused
from shared.bus.faults import LogFault
from shared.db.unit_of_work import OUTAGES
from shared.errors import AppError
from shared.runtime.consumer.batch import ConsumerContext, Decoded, Subscribe, decoded, halves
from shared.runtime.consumer.flight import InFlight
from shared.runtime.consumer.transaction import ConsumerStopped, PositionMoved, Transactions

log = structlog.get_logger()
C = TypeVar("C", bound=ConsumerContext)
#: Tries of a run before the message to blame is sought, and of that message alone.
CRASHES_MAX = 5
POISON: tuple[type[Exception], ...] = (AppError, msgspec.DecodeError, msgspec.ValidationError, RecordsRefused)
#: What says nothing of a message: the log, the position or the consumer is not as it should be.
NOT_OF_A_MESSAGE: tuple[type[Exception], ...] = (LogFault, ConsumerStopped, PositionMoved)

#: What a database says of the data it is given. Whatever else it says (a missing table, a missing right) is
#: the deployment's fault.
_OF_THE_DATA: tuple[type[Exception], ...] = (
    asyncpg.DataError,
    asyncpg.IntegrityConstraintViolationError,
    asyncpg.PLPGSQLError,
    asyncpg.ProgramLimitExceededError,
)
#: Faults of the surroundings: they pass, or a person mends them, and no message is to blame.
SURROUNDINGS: tuple[type[BaseException], ...] = (BusUnavailable, *OUTAGES, MemoryError, ImportError)


def may_be_the_message(fault: Exception) -> bool:
    """Whether a handler may have failed for what the message holds, so that the same message would fail it
    for ever.

    A row of `bus` that conflicts, because it is there already, is the second net against a consumer that should
    be gone (ADR 0008), never a message.
    """
    if isinstance(fault, asyncpg.PostgresError):
        of_the_log = fault.schema_name == "bus"
        return isinstance(fault, _OF_THE_DATA) and not of_the_log
    return not isinstance(fault, SURROUNDINGS)


def described(crash: BaseException) -> str:
    """The fault and where it arose, for the dead letter: what it is, then function, file and line."""
    frames = traceback.extract_tb(crash.__traceback__)
    where = f" in {frames[-1].name}, {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    return f"{crash!r}{where}"


@dataclass(frozen=True, slots=True)
class Blame(Generic[C]):
    """Consumes what can be consumed of a run, and sets aside the messages that cannot."""

    transactions: Transactions[C]

    async def consume(self, subscribe: Subscribe[C], flying: InFlight, run: Polled) -> None:
        """Consume `run`, all of what is in flight or a part of it, in one transaction, or in halves when the
        handler finds poison in it, or has crashed too often."""
        if len(run.records) > subscribe.records_max:
            for part in halves(run, subscribe.records_max):
                await self.consume(subscribe, flying, part)
            return
        whole = decoded(subscribe.topic, run)
        try:
            await self.transactions.commit(subscribe, whole, flying.lane)
        except NOT_OF_A_MESSAGE:
            raise
        except Exception as fault:
            isolating = flying.crashes >= CRASHES_MAX and may_be_the_message(fault)
            if not whole.alive or not (isinstance(fault, POISON) or isolating):
                raise
            await self._in_halves(subscribe, flying, whole, fault)

    async def _in_halves(
        self, subscribe: Subscribe[C], flying: InFlight, whole: Decoded, fault: Exception
    ) -> None:
        """Go on with halves of the messages, or set the only one aside."""
        alive = whole.alive
        if len(alive) > 1:
            for half in halves(whole.run, alive[len(alive) // 2]):
                await self.consume(subscribe, flying, half)
            return
        if await self._refused(subscribe, flying, whole, fault):
            return
        error = (
            repr(fault) if isinstance(fault, POISON) else await self._crash(subscribe, flying, whole, fault)
        )
        if error is not None:
            await self.transactions.commit(subscribe, whole.dead_alone(alive[0], error), flying.lane)

    async def _refused(
        self, subscribe: Subscribe[C], flying: InFlight, alone: Decoded, fault: Exception
    ) -> bool:
        """Whether the subscription has a place of its own for this message, alone in its run."""
        if subscribe.refuse is None or not isinstance(fault, AppError):
            return False
        try:
            await self.transactions.commit(subscribe.refusing(fault), alone, flying.lane)
        except AppError:
            return False
        return True

    async def _crash(
        self, subscribe: Subscribe[C], flying: InFlight, alone: Decoded, crash: Exception
    ) -> str | None:
        """Try one message that crashed the handler until it has failed CRASHES_MAX times alone; return its
        fault, None when it was taken after all."""
        flying.backoff.try_soon()
        for _ in range(CRASHES_MAX - 1):
            await flying.backoff.wait_after(crash)
            try:
                await self.transactions.commit(subscribe, alone, flying.lane)
                return None
            except NOT_OF_A_MESSAGE:
                raise
            except Exception as caught:
                if not may_be_the_message(caught):
                    raise
                crash = caught
        run, fault = alone.run, described(crash)
        log.error(
            "message_set_aside",
            group=self.transactions.group,
            topic=run.topic,
            partition=run.partition,
            offset=run.offsets[-1],
            fault=fault,
        )
        return fault
