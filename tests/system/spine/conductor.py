"""Drives a real deployment through a world: clock first, then what arrives, through the public APIs."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

import msgspec

from lab.departures.client import Client
from tests.system.spine.world import (
    ALIAS_KNOWN_AT,
    AMENDED_AT,
    AMENDMENT,
    CLOSED_AT,
    CONTRACTS,
    METERS,
    ZONES,
    Delivery,
    World,
)

Between = Callable[[datetime], Awaitable[None]]


async def set_up(client: Client) -> None:
    for meter in METERS:
        await client.post("rating", "/v1/meters", meter)
    for customer, zone in ZONES.items():
        await client.post(
            "rating", "/v1/customers", {"external_id": customer, "name": customer, "timezone": zone}
        )
    for customer, document in CONTRACTS.items():
        if customer != "late":
            await client.post("rating", "/v1/contracts", document)


async def run(client: Client, world: World, between: Between | None = None) -> None:
    """Send the whole world; `between` is called after each day's deliveries and before the clock moves on."""
    pending: list[tuple[datetime, Callable[[], Awaitable[Any]]]] = [
        # two days back-dated
        (
            AMENDED_AT.replace(day=17),
            lambda: client.post("rating", "/v1/contracts", AMENDMENT),
        ),
        (
            ALIAS_KNOWN_AT,
            lambda: client.post("rating", "/v1/customers/late/aliases", {"alias": "late-alias"}),
        ),
        (ALIAS_KNOWN_AT, lambda: client.post("rating", "/v1/contracts", CONTRACTS["late"])),
    ]
    closed = False
    for until, deliveries in world.days():
        if until > CLOSED_AT and not closed:
            await client.move_clock(CLOSED_AT)
            closed = True
        await client.move_clock(until)
        due = [act for at, act in pending if at <= until]
        pending = [(at, act) for at, act in pending if at > until]
        await asyncio.gather(send(client, deliveries), *(act() for act in due))  # in flight together
        if between is not None:
            await between(until)


async def send(client: Client, deliveries: list[Delivery]) -> None:
    """Voids and events race, as they do in life."""
    events = [msgspec.json.encode(d.event.cloud_event()) for d in deliveries if not d.void]
    voids = [msgspec.json.encode({"source": "spine", "id": d.event.id}) for d in deliveries if d.void]
    await asyncio.gather(client.send_events(events), client.send_voids(voids))


async def march_invoices(client: Client) -> dict[str, dict[str, Any]]:
    """Customer → its finalized invoice of March, whole; more than one is a fault of its own."""
    found: dict[str, dict[str, Any]] = {}
    async for row in client.pages("billing", "/v1/invoices", status="finalized"):
        invoice = await client.get("billing", f"/v1/invoices/{row['id']}")
        assert invoice["period"]["start"] == "2025-03-01", invoice
        assert invoice["customer"] not in found, f"{invoice['customer']} has two invoices of March"
        found[invoice["customer"]] = invoice
    return found
