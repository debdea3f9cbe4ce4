"""Tell the quarantine what metering cannot store, in the transaction that moves past it. A producer's
data stops nobody else's usage."""

from collections.abc import Mapping
from datetime import datetime

from services.rating.metering.domain.unfit import (
    TIME_MAX_US,
    TIME_MIN_US,
    Unfit,
    as_sent,
    unfit_data,
    unfit_message,
)
from services.rating.metering.memory import MeteringContext
from services.rating.metering.usecases.counting import counted
from shared.db.unit_of_work import UnitOfWork
from shared.errors import AppError
from shared.runtime.clock import machine_us, to_us
from shared.runtime.consumer import Batch, BatchCounts
from shared.topics.usage_ingest import USAGE_QUARANTINE, QuarantineMessage, UsageMessage
from shared.values.ids import new_id
from shared.values.names import kept

BY = "metering"


def set_aside(batch: Batch[UsageMessage], unfit: Mapping[int, Unfit], uow: UnitOfWork, now: datetime) -> None:
    """Tell usage.quarantine these messages of the batch (by their place in it), with their bytes."""
    run = f"{batch.topic}:{batch.partition}:{batch.start}-{batch.end}"
    for seq, fault in unfit.items():
        uow.tell(USAGE_QUARANTINE, _quarantined(batch.messages[seq], fault, run, seq, to_us(now)))


async def set_aside_alone(
    batch: Batch[UsageMessage], fault: AppError, uow: UnitOfWork, context: MeteringContext
) -> BatchCounts:
    """The same of the one message that the store refused even alone. Raises the fault again where nothing is
    wrong with the message."""
    [message] = batch.messages
    found = unfit_message(message) or unfit_data(message)
    if found is None:
        raise fault
    set_aside(batch, {0: found}, uow, context.clock.now())
    return counted(quarantined=batch.messages)


def _quarantined(
    message: UsageMessage, fault: Unfit, run: str, seq: int, business_us: int
) -> QuarantineMessage:
    received = TIME_MIN_US < message.received_us < TIME_MAX_US
    return QuarantineMessage(
        new_id("qua"),
        fault.code,
        fault.detail,
        as_sent(message),
        message.received_us if received else machine_us(),
        business_us,
        run,
        message.trace,
        seq,
        kept(message.source),
        kept(message.id),
        kept(message.type),
        kept(message.subject),
        message.time_us if message.kind == "event" and TIME_MIN_US < message.time_us < TIME_MAX_US else None,
        BY,
    )
