"""`u2c status`: what runs, whether it can work, how far behind it is, and what waits for whom."""

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import httpx2
import psutil
import typer
from prometheus_client.parser import text_string_to_metric_families
from rich.console import Console

from shared.postgres.setup import SERVICES
from u2c.api import WRONG, Api, OfDatabase
from u2c.deployment.address import deployment
from u2c.deployment.running import Running
from u2c.deployment.services import PORTS
from u2c.printing import AsJson, console, folding, print_json

TIMEOUT_S = 10
MIB = 1024 * 1024


@dataclass
class Standing:
    """One service: `checks` as /readyz gives them (empty: no answer), `lag` in records over all its
    topics."""

    service: str
    url: str
    pid: int | None
    ready: bool = False
    checks: dict[str, str] = field(default_factory=dict)
    lag: int | None = None
    outbox_age_s: float | None = None
    memory_mib: int | None = None
    exceptions: Counter[tuple[str, str]] = field(default_factory=Counter)  # (owner, kind) → open ones

    def reason(self) -> str:
        """Why it is not ready, or what there is to note."""
        if not self.checks:
            return "no answer"
        return "; ".join(
            f"{name}: {value.removeprefix('note: ')}" for name, value in self.checks.items() if value != "ok"
        )

    def shown(self) -> dict[str, Any]:
        return {
            "service": self.service,
            "url": self.url,
            "pid": self.pid,
            "ready": self.ready,
            "checks": self.checks,
            "lag_records": self.lag,
            "outbox_age_s": self.outbox_age_s,
            "memory_mib": self.memory_mib,
            "exceptions": [
                {"owner": owner, "kind": kind, "open": count}
                for (owner, kind), count in sorted(self.exceptions.items())
            ],
        }


def command(database: OfDatabase = None, as_json: AsJson = False) -> None:
    """Each service of the running deployment: ready or why not, lag, outbox, memory; and open exceptions by
    owner. 1: one is not ready."""
    found = deployment(database)
    standings = asyncio.run(_all(found))
    good = all(standing.ready for standing in standings)
    if as_json:
        print_json(
            {
                "object": "status",
                "database": found.database,
                "bus": found.bus,
                "logs": found.logs,
                "pid": found.pid,
                "ready": good,
                "services": [standing.shown() for standing in standings],
            }
        )
    else:
        _show(found, standings, console())
    raise typer.Exit(0 if good else WRONG)


async def _all(found: Running) -> list[Standing]:
    return list(
        await asyncio.gather(*(_standing(service, found) for service in PORTS if service in found.urls))
    )


async def _standing(service: str, found: Running) -> Standing:
    standing = Standing(service, found.urls[service], found.pids.get(service))
    if standing.pid is not None and psutil.pid_exists(standing.pid):
        standing.memory_mib = psutil.Process(standing.pid).memory_info().rss // MIB
    try:
        async with httpx2.AsyncClient(base_url=standing.url, timeout=TIMEOUT_S, trust_env=False) as client:
            ready = await client.get("/readyz")
            standing.ready, standing.checks = ready.is_success, ready.json()["checks"]
            _measure(standing, (await client.get("/metrics")).text)
    except httpx2.HTTPError:
        return standing
    if service not in SERVICES:
        return standing
    async with Api(service, found.database) as api:
        async for row in api.pages("/v1/exceptions"):
            standing.exceptions[row["owner"], row["kind"]] += 1
    return standing


def _measure(standing: Standing, exposition: str) -> None:
    """Lag and outbox age from the service's own metrics."""
    samples = [sample for family in text_string_to_metric_families(exposition) for sample in family.samples]
    standing.lag = int(sum(sample.value for sample in samples if sample.name == "u2c_consumer_lag_records"))
    standing.outbox_age_s = max(
        (sample.value for sample in samples if sample.name == "u2c_outbox_age_seconds"), default=None
    )


def _show(found: Running, standings: list[Standing], words: Console) -> None:
    table = folding(
        "service",
        "",
        "lag",
        "outbox",
        "memory",
        "process",
        "note",
        title=f"{found.database} on the {found.bus} bus",
    )
    for standing in standings:
        table.add_row(
            standing.service,
            "[green]ready[/]" if standing.ready else "[bold red]not ready[/]",
            _figure(standing.lag, "{:,}"),
            _figure(standing.outbox_age_s, "{:.1f} s"),
            _figure(standing.memory_mib, "{:,} MiB"),
            _figure(standing.pid, "{}"),
            standing.reason(),
        )
    words.print(table)
    open_ones = sum((standing.exceptions for standing in standings), Counter[tuple[str, str]]())
    for (owner, kind), count in sorted(open_ones.items()):
        words.print(f"{count:6,} open  {owner}: {kind}", markup=False, highlight=False, soft_wrap=True)
    words.print(
        "No exception is open."
        if not open_ones
        else "What each is about: GET /v1/exceptions of its service.",
        highlight=False,
    )
    words.print(f"logs {found.logs}", markup=False, highlight=False, soft_wrap=True)


def _figure(value: float | None, form: str) -> str:
    return "-" if value is None else form.format(value)
