"""What /readyz says: each part of a service by name, `ok`, a `note:`, or what is missing with its remedy."""

import asyncio

from shared.db.migration_state import migrations_at_head
from shared.db.unit_of_work import OUTAGES
from shared.runtime.context import AnyContext


async def checks(context: AnyContext) -> dict[str, str]:
    """The checks of a running service."""
    assert context.consumer is not None
    try:
        async with asyncio.timeout(5):
            found = {
                "database": "ok",
                "migrations": await migrations_at_head(context.db.pool, context.name),
                "disk": await context.disk.check(),
            }
    except OUTAGES as fault:
        found = {"database": f"no answer: {fault!r}; check U2C_DATABASE_URL"}
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
