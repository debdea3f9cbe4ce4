"""Try out what resolving would do: nothing is published, and nothing changed."""

from dataclasses import dataclass

from services.usage_ingest.domain.acceptance import Acceptance, accept
from services.usage_ingest.door.memory import DoorContext
from services.usage_ingest.door.usecases.accept import circumstances
from services.usage_ingest.keys.usecases.refuse_foreign_sources import refuse_foreign_source
from services.usage_ingest.quarantine.rows import QuarantinedBytes
from services.usage_ingest.quarantine.usecases.resolve import Replayed, find_alone, judge, refuse_resolved
from services.usage_ingest.quarantine.usecases.walk_open import Some, Walked, walk_open
from shared.http.keys import AccessKey


@dataclass(frozen=True, slots=True)
class Judgement:
    """Whether an event would be accepted now; if not, under which code it would be kept, and why."""

    quarantine_id: str
    passes: bool
    code: str | None = None
    detail: str | None = None


async def try_one(
    context: DoorContext, quarantine_id: str, key: AccessKey, trace: str, repair: bytes | None = None
) -> Judgement:
    """Judge the event, or a body in its place, as it would be now. Raises what resolving it raises."""
    row = await find_alone(context, quarantine_id)
    refuse_foreign_source(key, row.source)
    refuse_resolved(row)
    acceptance = Acceptance()
    accept([row.raw if repair is None else repair], circumstances(context, trace), acceptance)
    if acceptance.quarantined:
        fault = acceptance.quarantined[0]
        return Judgement(quarantine_id, False, fault.code, fault.detail)
    return Judgement(quarantine_id, True)


async def try_replay(context: DoorContext, some: Some, trace: str) -> Replayed:
    """What a replay of these would do now."""

    async def faulty(rows: list[QuarantinedBytes]) -> int:
        _, faults = judge(rows, circumstances(context, trace), Acceptance())
        return len(faults)

    return Replayed.of(await walk_open(context, some, faulty))


async def try_discard(context: DoorContext, some: Some) -> Walked:
    """What a discard of these would close now."""

    async def all_of_them(rows: list[QuarantinedBytes]) -> int:
        return len(rows)

    return await walk_open(context, some, all_of_them)
