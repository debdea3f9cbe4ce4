"""Walk the whole way for real: catalogue, customers, contracts as they are signed and amended, a year of events in
order of arrival, twelve closes."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from lab.departures.client import Client
from lab.departures.schedule import FIRST_DAY, read_schedule
from lab.departures.year import EXAMPLES, NEW_YORK, Flight, slices
from u2c.documents import load_document

CLOCK_STARTS = datetime(2013, 1, 1, tzinfo=NEW_YORK)
CLOCK_ENDS = datetime(2014, 1, 5, tzinfo=NEW_YORK)
Advance = Callable[[int, datetime], Awaitable[None]]


async def set_up(client: Client, folder: Path = EXAMPLES) -> None:
    """Create meters, the 16 customers and the contracts that are there before the first flight."""
    for meter in load_document(folder / "meters.yaml"):
        await client.post("rating", "/v1/meters", meter)
    for customer in load_document(folder / "customers.yaml"):
        await client.post("rating", "/v1/customers", {"timezone": "America/New_York", **customer})
    for recorded in read_schedule(folder):
        if recorded.on == FIRST_DAY:
            await client.post("rating", recorded.path, recorded.document)


async def send_year(client: Client, flights: list[Flight], sent: Advance, folder: Path = EXAMPLES) -> None:
    """Send the year under the business clock: clock first, then what is recorded by then, then the slice. `sent` hears
    how many messages went, and until when."""
    waiting = [recorded for recorded in read_schedule(folder) if recorded.on != FIRST_DAY]
    for piece in slices(flights):
        await client.move_clock(piece.until)
        while waiting and waiting[0].at <= piece.until:
            recorded = waiting.pop(0)
            await client.post("rating", recorded.path, recorded.document)
        await client.send_events(piece.events)
        await client.send_voids(piece.voids)
        await sent(len(piece.events) + len(piece.voids), piece.until)
    await client.move_clock(CLOCK_ENDS)


async def documents(client: Client) -> list[dict[str, Any]]:
    """Every finalized document, whole, as `GET /v1/invoices/{id}` gives it."""
    found = [row["id"] async for row in client.pages("billing", "/v1/invoices", status="finalized")]
    return [await client.get("billing", f"/v1/invoices/{document_id}") for document_id in found]


async def reconciliation(client: Client) -> dict[str, Any]:
    """The year's reconciliation by airline and New York month, with K1–K5 checked now."""
    answer: dict[str, Any] = await client.get(
        "billing", "/v1/reconciliation", timezone="America/New_York", check=True
    )
    return answer


def dispositions(answer: dict[str, Any]) -> dict[tuple[str, str], dict[str, Any]]:
    """(airline, month) → what became of its events, in counts and money."""
    return {
        (row["customer"] or row["subject"], row["month"]): {
            **row["counts"],
            "suspense_value": row["suspense"],
        }
        for row in answer["rows"]
    }
