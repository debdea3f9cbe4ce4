"""Which faults of a handler may be one message's own: found by trying again, and only then set aside."""

import traceback
from pathlib import Path

import asyncpg

from shared.bus import BusUnavailable
from shared.db.unit_of_work import OUTAGES

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

    A row of `bus` that conflicts is the second net against a consumer that should be gone (ADR 0008), never a
    message.
    """
    if isinstance(fault, asyncpg.PostgresError):
        of_the_log = (
            fault.schema_name == "bus"
        )  # a batch row that is there already: another consumer was first
        return isinstance(fault, _OF_THE_DATA) and not of_the_log
    return not isinstance(fault, SURROUNDINGS)


def described(crash: BaseException) -> str:
    """The fault and where it arose, for the dead letter: what it is, then function, file and line."""
    frames = traceback.extract_tb(crash.__traceback__)
    where = f" in {frames[-1].name}, {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    return f"{crash!r}{where}"
