"""Verb: say what became of one event."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import asyncpg
import msgspec

from services.rating.catalogue.repository import CatalogueRepository
from services.rating.disposition.repository import DispositionRepository
from services.rating.disposition.underway import UnderWay, shown_letter, under_way
from services.rating.disposition.verdict import Story, Verdict, exceptions_of, verdict, verdict_of
from services.rating.metering.domain.arrival import key_of
from services.rating.metering.domain.reading import Contribution, Unread
from services.rating.metering.domain.tally import Catalogue
from services.rating.metering.repository import stored_event
from shared.bus import Bus
from shared.decimals import plain

LISTED_MAX = 100
_decode = msgspec.json.Decoder(float_hook=str).decode          # decimals travel as strings


async def explain_event(connection: asyncpg.Connection, bus: Bus, source: str, id: str) -> dict[str, Any]:
    """Return what became of the event in one word, where it is stored, who it belongs to, what it added, and what came of it.

    Only what is not stored is looked for on the bus. Raises BusUnavailable then, rather than to call it unknown.
    """
    repository, key = DispositionRepository(connection), key_of(source, id)
    event, void = await repository.event(key), await repository.void(key)
    duplicates, conflicts = await repository.duplicates(key, LISTED_MAX), await repository.conflicts(key, LISTED_MAX)
    if event is None:
        elsewhere = await under_way(connection, bus, source, id)
        word, detail = _absent(void, elsewhere)
        rest: dict[str, Any] = {"stored": None, "detail": detail}
    else:
        elsewhere = UnderWay()
        word, rest = await _counted(connection, repository, event, void, len(conflicts))
    return {
        "object": "event_explanation", "source": source, "id": id, "verdict": word, "status": _status(event, void),
        "void": {"received_at": _text(void["received_at"]), "batch_id": void["batch_id"], "partition": void["partition"]} if void else None,
        "duplicates": [_delivery(row) for row in duplicates], "duplicates_total": _total(duplicates),
        "conflicts": [{**_delivery(row), "body": _decode(row["body"])} for row in conflicts], "conflicts_total": _total(conflicts),
        "in_flight": [record.shown() for record in elsewhere.in_flight], "in_flight_unread": elsewhere.unread,
        "dead_letters": [shown_letter(letter) for letter in elsewhere.set_aside],
        **rest,
    }


async def _counted(
    connection: asyncpg.Connection, repository: DispositionRepository, event: asyncpg.Record, void: asyncpg.Record | None, conflicts: int,
) -> tuple[Verdict, dict[str, Any]]:
    """The verdict on a stored event; its customer, meters and contracts, and what became of it."""
    customer, catalogue = await repository.customer_of(event["subject"]), CatalogueRepository(connection)
    found = await repository.terms_at(customer["customer_id"] if customer else None, event, void)
    readings = await _readings(catalogue, event, found)
    fed = [_fed(meter, reading) for meter, reading in readings.items()]
    names = set(readings)
    # A final statement that had the event keeps it, though its subject left: that customer's terms are then the ones that hold.
    kept = [contract for contract in found if contract["left"] and contract["final"] and not contract["late"] and contract["takes"]]
    terms = kept or [contract for contract in found if not contract["left"]]
    charged = [contract for contract in terms if contract["takes"]]
    disposition, detail = verdict(Story(
        event["subject"], event["type"], customer["external_id"] if customer else None, void is not None, bool(fed), bool(terms), charged,
        left=kept[0]["external_id"] if kept else None))
    return verdict_of(disposition, charged, conflicts), {
        "stored": _stored(event),
        "customer": {"id": customer["customer_id"], "external_id": customer["external_id"], "by_alias": customer["alias"]} if customer else None,
        "left": {"id": kept[0]["customer_id"], "external_id": kept[0]["external_id"]} if kept else None,
        "meters": fed, "disposition": disposition, "detail": detail, "exceptions": exceptions_of(charged) if disposition == "held" else [],
        "contracts": [_charging(contract, names) for contract in terms],
    }


async def _readings(catalogue: CatalogueRepository, event: asyncpg.Record, found: list[dict[str, Any]]) -> dict[str, Contribution | Unread]:
    """What each meter reads of the event: as it counts now, and in the version a final statement over it was counted by.

    Notes in each contract which meters of its lines take the event (`takes`): where only their present versions do, the statement lacks it.
    """
    stored = stored_event(event)
    now = dict(Catalogue(0, await catalogue.meters()).readings(stored))
    then: dict[str, Contribution | Unread] = {}
    for contract in found:
        versions = Catalogue(0, await catalogue.versions(sorted(contract["counted_by"].items())))
        counted = dict(versions.readings(stored))
        then |= counted
        took = counted.keys() | (now.keys() - contract["counted_by"].keys())
        meters = set(contract["meters"])
        contract["late"] = contract["late"] or (contract["final"] and not took & meters)
        contract["takes"] = sorted((now.keys() if contract["late"] or not contract["final"] else took) & meters)
    return {**then, **now}


def _charging(contract: dict[str, Any], names: set[str]) -> dict[str, Any]:
    """A contract in force at the event's time: its period, the event's meters it charges, and the statement's lines of these."""
    return {
        "contract": contract["contract"], "version": contract["version"], "final": contract["final"],
        "period": {"start": contract["start_date"].isoformat(), "end": contract["end_date"].isoformat()},
        "meters": sorted(names & set(contract["meters"])), "lines": [line for line in contract["lines"] if line["meter"] in names],
    }


