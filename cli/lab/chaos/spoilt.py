"""A hundred thousand bad events among as many good ones, in the same requests. None is lost, and after a
fix each counts once."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import httpx2
import msgspec

from lab.bench.deployment import Deployment, deployment
from lab.bench.sender import BATCH, EVENTS
from lab.chaos.lag import Lag
from lab.chaos.mischief import VARIATIONS
from lab.chaos.played import Played
from lab.chaos.producer import Producer
from services.billing.conservation.usecases.check import check_all

BAD_PER_REQUEST = 250
POLL_S = 0.2
STORED_WITHIN_S = 60.0
METER = {"meter": "bytes", "event_type": "transfer", "aggregation": "sum", "field": "bytes"}
#: These are good once the meter ignores a value that is missing.
MENDED = ("no value", "value is empty")


async def spoilt_drill(bus: str, events: int, seed: int, say: Callable[[str], None]) -> Played:
    """Send, compare the quarantine with what was sent, byte by byte; change the meter, replay twice, and
    count."""
    played, began = Played("spoilt", bus, seed), time.monotonic()
    say(f"spoilt over {bus}: {events:,} bad events and as many good ones")
    async with deployment(bus, "chaos") as deployed:
        auditor = await asyncpg.connect(deployed.cluster.role_url("u2c_auditor"), command_timeout=600)
        try:
            played.findings += await _drill(deployed, auditor, events, random.Random(seed), played.figures)
        finally:
            played.seconds = time.monotonic() - began
            await auditor.close()
    return played


async def _drill(
    deployed: Deployment,
    auditor: asyncpg.Connection,
    events: int,
    rng: random.Random,
    figures: dict[str, Any],
) -> list[str]:
    cluster = deployed.cluster
    headers = {"Authorization": f"Bearer {cluster.admin_key}"}
    async with httpx2.AsyncClient(headers=headers, trust_env=False, timeout=120) as http:
        (await http.post(f"{cluster.urls['rating']}/v1/meters", json=METER)).raise_for_status()
        await _door_knows(http, cluster.urls["usage_ingest"], refuses=True)
        bad = await _send(http, cluster.urls["usage_ingest"], events, rng)
        found = await _compare(auditor, bad, events, figures)
        changed = {name: value for name, value in METER.items() if name != "meter"}
        (
            await http.put(f"{cluster.urls['rating']}/v1/meters/bytes", json={**changed, "missing": "ignore"})
        ).raise_for_status()
        await _door_knows(http, cluster.urls["usage_ingest"], refuses=False)
        for _ in range(2):
            figures["replayed"] = figures.get("replayed", 0) + await _replay(
                http, cluster.urls["usage_ingest"]
            )
    mended = sum(what in MENDED for what in bad.values())
    await _metered(deployed)
    stored = await auditor.fetchval("select count(*) from rating.events")
    if (figures["replayed"], stored) != (mended, events + mended):
        found.append(
            f"{mended:,} events are good after the change: {figures['replayed']:,} were replayed, {stored - events:,} of them are stored"
        )
    report = await check_all(auditor, deployed.log())
    return found + [f"{each.k} {each.fault}: {each.where}" for each in report.breaks]


async def _door_knows(http: httpx2.AsyncClient, door: str, *, refuses: bool) -> None:
    """Wait until the door has heard of the meter, or of its change: until it would (not) quarantine an event
    without a value."""
    event = msgspec.json.encode([{**_good(0, datetime.now(UTC)), "data": {}}])
    while True:
        answer = await http.post(
            f"{door}{EVENTS}", params={"dry_run": "true"}, content=event, headers={"Content-Type": BATCH}
        )
        if bool(answer.raise_for_status().json()["quarantined"]) == refuses:
            return
        await asyncio.sleep(POLL_S)


def _good(number: int, at: datetime) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": f"good-{number}",
        "source": "spoilt",
        "type": "transfer",
        "subject": f"customer-{number % 100}",
        "time": at.isoformat(),
        "data": {"bytes": number, "region": "eu"},
    }


async def _send(http: httpx2.AsyncClient, door: str, events: int, rng: random.Random) -> dict[bytes, str]:
    """Half of each request is bad. Returns the bytes of the bad ones, and what is wrong with each."""
    bad: dict[bytes, str] = {}
    at = datetime.now(UTC) - timedelta(minutes=5)
    for start in range(0, events, BAD_PER_REQUEST):
        raw: list[bytes] = []
        for number in range(start, min(start + BAD_PER_REQUEST, events)):
            good = _good(number, at)
            what, event = rng.choice(VARIATIONS)({**good, "id": f"bad-{number}"})
            raw += [msgspec.json.encode(good), msgspec.json.encode(event)]
            bad[raw[-1]] = what
        body = b"[" + b",".join(raw) + b"]"
        (await http.post(f"{door}{EVENTS}", content=body, headers={"Content-Type": BATCH})).raise_for_status()
    return bad


async def _compare(
    auditor: asyncpg.Connection, bad: dict[bytes, str], events: int, figures: dict[str, Any]
) -> list[str]:
    deadline = time.monotonic() + STORED_WITHIN_S  # acknowledged is on the bus; the table follows
    while (
        await auditor.fetchval("select count(*) from usage_ingest.quarantine") < len(bad)
        and time.monotonic() < deadline
    ):
        await asyncio.sleep(POLL_S)
    rows = await auditor.fetch("select code, raw from usage_ingest.quarantine")
    kept = {bytes(row["raw"]): row["code"] for row in rows}
    codes = Counter((bad.get(raw, "not sent"), code) for raw, code in kept.items())
    figures.update(
        bad=len(bad),
        quarantined=len(rows),
        reasons={f"{what} → {code}": count for (what, code), count in sorted(codes.items())},
    )
    found = []
    if len(rows) != len(bad) or kept.keys() != bad.keys():
        found.append(
            f"{len(bad):,} bad events were sent, {len(rows):,} are in quarantine, {len(kept.keys() & bad.keys()):,} with the bytes sent"
        )
    several = [what for what in set(bad.values()) if len({code for (of, code) in codes if of == what}) != 1]
    if several:
        found.append(f"the same fault has several codes: {several}")
    return found


async def _replay(http: httpx2.AsyncClient, door: str) -> int:
    """Judge everything open again, with today's catalogue."""
    replayed, more, after = 0, True, ""
    while more:
        answer = (
            (await http.post(f"{door}/v1/quarantine/replay", json={"after": after})).raise_for_status().json()
        )
        replayed, more, after = replayed + answer["replayed"], answer["more"], answer["after"]
    return replayed


async def _metered(deployed: Deployment) -> None:
    """Wait until everything published is metered; the count says afterwards whether it was all."""
    cluster = deployed.cluster
    lag = Lag(
        cluster.database_url, Producer(cluster.urls["usage_ingest"], cluster.admin_key), deployed.heads()
    )
    try:
        while await lag.of("rating"):
            await asyncio.sleep(POLL_S)
    finally:
        await lag.close()
