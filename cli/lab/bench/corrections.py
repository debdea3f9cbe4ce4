"""`u2c bench corrections`: how long it takes until twelve final months of every contract are corrected, told and
documented, beside pricing the same statements from memory.

Every contract has twelve final months, invoiced, and one that has just ended. A version of each is applied that takes
force with the first of the twelve, a call each, and the business clock is moved past the next close: that corrects them
behind its barrier, and makes the month that has ended final. The next round is a month later.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from lab.bench import books
from lab.bench.bodies import written
from lab.bench.checkout import Checkout
from lab.bench.from_memory import priced_from_memory, remember
from lab.bench.gate import AUDITOR, BILLING, GRACE, HOUR, LOOK_EVERY_S, move
from lab.bench.progress import Stuck, until_activity_told
from lab.bench.rounds import Round, Rounds
from lab.bench.rows_read import rows_read
from lab.bench.run import BooksBroken
from lab.bench.scene import Scene, beside, driven_scene
from lab.bench.sender import post_all
from lab.bench.spent import CLIENT, Spending, Spent
from lab.bench.workload import BodiesPlan, contract_document

MONTHS_MAX: Final = 12
ROUNDS_MAX: Final = 24
STARTS, TERM_MONTHS = date(2025, 1, 1), 48
#: The last of the twelve months may close.
CLOCK_STARTS: Final = datetime(2026, 1, 5, tzinfo=UTC)
DAY: Final = timedelta(days=1)
FEE: Final = 99
LISTED_MIN: Final = 10  # rows a correction
POLL_S, PATIENCE_S = 0.1, 1800.0
FINAL = "select count(*) from rating.periods where final"
INVOICED, NOTED = (
    f"select coalesce(sum(next - 1), 0)::bigint from billing.number_series where series {of} '%-DN-%'"
    for of in ("not like", "like")
)
#: A mark goes with the transaction that tells its note; nothing is counted, since what is read is a figure.
TOLD = """select not exists (select from rating.correction_marks)
    and not exists (select from rating.outbox where topic = 'rating.statements')"""
CORRECTED = """select contract, period_start from rating.corrections
    where known_version = $1 and outcome = 'note' order by 1, 2"""


@dataclass(frozen=True)
class CorrectionsWanted:
    """So many `contracts` of five lines with `events` a month between them, and as many customers without one, who have
    `stored` events between them. `rounds` versions of each contract, each of which corrects `months`."""

    bus: str
    contracts: int
    months: int
    events: int
    stored: int
    rounds: int


async def measure_corrections(
    checkout: Checkout, wanted: CorrectionsWanted, say: Callable[[str], None]
) -> Rounds:
    """Seconds until corrections are told and their notes numbered, what they are divided by, and the rows that were
    read, round by round. Raises BooksBroken."""
    clock = CLOCK_STARTS.isoformat()
    async with driven_scene(checkout, wanted.bus, "bench-corrections", "--clock-at", clock) as found:
        await _fill(found, wanted, say)
        rounds = []
        for number in range(wanted.rounds):
            say(f"round {number + 1} of {wanted.rounds}: {wanted.contracts * wanted.months:,} corrections …")
            rounds.append(await _round(found, wanted, number))
        say("checking the books …")
        faults = await books.faults(found.auditor, await found.deployed.breaks(found.auditor), found.unique)
        if faults:
            raise BooksBroken(*faults)
        return rounds


async def _fill(found: Scene, wanted: CorrectionsWanted, say: Callable[[str], None]) -> None:
    """Usage of a year first, and then the contracts: their months become final and are invoiced."""
    contracts = wanted.contracts
    say(f"creating {contracts:,} customers, and as many without a contract …")
    await found.populate(contracts * 2, None)
    say(f"storing {wanted.events * MONTHS_MAX:,} events, and {wanted.stored:,} of others …")
    await _use(found, wanted, 0, MONTHS_MAX)
    if wanted.stored:
        plan = _plan(found, (wanted.stored, contracts), (0, MONTHS_MAX), first=contracts)
        await found.send(await written(plan))
    await found.until_folded()
    say(f"closing {contracts * MONTHS_MAX:,} months …")
    await _apply(found, [_terms(number) for number in range(contracts)])
    await _until(found, FINAL, contracts * MONTHS_MAX)
    await _until(found, INVOICED, contracts * MONTHS_MAX)


async def _round(found: Scene, wanted: CorrectionsWanted, number: int) -> Round:
    """Correct the last months that are final by then."""
    ended, version, corrections = MONTHS_MAX + number, number + 2, wanted.contracts * wanted.months
    await move(found, _month(ended + 1) + DAY)
    await _use(found, wanted, ended, ended + 1)
    await found.until_folded()
    await until_activity_told(found.auditor)
    invoiced, noted = wanted.contracts * (ended + 1), await found.auditor.fetchval(NOTED) + corrections
    dearer = [
        _terms(customer, _month(ended - wanted.months).date(), FEE + version)
        for customer in range(wanted.contracts)
    ]
    spending, read = Spending(found.deployed.pids(), found.admin), await rows_read(found.admin)
    await spending.begin()
    began, times = time.monotonic(), dict[str, float]()
    async with beside(spending.backends.watch(LOOK_EVERY_S)), asyncio.TaskGroup() as group:
        await _apply(found, dearer)
        times["applied_s"] = time.monotonic() - began
        group.create_task(move(found, _month(ended + 1) + GRACE + HOUR))
        times["told_s"] = await _until(found, TOLD, True) - began
        until_told = await spending.so_far()
        times["corrected_s"] = times["told_s"] - times["applied_s"]
        times["numbered_s"] = await _until(found, NOTED, noted) - began
    spent = await spending.so_far()
    await _until(found, INVOICED, invoiced)
    rows = _since(read, await rows_read(found.admin), corrections)
    divided = await _divided(found, times, version, corrections)
    return {**times, **divided, **_cpu_told(until_told, corrections), **_cpu(spent, wanted), **rows}


async def _divided(found: Scene, times: Round, version: int, corrections: int) -> Round:
    """What the corrections are divided by, and what comes of that."""
    places = [(row["contract"], row["period_start"]) for row in await found.auditor.fetch(CORRECTED, version)]
    assert len(places) == corrections, f"{len(places):,} of {corrections:,} notes were told"
    memory = priced_from_memory(await remember(found.deployed.cluster.role_url("rating"), places))
    return {
        **memory,
        "told_to_memory": times["told_s"] / memory["memory_s"],
        "told_to_memory_again": times["told_s"] / memory["memory_again_s"],
        "notes_per_s": corrections / times["numbered_s"],
    }


def _cpu_told(spent: Spent, corrections: int) -> Round:
    """CPU until the last correction is told, µs a correction: of all processes, and of what it consists. On so many cores
    that share it without any rest, that would take so much less."""
    parts = {
        **{name: seconds for name, seconds in spent.cpu_s.items() if name != CLIENT},
        **{f"postgres for {role}": seconds for role, seconds in spent.by_role().items()},
    }
    in_all = {"told_cpu_us": spent.product_s, **{f"told_cpu_us {name}": s for name, s in parts.items()}}
    return {name: seconds / corrections * 1e6 for name, seconds in in_all.items()}


def _cpu(spent: Spent, wanted: CorrectionsWanted) -> Round:
    """CPU, µs a correction, by process and of the server by role; and of the gate, µs an event of what it looked
    through."""
    corrections, events = wanted.contracts * wanted.months, wanted.events * wanted.months
    parts = {
        **{f"cpu_us {name}": seconds for name, seconds in spent.cpu_s.items()},
        **{
            f"cpu_us postgres for {name}": spent.postgres_s.get(name, 0.0)
            for name in ("rating", BILLING, AUDITOR)
        },
    }
    gate_s = spent.postgres_s.get(AUDITOR, 0.0)
    return {
        **{name: seconds / corrections * 1e6 for name, seconds in parts.items()},
        "gate_cpu_us_per_event": gate_s / events * 1e6,
    }


def _since(before: dict[str, int], now: dict[str, int], corrections: int) -> Round:
    """Rows read a correction: of all tables, and of each of which ten were read for every correction."""
    read = {name: (count - before.get(name, 0)) / corrections for name, count in now.items()}
    most = dict(sorted(read.items(), key=lambda one: -one[1]))
    return {
        "rows_read": sum(read.values()),
        **{f"rows_read {name}": count for name, count in most.items() if count >= LISTED_MIN},
    }


async def _use(found: Scene, wanted: CorrectionsWanted, since: int, until: int) -> None:
    """Usage of these months."""
    events = wanted.events * (until - since)
    await found.send(await written(_plan(found, (events, wanted.contracts), (since, until))))


def _plan(found: Scene, of: tuple[int, int], months: tuple[int, int], first: int = 0) -> BodiesPlan:
    """So many events of so many customers, from the second day of the first of these months until before the last."""
    file, index = (str(found.deployed.folder / f"corrections.{kind}") for kind in ("bodies", "index"))
    since, until = _month(months[0]) + DAY, _month(months[1]) - HOUR
    return BodiesPlan(file, index, *of, months[1] + first, since.timestamp(), until.timestamp(), first)


def _month(number: int) -> datetime:
    """When this month of the contracts begins."""
    years, month = divmod(number, 12)
    return datetime(STARTS.year + years, month + 1, 1, tzinfo=UTC)


def _terms(customer: int, effective: date | None = None, fee: int = FEE) -> dict[str, Any]:
    document = contract_document(customer, STARTS)
    document["term"]["months"] = TERM_MONTHS
    document["lines"][0]["amount"] = f"{fee}.00"
    return document if effective is None else {**document, "effective": effective.isoformat()}


async def _apply(found: Scene, documents: list[dict[str, Any]]) -> None:
    cluster = found.deployed.cluster
    await post_all(cluster.urls["rating"], cluster.admin_key, "/v1/contracts?corrects_final=true", documents)


async def _until(found: Scene, question: str, answer: object) -> float:
    """Return the instant (monotonic) at which the database answers so."""
    began = time.monotonic()
    while (last := await found.auditor.fetchval(question)) != answer:
        if time.monotonic() - began > PATIENCE_S:
            raise Stuck(f"{question} came to {last} in {PATIENCE_S:.0f} s, and not to {answer}")
        await asyncio.sleep(POLL_S)
    return time.monotonic()
