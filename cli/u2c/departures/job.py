"""Walk the whole way for real: catalogue, customers, contracts, a year of events in order of arrival, twelve closes."""

from collections.abc import Callable, Iterator
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

from u2c.departures.client import Client
from u2c.departures.figures import MONTHS
from u2c.departures.year import EXAMPLES, NEW_YORK, Flight, slices
from u2c.documents import load_document

CLOCK_STARTS = datetime(2013, 1, 1, tzinfo=NEW_YORK)
CLOCK_ENDS = datetime(2014, 1, 5, tzinfo=NEW_YORK)
AMENDMENTS = {"F9-amendment.yaml"}            # recorded when the clock reaches the day they take effect
Advance = Callable[[int], None]


async def set_up(client: Client, folder: Path = EXAMPLES) -> None:
    """Create meters, the 16 customers and the eight contracts."""
    for meter in load_document(folder / "meters.yaml"):
        await client.post("rating", "/v1/meters", meter)
    for customer in load_document(folder / "customers.yaml"):
        await client.post("rating", "/v1/customers", {"timezone": "America/New_York", **customer})
    for path in sorted((folder / "contracts").glob("*.yaml")):
        if path.name not in AMENDMENTS:
            await client.post("rating", "/v1/contracts", load_document(path))


async def send_year(client: Client, flights: list[Flight], sent: Advance, folder: Path = EXAMPLES) -> None:
    """Send the year under the business clock: clock first, then the slice. `sent` hears how many messages went."""
    waiting = {name: load_document(folder / "contracts" / name) for name in AMENDMENTS}
    for piece in slices(flights):
        await client.move_clock(piece.until)
        for name in [n for n, document in waiting.items() if _effective(document) <= piece.until]:
            await client.post("rating", "/v1/contracts", waiting.pop(name))
        await client.send_events(piece.events)
        await client.send_voids(piece.voids)
        sent(len(piece.events) + len(piece.voids))
    await client.move_clock(CLOCK_ENDS)


async def invoices(client: Client) -> list[dict[str, Any]]:
    """Every finalized document, whole, as `GET /v1/invoices/{id}` gives it."""
    found = [row["id"] async for row in client.pages("billing", "/v1/invoices", status="finalized")]
    return [await client.get("billing", f"/v1/invoices/{document_id}") for document_id in found]


async def dispositions(client: Client) -> dict[tuple[str, str], dict[str, Any]]:
    """(airline, month) → what became of its events, in counts and money, from the reconciliation of each local month."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for month, (start, end) in zip(MONTHS, _month_bounds(), strict=True):
        answer = await client.get("billing", "/v1/reconciliation", **{"from": start.isoformat(), "to": end.isoformat()})
        for row in answer["rows"]:
            figures = found.setdefault((row["customer"] or row["subject"], month), {})
            for bucket, count in row["counts"].items():
                figures[bucket] = figures.get(bucket, 0) + count
            figures["suspense_value"] = row["suspense"]
    return found


def _month_bounds() -> Iterator[tuple[datetime, datetime]]:
    starts = [datetime(2013 + month // 12, month % 12 + 1, 1, tzinfo=NEW_YORK) for month in range(13)]
    return pairwise(starts)


def _effective(document: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(document["effective"]).replace(tzinfo=NEW_YORK)
