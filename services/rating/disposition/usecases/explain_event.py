"""Say what became of one event."""

from dataclasses import dataclass

from services.rating.disposition.clients import UnderWay, under_way
from services.rating.disposition.domain.verdict import Verdict
from services.rating.disposition.repository.events import DispositionRepository
from services.rating.disposition.rows import ConflictRow, DeliveryRow, VoidRow
from services.rating.disposition.usecases.judge_events import Counted, judge_events
from services.rating.metering.domain.arrival import key_of
from shared.bus import Bus
from shared.db.unit_of_work import UnitOfWork

LISTED_MAX = 100


@dataclass(frozen=True, slots=True)
class Explained:
    """What became of one event: in one word, whose remedy or reason is in `detail`, and where it lies.
    `counted`: of a stored one."""

    source: str
    id: str
    verdict: Verdict
    detail: str
    void: VoidRow | None
    duplicates: list[DeliveryRow]
    conflicts: list[ConflictRow]
    elsewhere: UnderWay
    counted: Counted | None = None


async def explain_event(uow: UnitOfWork, bus: Bus, source: str, id: str) -> Explained:
    """Return what became of the event in one word, where it is stored, who it belongs to, what it added, and
    what came of it.

    Only what is not stored is looked for on the bus. Raises BusUnavailable then, rather than to call it
    unknown.
    """
    repository, key = DispositionRepository(uow.connection), key_of(source, id)
    event, voids = await repository.event(key), await repository.voids([key])
    void = voids.get(key)
    duplicates, conflicts = (
        await repository.duplicates(key, LISTED_MAX),
        await repository.conflicts(key, LISTED_MAX),
    )
    if event is None:
        elsewhere = await under_way(uow.connection, bus, source, id)
        return Explained(source, id, *_absent(void, elsewhere), void, duplicates, conflicts, elsewhere)
    [found] = await judge_events(uow, [event], voids, {key: len(conflicts)})
    return Explained(
        source, id, found.verdict, found.detail, void, duplicates, conflicts, UnderWay(), found.counted
    )


def _absent(void: VoidRow | None, elsewhere: UnderWay) -> tuple[Verdict, str]:
    """The verdict on an event that is not stored, and what to do about it."""
    if any(record.kind != "void" for record in elsewhere.in_flight):
        return (
            Verdict.IN_FLIGHT,
            "accepted and on the bus; metering has not come to it yet: if that lasts, see /readyz of rating",
        )
    if elsewhere.set_aside:
        letter = elsewhere.set_aside[-1]
        if letter.discarded:
            return (
                Verdict.SET_ASIDE,
                f"metering could not take it, and {letter.discarded.by} discarded it: {letter.discarded.reason}",
            )
        return Verdict.SET_ASIDE, (
            f"metering could not take it ({letter.error}); mend that and publish it again (./u2c dead-letters replay), "
            f"or discard it (./u2c dead-letters discard {letter.name} --reason WHY)"
        )
    if elsewhere.unread:
        return Verdict.UNKNOWN, (
            f"not stored, and {elsewhere.unread:,} records of its partition wait beyond those that were looked through: "
            "it may be among them; ask again when metering has come closer"
        )
    if void:
        return Verdict.VOIDED, "a void is in force for it and waits; the event itself was never stored"
    return Verdict.UNKNOWN, (
        "not stored (yet): if it was sent within the last seconds, ask again; "
        "else it was quarantined or refused at the door (GET /v1/quarantine of usage_ingest), or never sent"
    )
