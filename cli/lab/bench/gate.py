"""`u2c bench gate`: what it costs billing to take a month's statements through the gate and make them invoices.

The months of one group of contracts after the other end a day apart; the business clock is moved to the hour before
the end of a group's grace, and then past it. The figure is the CPU of billing, and of the server's processes that
serve it or the checker's role. The checker opens a connection a pass, so what it used after the last look at it is
counted among what was not seen, with all of the figure.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import msgspec

from lab.bench.bodies import written
from lab.bench.checkout import Checkout
from lab.bench.rounds import Round, Rounds
from lab.bench.scene import Scene, beside, driven_scene
from lab.bench.sender import JSON, Connection
from lab.bench.spent import OTHER, Spending
from lab.bench.workload import BodiesPlan

CLOCK_STARTS = datetime(2026, 1, 31, tzinfo=UTC)
#: When usage happens: when every contract has begun, however many rounds there are.
USAGE_FROM, USAGE_TO = datetime(2026, 1, 20, tzinfo=UTC), datetime(2026, 1, 30, tzinfo=UTC)
ROUNDS_MAX = 15
GRACE, HOUR = timedelta(hours=72), timedelta(hours=1)
FINALIZED = "select count(*) from billing.documents where status = 'finalized'"
BILLING, AUDITOR = "billing", "auditor"
LOOK_EVERY_S = 0.1


@dataclass(frozen=True)
class GateWanted:
    """`rounds` groups of so many contracts, with `events` of a group between them, after one that warms up."""

    bus: str
    contracts: int
    events: int
    rounds: int

    @property
    def groups(self) -> int:
        return self.rounds + 1


async def measure_gate(checkout: Checkout, wanted: GateWanted, say: Callable[[str], None]) -> Rounds:
    """CPU, µs a contract, group by group."""
    contracts, clock = wanted.contracts * wanted.groups, CLOCK_STARTS.isoformat()
    async with driven_scene(checkout, wanted.bus, "bench-gate", "--clock-at", clock) as found:
        say(f"creating {contracts:,} customers and contracts, and {wanted.events * wanted.groups:,} events …")
        await found.populate(contracts, lambda number: _starts(number % wanted.groups))
        await found.send(await written(_plan(found, wanted)))
        await found.until_folded()
        rounds = []
        for group in range(wanted.groups):
            say(f"round {group} of {wanted.rounds}: {wanted.contracts:,} contracts …")
            rounds.append(await _round(found, wanted.contracts, group))
        return rounds[1:]


def _starts(group: int) -> date:
    """The first day of this group's contracts."""
    return date(2026, 1, 1 + group)


def _plan(found: Scene, wanted: GateWanted) -> BodiesPlan:
    file, index = (str(found.deployed.folder / f"gate.{kind}") for kind in ("bodies", "index"))
    events, customers = wanted.events * wanted.groups, wanted.contracts * wanted.groups
    return BodiesPlan(file, index, events, customers, 1, USAGE_FROM.timestamp(), USAGE_TO.timestamp())


async def _round(found: Scene, contracts: int, group: int) -> Round:
    grace_over = datetime(2026, 2, 1 + group, tzinfo=UTC) + GRACE
    await move(found, grace_over - HOUR)
    before = await found.auditor.fetchval(FINALIZED)
    spending = Spending(found.deployed.pids(), found.admin)
    await spending.begin()
    async with beside(spending.backends.watch(LOOK_EVERY_S)):
        await move(found, grace_over + HOUR)
    spent = await spending.so_far()
    finalized = await found.auditor.fetchval(FINALIZED) - before
    assert finalized == contracts, f"{finalized:,} of {contracts:,} became invoices"
    parts = {
        "billing": spent.cpu_s[BILLING],
        "postgres for billing": spent.postgres_s.get(BILLING, 0.0),
        "postgres for the checker": spent.postgres_s.get(AUDITOR, 0.0),
        "postgres, not seen": spent.by_role()[OTHER],
    }
    in_all = {"cpu_us_per_contract": sum(parts.values()), **parts, "all processes": spent.product_s}
    return {name: round(seconds / contracts * 1e6, 1) for name, seconds in in_all.items()}


async def move(found: Scene, to: datetime) -> None:
    """Move the business clock; the answer comes when everything due is done."""
    cluster = found.deployed.cluster
    connection = Connection(cluster.urls["rating"], cluster.admin_key)
    await connection.open()
    try:
        await connection.post("/v1/clock/advance", JSON, msgspec.json.encode({"to": to.isoformat()}))
    finally:
        await connection.close()
