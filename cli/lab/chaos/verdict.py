"""After the fire: is everything that was acknowledged stored once, do the books hold, does every invoice
equal the oracle?"""

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from lab.bench.deployment import Deployment
from lab.chaos.month import Month
from services.billing.conservation.usecases.check import check_all
from shared.bus import Log
from tests.system.spine.conductor import march_invoices
from tests.system.spine.oracle import PRICES, invoice_total

NAMED_MAX = 5
STORED = "select id, count(*) as times from rating.events group by id"
CONFLICTS = "select distinct id from rating.conflicts"
QUARANTINED = "select raw, code from usage_ingest.quarantine"
NUMBERS = "select number, count(*) as times from billing.documents where status = 'finalized' group by number"
DEAD = "select grp, topic, count(*) as letters from bus.dead_letters group by grp, topic"


async def findings(deployed: Deployment, month: Month) -> tuple[list[str], dict[str, Any]]:
    """Sentences about what is wrong ([]: nothing), and the figures that were compared."""
    found = [*month.producer.faults, *month.faults]
    async with _auditor(deployed) as auditor:
        found += await _books(auditor, deployed.log())
        found += await _stored_once(auditor, month)
        found += await _set_aside(auditor, month)
        found += await _rows_that_must_not_be(auditor)
    found += await _invoices(month)
    found += await _held_late(month)
    world = month.world
    return found, {
        "events": len(world.events),
        "deliveries": len(world.deliveries),
        "voided": len(world.voided),
        "held_late": len(world.held_late),
        "quarantined": len(month.mischief.bad),
        "conflicts": len(month.mischief.conflicting),
        "answers": dict(month.producer.statuses),
    }


async def _books(auditor: asyncpg.Connection, log: Log | None) -> list[str]:
    report = await check_all(auditor, log)
    return [
        f"{each.k} {each.fault}: {each.where} (expected {each.expected}, found {each.found})"
        for each in report.breaks[:20]
    ]


async def _stored_once(auditor: asyncpg.Connection, month: Month) -> list[str]:
    rows = await auditor.fetch(STORED)
    stored, twice = {row["id"] for row in rows}, [row["id"] for row in rows if row["times"] != 1]
    sent, acknowledged = {event.id for event in month.world.events}, month.producer.acknowledged
    return [
        *_named("acknowledged and not stored", acknowledged - stored),
        *_named("stored more than once", set(twice)),
        *_named("stored and never sent", stored - sent),
        *_named("never acknowledged", sent - acknowledged),
    ]


async def _set_aside(auditor: asyncpg.Connection, month: Month) -> list[str]:
    """Bad events with their bytes, and conflicting bodies: none lost, none that was not sent."""
    quarantined = {bytes(row["raw"]) for row in await auditor.fetch(QUARANTINED)}
    conflicts, bad = {row["id"] for row in await auditor.fetch(CONFLICTS)}, set(month.mischief.bad)
    return [
        *_named(
            "bad and not in quarantine", {f"{month.mischief.bad[raw]}: {raw!r}" for raw in bad - quarantined}
        ),
        *_named("in quarantine and not bad", {repr(raw) for raw in quarantined - bad}),
        *_named("sent again with another body and no conflict", month.mischief.conflicting - conflicts),
        *_named("a conflict that was none", conflicts - month.mischief.conflicting),
    ]


async def _rows_that_must_not_be(auditor: asyncpg.Connection) -> list[str]:
    found = [
        f"{row['letters']} dead letters of {row['grp']} on {row['topic']}"
        for row in await auditor.fetch(DEAD)
    ]
    numbers = await auditor.fetch(NUMBERS)
    found += [f"number {row['number']} was given {row['times']} times" for row in numbers if row["times"] > 1]
    digits = sorted(int("".join(filter(str.isdigit, row["number"].rpartition("-")[2]))) for row in numbers)
    if digits != list(range(1, len(digits) + 1)):
        found.append(f"the numbers have a gap: {digits}")
    return found


async def _invoices(month: Month) -> list[str]:
    """Each invoice of March against the oracle, to the cent."""
    try:
        invoices = await month.insist(lambda: march_invoices(month.client))
    except AssertionError as fault:
        return [str(fault)]
    told = {customer: invoice["total"] for customer, invoice in invoices.items()}
    true = {customer: invoice_total(month.world, customer) for customer in PRICES}
    return [
        f"{customer} is billed {told.get(customer)} and owes {total}"
        for customer, total in true.items()
        if told.get(customer) != total
    ]


async def _held_late(month: Month) -> list[str]:
    """What came after the grace: in K3's bucket, and listed by name."""
    report = await month.insist(lambda: month.client.get("billing", "/v1/reconciliation"))
    totals: Counter[str] = Counter()
    for row in report["rows"]:
        totals.update(row["counts"])
    world = month.world
    late = {event.id for event in world.events if event.id in world.held_late and event.subject != "nobody"}
    nobody = sum(event.subject == "nobody" and event.id not in world.voided for event in world.events)
    listed = {row["id"] async for row in month.client.pages("billing", "/v1/held-late")}
    found = [
        *_named("late and not listed as held late", late - listed),
        *_named("listed as held late and not late", listed - late),
    ]
    for bucket, true in (
        ("stored", len(world.events)),
        ("voided", len(world.voided)),
        ("held_late", len(late)),
    ):
        if totals[bucket] != true:
            found.append(f"{totals[bucket]:,} events are {bucket}, the world has {true:,}")
    suspended = sum(row["counts"].get("suspense", 0) for row in report["rows"] if row["subject"] == "nobody")
    return (
        found
        if suspended == nobody
        else [*found, f"{suspended} events of nobody are in suspense, the world has {nobody}"]
    )


def _named(what: str, names: set[str]) -> list[str]:
    """One sentence for all of them, with the first few by name."""
    return [f"{len(names)} {what}: {', '.join(sorted(names)[:NAMED_MAX])}"] if names else []


@asynccontextmanager
async def _auditor(deployed: Deployment) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(
        deployed.cluster.role_url("u2c_auditor"), timeout=60, command_timeout=600
    )
    try:
        await connection.execute("set timezone = 'UTC'")
        yield connection
    finally:
        await connection.close()
