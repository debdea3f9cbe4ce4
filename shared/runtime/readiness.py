"""What /readyz says: each part of a service by name, `ok`, a `note:`, or what is missing with its remedy."""

import asyncio

from shared.db.migration_state import migrations_at_head
from shared.db.unit_of_work import OUTAGES, Database
from shared.runtime.context import AnyContext
from shared.runtime.disk import Disk


async def stored(db: Database, disk: Disk) -> dict[str, str]:
    """The checks of what a process keeps in its schema."""
    try:
        async with asyncio.timeout(5):
            return {
                "database": "ok",
                "migrations": await migrations_at_head(db.pool, db.schema),
                "disk": await disk.check(),
            }
    except OUTAGES as fault:
        return {"database": f"no answer: {fault!r}; check U2C_DATABASE_URL"}


async def checks(context: AnyContext) -> dict[str, str]:
    """The checks of a running service."""
    assert context.consumer is not None
    found = await stored(context.db, context.disk)
    found["bus"] = context.consumer.stopped_reason or "ok"
    stopped = context.key_consumer.stopped_reason if context.key_consumer else None
    found["keys"] = stopped or context.keys.unconfirmed() or "ok"
    notes = {
        "durability": getattr(context.bus, "durability_note", None),
        "outbox": context.relay.refused.note() if context.relay else None,
    }
    return found | {name: f"note: {note}" for name, note in notes.items() if note}


def ready(found: dict[str, str]) -> bool:
    return all(value == "ok" or value.startswith("note:") for value in found.values())
