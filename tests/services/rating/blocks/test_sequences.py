"""Random sequences of grants, usage, late usage, voids, corrections and expiries: no balance falls below zero, each draw
names block, statement, line and slice, pricing twice changes no row, K5 holds after each step, and once all is final
the journal owes of each block what is left of it."""

import random
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any

import asyncpg
import pytest

from services.billing.conservation.checks.k5_blocks import blocks, draws_of
from services.billing.conservation.checks.k5_liability import liability
from shared.db.published import until_published
from shared.db.unit_of_work import Database
from shared.topics.rating import BLOCK_ROWS, STATEMENTS
from tests.services.billing.hearing import Hearing
from tests.services.rating.deployment import Deployment, event, terms, utc, void

CONTRACTS = ("one", "two")
BEGIN = utc("2024-01-01T00:00:00")
STEPS = 25
PROMISED = {
    "key": "term",
    "amount": "25.00",
    "payment": "prepaid",
    "invoiced": "monthly",
    "period": {"months": 2},
    "rollover_percent": "40",
}
SHORT = {"key": "short", "amount": "5.00", "shortfall": "roll_over", "period": {"months": 1}}
UNNAMED = """select count(*) from rating.block_rows where kind in ('draw', 'return')
    and (statement_id is null or line_id is null or slice_start is null or contract is null)"""
FAILED = "select count(*) from rating.exceptions where kind = 'correction_failed'"
#: What corrections handed over from one block to another, or took back.
MOVED = """select count(*) from rating.block_rows r join rating.corrections c using (statement_id)
    where r.cause = 'rolled_over'"""
ROWS = "select row_id, block_id, kind, amount_minor from rating.block_rows order by row_id"
AGAIN = """insert into rating.stale (contract, period_start)
    select contract, period_start from rating.periods where not final"""


OWED = """select b.block_id, b.key, b.cost_basis, coalesce((select sum(r.amount_minor) from rating.block_rows r
        where r.block_id = b.block_id), 0)::bigint as left_minor,
    (select count(*) from rating.block_rows r
        where r.block_id = b.block_id and r.cause in ('rolled_over', 'returned')) as handed,
    coalesce((select -sum(p.amount_minor) from billing.journal_postings p
        where p.account = 'credits_liability' and p.block_id = b.block_id), 0)::bigint as owed_minor
    from rating.blocks b where b.kind <> 'promotional'"""


#: Of blocks that were sold below their amount: what was asked for and opened with, or is given beside, less what documents
#: drew, lapsed and was given back at cost, all by the journal alone; and what it owes.
COSTS = """
    select count(distinct p.block_id) filter (where p.account = 'credits_liability') as blocks,
        -sum(p.amount_minor) filter (where p.account = 'credits_liability')::bigint as owed,
        (select sum(r.cost_minor) from rating.block_rows r)::bigint as paid
    from billing.journal_postings p join rating.blocks b using (block_id) where b.cost_basis is not null
"""


@pytest.fixture
async def billing(rating: Deployment) -> AsyncIterator[Hearing]:
    db = Database(rating.database.url("billing"), "billing")
    await db.open()
    yield Hearing(db, rating.context.bus)
    await db.close()


