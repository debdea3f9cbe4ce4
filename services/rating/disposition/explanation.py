"""Verb: say what became of one event."""

from decimal import Decimal
from typing import Any

import asyncpg
import msgspec

from services.rating.catalogue.repository import CatalogueRepository
from services.rating.disposition.repository import DispositionRepository
from services.rating.disposition.verdict import Story, exceptions_of, verdict
from services.rating.metering.domain.arrival import key_of
from services.rating.metering.domain.reading import Contribution, Unread
from services.rating.metering.domain.tally import Catalogue
from services.rating.metering.repository import stored_event
from shared.decimals import plain

LISTED_MAX = 100
_decode = msgspec.json.Decoder(float_hook=str).decode          # decimals travel as strings


async def explain_event(connection: asyncpg.Connection, source: str, id: str) -> dict[str, Any]:
    """Return where the event is stored, who it belongs to, what it added, and what came of it."""
    repository, key = DispositionRepository(connection), key_of(source, id)
    event, void = await repository.event(key), await repository.void(key)
    answer: dict[str, Any] = {
        "object": "event_explanation", "source": source, "id": id, "status": _status(event, void),
        "void": {"received_at": _text(void["received_at"]), "batch_id": void["batch_id"], "partition": void["partition"]} if void else None,
        "duplicates": [_delivery(row) for row in await repository.duplicates(key, LISTED_MAX)],
        "conflicts": [{**_delivery(row), "body": _decode(row["body"])} for row in await repository.conflicts(key, LISTED_MAX)],
    }
    if event is None:
        return {**answer, "stored": None, "detail": _missing(void)}
    return {**answer, "stored": _stored(event), **await _counted(connection, repository, event, void)}


async def _counted(
    connection: asyncpg.Connection, repository: DispositionRepository, event: asyncpg.Record, void: asyncpg.Record | None,
) -> dict[str, Any]:
    """Customer, meters and contracts of a stored event, and what became of it."""
    customer = await repository.customer_of(event["subject"])
    catalogue = Catalogue(0, await CatalogueRepository(connection).meters())
    fed = [_fed(meter, found) for meter, found in catalogue.readings(stored_event(event))]
    terms = await repository.terms_at(customer["customer_id"], event, void) if customer else []
    names = {meter["meter"] for meter in fed}
    charged = [contract for contract in terms if names & set(contract["meters"])]
    disposition, detail = verdict(Story(
        event["subject"], event["type"], customer["external_id"] if customer else None, void is not None, bool(fed), bool(terms), charged))
    return {
        "customer": {"id": customer["customer_id"], "external_id": customer["external_id"], "by_alias": customer["alias"]} if customer else None,
        "meters": fed, "disposition": disposition, "detail": detail, "exceptions": exceptions_of(charged) if disposition == "held" else [],
        "contracts": [
            {"contract": contract["contract"], "version": contract["version"], "final": contract["final"],
             "period": {"start": contract["start_date"].isoformat(), "end": contract["end_date"].isoformat()},
             "meters": sorted(names & set(contract["meters"]))} for contract in terms
        ],
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


def _missing(void: asyncpg.Record | None) -> str:
    if void:
        return "a void is in force for it and waits; the event itself was never stored"
    return ("not stored (yet): if it was sent within the last seconds, ask again; "
            "else it was quarantined or refused at the door (GET /v1/quarantine of usage_ingest), or never sent")


def _stored(event: asyncpg.Record) -> dict[str, Any]:
    return {
        "type": event["type"], "subject": event["subject"], "time": _text(event["time"]), "data": _decode(event["body"]),
        "received_at": _text(event["received_at"]), "stored_at": _text(event["stored_at"]) if event["stored_at"] else None,
        "topic": event["topic"], "partition": event["partition"], "offsets": {"from": event["from_offset"], "to": event["to_offset"]},
        "batch_id": event["batch_id"], "seq": event["seq"],
    }


def _delivery(row: asyncpg.Record) -> dict[str, Any]:
    return {"received_at": _text(row["received_at"]), "batch_id": row["batch_id"], "seq": row["seq"]}


def _text(instant: Any) -> str:
    text: str = instant.isoformat().replace("+00:00", "Z")
    return text
