"""Say what came of stored events, many at once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from services.rating.catalogue.repository import CatalogueRepository
from services.rating.disposition.domain.covering import Covering, Holding
from services.rating.disposition.domain.verdict import (
    Disposition,
    Reason,
    Story,
    Verdict,
    exceptions_of,
    suspended_for,
    verdict,
    verdict_of,
)
from services.rating.disposition.repository.events import DispositionRepository
from services.rating.disposition.rows import EventRow, OwnerRow, VoidRow
from services.rating.metering.domain.reading import Contribution, Unread
from services.rating.metering.domain.tally import Catalogue
from shared.db.unit_of_work import UnitOfWork

Versions = tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Counted:
    """What came of a stored event. `left`: who had its subject when the final statement that charges it was
    cut."""

    event: EventRow
    customer: OwnerRow | None
    left: Covering | None
    readings: Mapping[str, Contribution | Unread]  # by meter
    disposition: Disposition
    #: of one in suspense
    reason: Reason | None
    exceptions: list[Holding]
    contracts: list[Covering]  # in force at the event's time


@dataclass(frozen=True, slots=True)
class Judged:
    """The verdict on a stored event, and what to say of it."""

    verdict: Verdict
    detail: str
    counted: Counted


async def judge_events(
    uow: UnitOfWork,
    events: Sequence[EventRow],
    voids: Mapping[bytes, VoidRow],
    refused: Mapping[bytes, int],
    *,
    with_lines: bool = True,
) -> list[Judged]:
    """Return what came of each event, as of now. `voids`: those in force, by key; `refused`: key → how many other bodies
    were; `with_lines`: with the lines that charge it, which means to read whole statements."""
    repository = DispositionRepository(uow.connection)
    customers = await repository.customers_of({event.subject for event in events})
    covering = await repository.terms_at(events, customers, voids, with_lines=with_lines)
    meters = await _meters(CatalogueRepository(uow.connection), covering)
    return [
        _judged(
            event,
            customers.get(event.subject),
            voids.get(event.key),
            *_readings(meters, event, contracts),
            refused.get(event.key, 0),
        )
        for event, contracts in zip(events, covering, strict=True)
    ]


def _judged(
    event: EventRow,
    customer: OwnerRow | None,
    void: VoidRow | None,
    readings: Mapping[str, Contribution | Unread],
    found: Sequence[Covering],
    refused: int,
) -> Judged:
    # A final statement that had the event keeps it, though its subject left: that customer's terms are then
    # the ones that hold.
    kept = [
        contract
        for contract in found
        if contract.left and contract.final and not contract.late and contract.takes
    ]
    terms = kept or [contract for contract in found if not contract.left]
    charged = [contract for contract in terms if contract.takes]
    story = Story(
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
    disposition, detail = verdict(story)
    left, reason = kept[0] if kept else None, suspended_for(story) if disposition == "suspense" else None
    held = exceptions_of(charged) if disposition == "held" else []
    counted = Counted(event, customer, left, readings, disposition, reason, held, terms)
    return Judged(verdict_of(disposition, charged, refused), detail, counted)


def _in_flight(event: EventRow, void: VoidRow | None) -> Literal["event", "void"] | None:
    if not event.folded:
        return "event"
    return "void" if void is not None and not void.folded else None


async def _meters(
    catalogue: CatalogueRepository, covering: Sequence[Sequence[Covering]]
) -> Mapping[Versions, Catalogue]:
    """Which versions a statement counted by → the meters as they were; () → as they are now."""
    named = {_versions(contract) for contracts in covering for contract in contracts} - {()}
    then = {versions: Catalogue(0, await catalogue.versions(versions)) for versions in sorted(named)}
    return {(): Catalogue(0, await catalogue.meters()), **then}


def _versions(contract: Covering) -> Versions:
    return tuple(sorted(contract.counted_by.items()))


def _readings(
    catalogues: Mapping[Versions, Catalogue], event: EventRow, covering: Sequence[Covering]
) -> tuple[dict[str, Contribution | Unread], list[Covering]]:
    """What each meter reads of the event, as it counts now and in the version a final statement over it was
    counted by; and the contracts, each with the meters of its lines that take the event.

    Where only the present versions of its meters take it, a final statement lacks the event: it is late.
    """
    now = dict(catalogues[()].readings(event.read))
    then: dict[str, Contribution | Unread] = {}
    found = []
    for contract in covering:
        versions = _versions(contract)
        counted = dict(catalogues[versions].readings(event.read)) if versions else {}
        then |= counted
        took = counted.keys() | (now.keys() - contract.counted_by.keys())
        meters = set(contract.meters)
        late = contract.late or (contract.final and not took & meters)
        takes = (now.keys() if late or not contract.final else took) & meters
        found.append(replace(contract, late=late, takes=tuple(sorted(takes))))
    return {**then, **now}, found
