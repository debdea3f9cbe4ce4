"""What the door does with events, voids and corrections. It waits for the bus and for nothing else."""

from datetime import timedelta

from services.usage_ingest.domain.acceptance import Acceptance, accept
from services.usage_ingest.domain.events import Circumstances
from services.usage_ingest.domain.voids import Correction, EventName, void_message
from services.usage_ingest.door import metrics
from services.usage_ingest.door.clients import publish
from services.usage_ingest.door.memory import DoorContext
from services.usage_ingest.door.requests.aside import judged
from services.usage_ingest.keys.usecases.refuse_foreign_sources import refuse_foreign_sources
from shared.errors import AppError
from shared.http.keys import AccessKey
from shared.runtime.clock import machine_us, to_us
from shared.topics.usage_ingest import event_key


class CorrectionRefused(AppError):
    """The corrected event would be quarantined, so the wrong one was not voided."""


class CorrectionKeepsId(AppError):
    """A correction is a new event: a void stays in force for its id, so the corrected event needs another
    one."""


def circumstances(context: DoorContext, trace: str) -> Circumstances:
    """What events are judged by now."""
    now = context.clock.now()
    earliest, latest = (
        now - timedelta(days=context.settings.accept_horizon_days),
        now + timedelta(seconds=context.settings.ahead_max_s),
    )
    return Circumstances(
        context.state.replica.catalogue, machine_us(), to_us(now), to_us(earliest), to_us(latest), trace
    )


async def accept_events(
    context: DoorContext, caller: AccessKey, events: list[bytes], trace: str, *, dry_run: bool
) -> Acceptance:
    """Judge the events and make what follows durable; a dry run only judges."""
    judged_by = circumstances(context, trace)
    acceptance = await judged(events, judged_by)
    if dry_run:
        refuse_foreign_sources(caller, acceptance.tallies)
    else:
        await publish_all(context, caller, acceptance, judged_by)
        metrics.count(acceptance)
    return acceptance


async def accept_voids(
    context: DoorContext, caller: AccessKey, names: list[EventName], trace: str, *, dry_run: bool
) -> Acceptance:
    """Void the named events, come or not."""
    judged_by, acceptance = circumstances(context, trace), Acceptance()
    for index, name in enumerate(names):
        acceptance.publish(index, void_message(name, judged_by.received_us, trace))
    if dry_run:
        refuse_foreign_sources(caller, acceptance.tallies)
    else:
        await publish_all(context, caller, acceptance, judged_by)
        metrics.VOIDS.inc(len(names))
    return acceptance


async def correct(context: DoorContext, caller: AccessKey, correction: Correction, trace: str) -> Acceptance:
    """Void the wrong event and publish the right one, or neither."""
    judged_by, right = circumstances(context, trace), Acceptance()
    accept([bytes(correction.event)], judged_by, right)
    if right.quarantined:
        fault = right.quarantined[0]
        raise CorrectionRefused(
            f"{fault.code}: {fault.detail}",
            errors=[{"pointer": "/event", "code": fault.code, "detail": fault.detail}],
        )
    if event_key(correction.source, correction.id) == right.published[0][0]:
        raise CorrectionKeepsId()
    right.publish(1, void_message(EventName(correction.source, correction.id), judged_by.received_us, trace))
    await publish_all(context, caller, right, judged_by)
    metrics.count(right)
    metrics.VOIDS.inc()
    return right


async def publish_all(
    context: DoorContext, caller: AccessKey, acceptance: Acceptance, judged_by: Circumstances
) -> None:
    """Put all of it on the bus; raise SourceNotYours when the caller may not, BusUnavailable when it is not
    certain that it is there."""
    refuse_foreign_sources(caller, acceptance.tallies)
    await publish(context.bus, acceptance, caller.key_id, judged_by, context.settings.publish_timeout_s)
