"""Say what became of one event."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from services.rating.catalogue.repository import CatalogueRepository
from services.rating.disposition.clients import UnderWay, under_way
from services.rating.disposition.domain.covering import Covering, Holding
from services.rating.disposition.domain.verdict import (
    Disposition,
    Story,
    Verdict,
    exceptions_of,
    verdict,
    verdict_of,
)
from services.rating.disposition.repository import DispositionRepository
from services.rating.disposition.rows import ConflictRow, DeliveryRow, EventRow, OwnerRow, VoidRow
from services.rating.metering.domain.arrival import key_of
from services.rating.metering.domain.reading import Contribution, Unread
from services.rating.metering.domain.tally import Catalogue
from shared.bus import Bus
from shared.db.unit_of_work import UnitOfWork

LISTED_MAX = 100


@dataclass(frozen=True, slots=True)
class Counted:
    """What came of a stored event. `left`: who had its subject when the final statement that charges it was
    cut."""

    event: EventRow
    customer: OwnerRow | None
    left: Covering | None
    readings: Mapping[str, Contribution | Unread]  # by meter
    disposition: Disposition
    exceptions: list[Holding]
    contracts: list[Covering]  # in force at the event's time


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
    event, void = await repository.event(key), await repository.void(key)
    duplicates, conflicts = (
        await repository.duplicates(key, LISTED_MAX),
        await repository.conflicts(key, LISTED_MAX),
    )
    if event is None:
        elsewhere = await under_way(uow.connection, bus, source, id)
        return Explained(source, id, *_absent(void, elsewhere), void, duplicates, conflicts, elsewhere)
    word, detail, counted = await _counted(uow, repository, event, void, len(conflicts))
    return Explained(source, id, word, detail, void, duplicates, conflicts, UnderWay(), counted)


async def _counted(
    uow: UnitOfWork,
    repository: DispositionRepository,
    event: EventRow,
    void: VoidRow | None,
    conflicts: int,
) -> tuple[Verdict, str, Counted]:
    """The verdict on a stored event, what to say of it; its customer, meters and contracts, and what became
    of it."""
    customer, catalogue = await repository.customer_of(event.subject), CatalogueRepository(uow.connection)
    covering = await repository.terms_at(customer.customer_id if customer else None, event, void)
    readings, found = await _readings(catalogue, event, covering)
    # A final statement that had the event keeps it, though its subject left: that customer's terms are then
    # the ones that hold.
    kept = [
        contract
        for contract in found
        if contract.left and contract.final and not contract.late and contract.takes
    ]
    terms = kept or [contract for contract in found if not contract.left]
    charged = [contract for contract in terms if contract.takes]
    disposition, detail = verdict(
        Story(
            event.subject,
            event.type,
            customer.external_id if customer else None,
            void is not None,
            bool(readings),
            bool(terms),
            charged,
            left=kept[0].external_id if kept else None,
            in_flight=_in_flight(event, void),
        )
    )
    exceptions = exceptions_of(charged) if disposition == "held" else []
    return (
        verdict_of(disposition, charged, conflicts),
        detail,
        Counted(event, customer, kept[0] if kept else None, readings, disposition, exceptions, terms),
    )


def _in_flight(event: EventRow, void: VoidRow | None) -> Literal["event", "void"] | None:
    if not event.folded:
        return "event"
    return "void" if void is not None and not void.folded else None


async def _readings(
    catalogue: CatalogueRepository, event: EventRow, covering: Sequence[Covering]
) -> tuple[dict[str, Contribution | Unread], list[Covering]]:
    """What each meter reads of the event, as it counts now and in the version a final statement over it was
    counted by; and the contracts, each with the meters of its lines that take the event.

    Where only the present versions of its meters take it, a final statement lacks the event: it is late.
    """
    now = dict(Catalogue(0, await catalogue.meters()).readings(event.read))
    then: dict[str, Contribution | Unread] = {}
    found = []
    for contract in covering:
        versions = Catalogue(0, await catalogue.versions(sorted(contract.counted_by.items())))
        counted = dict(versions.readings(event.read))
        then |= counted
        took = counted.keys() | (now.keys() - contract.counted_by.keys())
        meters = set(contract.meters)
        late = contract.late or (contract.final and not took & meters)
        takes = (now.keys() if late or not contract.final else took) & meters
        found.append(replace(contract, late=late, takes=tuple(sorted(takes))))
    return {**then, **now}, found


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