@dataclass
class Sequence:
    """A deployment, and what was done to it."""

    rating: Deployment
    billing: Hearing
    auditor: asyncpg.Connection
    chosen: random.Random
    now: datetime = BEGIN
    granted: list[str] = field(default_factory=list)
    sent: list[str] = field(default_factory=list)
    done: dict[str, int] = field(default_factory=dict)

    async def begin(self) -> None:
        await self.rating.customer("acme")
        for name in CONTRACTS:
            await self.rating.meter(name, event_type=name)
            line = {
                "key": "calls",
                "kind": "usage",
                "meter": name,
                "price": {"model": "per_unit", "unit": "1.00"},
            }
            gift = {"key": "gift", "amount": "9.00", "refill": {"every": "month", "anchor": "2024-01-11"}}
            paid = {**gift, "key": "paid", "kind": "prepaid", "roll_over": {"max": "3.00", "min": "1.00"}}
            cheap = {**paid, "key": "cheap", "amount": "5.00", "cost_basis": "0.333"}
            over: dict[str, Any] = (
                {"commitments": [PROMISED, SHORT]}
                if name == "two"
                else {"credits": [{**gift, "roll_over": {"max": "3.00"}}, paid, cheap]}
            )
            await self.rating.apply(terms(name, "acme", lines=[line], **over))

    async def use(self) -> None:
        await self._use(self.now)

    async def use_late(self) -> None:
        """Of a period that is final, or about to be: it is corrected at the next close."""
        await self._use(max(self.now - timedelta(days=self.chosen.randint(5, 40)), BEGIN))

    async def _use(self, at: datetime) -> None:
        name, count = self.chosen.choice(CONTRACTS), self.chosen.randint(1, 9)
        names = [f"{name}-{len(self.sent) + number}" for number in range(count)]
        await self.rating.send(*(event(one, "acme", at, type=name) for one in names))
        self.sent += names

    async def void_event(self) -> None:
        if self.sent:
            await self.rating.send(void(self.sent.pop(self.chosen.randrange(len(self.sent)))))

    async def grant(self) -> None:
        block = {
            "kind": self.chosen.choice(["prepaid", "promotional"]),
            "document": "none",
            "amount": f"{self.chosen.randint(1, 20)}.00",
            "currency": "USD",
            "reason": "drawn at random",
            "customer": "acme",
            "contracts": self.chosen.sample(CONTRACTS, self.chosen.randint(1, 2)),
        }
        if block["kind"] == "prepaid":
            block["cost_basis"] = self.chosen.choice(["1", "0.8", "0.333"])
        if self.chosen.random() < 0.6:
            block["expires"] = (self.now + timedelta(days=self.chosen.randint(1, 40))).date().isoformat()
        answer = await self.rating.client.post("/v1/blocks", json=block)
        assert answer.status_code == 201, answer.text
        self.granted.append(answer.json()["id"])

    async def change(self) -> None:
        """Refused where there is nothing to change."""
        if self.granted:
            place = f"/v1/blocks/{self.chosen.choice(self.granted)}"
            amount = {"amount": f"{self.chosen.choice([-3, 2])}.00"}
            verb, body = self.chosen.choice([("void", {}), ("refund", {}), ("adjustments", amount)])
            answer = await self.rating.client.post(
                f"{place}/{verb}", json={**body, "reason": "drawn at random"}
            )
            assert answer.status_code in (200, 409), answer.text

    async def pass_time(self) -> None:
        self.now += timedelta(days=self.chosen.randint(3, 20))
        await self.rating.advance(self.now, test_clock=True)

    async def holds(self) -> None:
        await self.rating.settled()
        pool = self.rating.context.db.pool
        periods = await pool.fetch("select contract, period_start from rating.periods")
        found = await draws_of(self.auditor, [(row["contract"], row["period_start"]) for row in periods])
        breaks = [*found.breaks, *(await blocks(self.auditor, None, drained=False)).breaks]
        assert breaks == [], [(each.fault, each.expected, each.found, each.where.key) for each in breaks]
        assert await pool.fetchval(UNNAMED) == 0 and await pool.fetchval(FAILED) == 0
        before = await pool.fetch(ROWS)
        await pool.execute(AGAIN)
        await self.rating.settled()
        assert await pool.fetch(ROWS) == before
        await self.booked()

    async def booked(self) -> None:
        """Billing has heard all of it, and K5 holds of its entries."""
        for topic in (STATEMENTS, BLOCK_ROWS):
            await until_published(self.rating.context.db, topic.name)
        await self.billing.catch_up(self.now)
        found = await liability(self.auditor, None, drained=True)
        assert found.breaks == (), [(each.fault, each.where.key, each.says) for each in found.breaks]

    async def end(self) -> None:
        """All is final, asked for, and over: what is left is owed."""
        self.now = utc("2025-06-01T00:00:00")
        await self.rating.advance(self.now, test_clock=True)
        await self.holds()
        rows = await self.rating.context.db.pool.fetch("select 1 from rating.periods where not final")
        assert rows == []
        for row in await self.auditor.fetch(OWED):
            exact = row["left_minor"] * Fraction(row["cost_basis"] or 1)
            off = abs(row["owed_minor"] - exact)
            assert off <= (Fraction(1, 2) + row["handed"] if exact and row["cost_basis"] else 0), dict(row)
        costs = await self.auditor.fetchrow(COSTS)
        assert costs is not None and costs["blocks"] and costs["paid"] == costs["owed"], dict(costs or {})


@pytest.mark.long
@pytest.mark.parametrize("seed", range(3))
async def test_balances_hold_whatever_comes_in_whatever_order(
    rating: Deployment, billing: Hearing, auditor: asyncpg.Connection, seed: int
) -> None:
    sequence = Sequence(rating, billing, auditor, random.Random(seed))
    await sequence.begin()
    steps: list[tuple[int, Callable[[], Awaitable[Any]]]] = [
        (8, sequence.use),
        (9, sequence.use_late),
        (2, sequence.void_event),
        (3, sequence.grant),
        (3, sequence.change),
        (6, sequence.pass_time),
    ]
    for _ in range(STEPS):
        (act,) = sequence.chosen.choices([act for _, act in steps], [weight for weight, _ in steps])
        await act()
        sequence.done[act.__name__] = sequence.done.get(act.__name__, 0) + 1
        await sequence.holds()
    await sequence.end()
    pool = rating.context.db.pool
    kinds = await pool.fetch("select kind, count(*) from rating.block_rows group by 1 order by 1")
    moved = await pool.fetchval(MOVED)
    print(sequence.done, {row["kind"]: row["count"] for row in kinds}, "moved by corrections:", moved)