def _fed(meter: str, found: Contribution | Unread) -> dict[str, Any]:
    """What the event adds to the meter."""
    if isinstance(found, Unread):
        return {"meter": meter, "group": None, "value": None, "item": None, "unreadable": True}
    return {"meter": meter, "group": _decode(found.group), "value": plain(Decimal(found.value)), "item": found.item, "unreadable": False}


def _status(event: asyncpg.Record | None, void: asyncpg.Record | None) -> str:
    if event is None:
        return "awaited" if void else "unknown"
    return "voided" if void else "stored"


def _absent(void: asyncpg.Record | None, elsewhere: UnderWay) -> tuple[Verdict, str]:
    """The verdict on an event that is not stored, and what to do about it."""
    if any(record.kind != "void" for record in elsewhere.in_flight):
        return Verdict.IN_FLIGHT, "accepted and on the bus; metering has not come to it yet: if that lasts, see /readyz of rating"
    if elsewhere.set_aside:
        letter = elsewhere.set_aside[-1]
        if letter.discarded:
            return Verdict.SET_ASIDE, f"metering could not take it, and {letter.discarded.by} discarded it: {letter.discarded.reason}"
        return Verdict.SET_ASIDE, (f"metering could not take it ({letter.error}); mend that and publish it again (./u2c dead-letters replay), "
                                   f"or discard it (./u2c dead-letters discard {letter.name} --reason WHY)")
    if elsewhere.unread:
        return Verdict.UNKNOWN, (f"not stored, and {elsewhere.unread:,} records of its partition wait beyond those that were looked through: "
                                 "it may be among them; ask again when metering has come closer")
    if void:
        return Verdict.VOIDED, "a void is in force for it and waits; the event itself was never stored"
    return Verdict.UNKNOWN, ("not stored (yet): if it was sent within the last seconds, ask again; "
                             "else it was quarantined or refused at the door (GET /v1/quarantine of usage_ingest), or never sent")


def _stored(event: asyncpg.Record) -> dict[str, Any]:
    return {
        "type": event["type"], "subject": event["subject"], "time": _text(event["time"]), "data": _decode(event["body"]),
        "received_at": _text(event["received_at"]), "stored_at": _text(event["stored_at"]) if event["stored_at"] else None,
        "topic": event["topic"], "partition": event["partition"], "offsets": {"from": event["from_offset"], "to": event["to_offset"]},
        "batch_id": event["batch_id"], "seq": event["seq"],
    }


def _total(listed: Sequence[asyncpg.Record]) -> int:
    """How many there are of which some are listed."""
    return listed[0]["total"] if listed else 0


def _delivery(row: asyncpg.Record) -> dict[str, Any]:
    return {"received_at": _text(row["received_at"]), "batch_id": row["batch_id"], "seq": row["seq"]}


def _text(instant: Any) -> str:
    text: str = instant.isoformat().replace("+00:00", "Z")
    return text
