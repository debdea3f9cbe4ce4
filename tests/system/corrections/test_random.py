"""Random late events, voids, aliases, back-dated prices and decisions over the whole deployment, on each bus, against an
oracle in fractions that keeps its own account of what counts and at which price."""

import random
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from math import floor
from typing import Any

import asyncpg
import msgspec
import pytest

from lab.departures.client import Client
from tests.needs import NEEDS_KAFKA
from tests.system.corrections.history import digests, settles_as_billed, unchanged
from tests.system.corrections.test_notes import holds
from tests.system.spine.test_names import on_bus
from tests.waiting import until
from u2c.deployment.cluster import Cluster, ClusterOptions

BEGIN = datetime(2024, 1, 1, tzinfo=UTC)
MONTHS = [datetime(2024, month, 1, tzinfo=UTC) for month in range(1, 8)]
ACCEPT_DAYS, WAIVE_BELOW, TERM_MONTHS, ROUNDS, ACTS = 45, "3.00", 4, 6, 5
INCLUDED = 6
#: What is agreed beside the price; none of it changes what the lines come to.
AGREED: dict[str, dict[str, Any]] = {
    "bare": {},
    "rolling": {"credits": [{"key": "gift", "amount": "4.00", "refill": {"every": "month"}}]},
    "promised": {
        "commitments": [
            {
                "key": "promise",
                "amount": "12.00",
                "payment": "prepaid",
                "invoiced": "none",
                "period": {"months": 2},
            }
        ]
    },
}
Place = tuple[str, datetime]
SETTLED = """select contract, period_start, run, document, opening from rating.last_statements
    where final order by 1, 2"""
#: What documents ask for, and what is carried or waived, of each period.
ASKED = """
    select contract, period_start, sum(minor)::bigint as minor, sum(units) as units from (
        select l.contract, l.period_start, l.amount_minor as minor, l.quantity as units
        from billing.document_lines l join billing.documents d using (document_id)
        where d.status = 'finalized' and d.kind in ('invoice', 'debit_note', 'credit_note')
        union all
        select c.contract, c.period_start, (line ->> 'amount_minor')::bigint, (line ->> 'quantity')::numeric
        from rating.corrections c cross join lateral jsonb_array_elements(c.document -> 'asked') line
        where c.outcome = 'waived' or (c.outcome = 'carried' and not exists (
            select from rating.corrections later
            where later.contract = c.contract and later.period_start = c.period_start
                and later.run > c.run and later.outcome <> 'unchanged'))) asked group by 1, 2"""


@dataclass
class Sent:
    """Usage or a void as it was sent. `state`: `in` the period, or `held` or `waived` because it came too late."""

    contract: str
    time: datetime
    subject: str
    state: str
    voids: "list[Sent]" = field(default_factory=list)

    @property
    def period(self) -> datetime:
        return max(start for start in MONTHS if start <= self.time)


@dataclass
class History:
    """A deployment, what was done to it, and what it should come to."""

    client: Client
    admin_url: str
    chosen: random.Random
    now: datetime = BEGIN
    usage: dict[str, Sent] = field(default_factory=dict)
    prices: dict[str, list[tuple[datetime, Fraction]]] = field(default_factory=dict)
    subjects: set[str] = field(default_factory=lambda: {"acme"})
    done: Counter[str] = field(default_factory=Counter)
    told: Mapping[str, str] = field(default_factory=dict)

    async def begin(self) -> None:
        await self.client.post(
            "rating", "/v1/customers", {"external_id": "acme", "name": "Acme", "timezone": "UTC"}
        )
        for name in AGREED:
            await self.client.post(
                "rating", "/v1/meters", {"meter": name, "event_type": name, "aggregation": "count"}
            )
            await self._apply(name, BEGIN, Fraction(1005, 1000), first=True)

    async def _apply(self, name: str, since: datetime, price: Fraction, *, first: bool = False) -> None:
        line: dict[str, Any] = {
            "key": "calls",
            "kind": "usage",
            "meter": name,
            "price": {"model": "per_unit", "unit": str(Decimal(price.numerator) / price.denominator)},
        }
        if name == "rolling":
            line["included"] = {"units": str(INCLUDED), "roll_over": True}
        document = {
            "contract": name,
            "customer": "acme",
            "currency": "USD",
            "timezone": "UTC",
            "term": {"start": "2024-01-01", "months": TERM_MONTHS},
            "billing": {"interval": "month", "net_days": 30, "grace_hours": 72},
            "late_usage": {"accept_days": ACCEPT_DAYS, "waive_below": WAIVE_BELOW},
            "lines": [line],
            **({} if first else {"effective": since.date().isoformat()}),
            **AGREED[name],
        }
        await self.client.post("rating", f"/v1/contracts{'' if first else '?corrects_final=true'}", document)
        before = [row for row in self.prices.get(name, []) if row[0] < since]
        self.prices[name] = [*before, (since, price)]

    def _state(self, period: datetime) -> str:
        """Of what comes now for a period."""
        end = MONTHS[MONTHS.index(period) + 1]
        return "in" if self.now <= end + timedelta(days=ACCEPT_DAYS) else "held"

    async def use(self) -> None:
        name = self.chosen.choice(list(AGREED))
        subject = self.chosen.choice(["acme", "acme", "acme", "lab-1", "lab-2"])
        latest = min(self.now, MONTHS[TERM_MONTHS] - timedelta(hours=1))
        at = max(latest - timedelta(hours=self.chosen.choice([1, 200, 700, 1400, 2000])), BEGIN)
        sent = []
        for _ in range(self.chosen.randint(1, 9)):
            one = Sent(name, at, subject, "in")
            one.state = self._state(one.period)
            id = f"e{len(self.usage)}"
            self.usage[id] = one
            sent.append(
                msgspec.json.encode(
                    {
                        "specversion": "1.0",
                        "source": "test",
                        "id": id,
                        "type": name,
                        "subject": subject,
                        "time": at.isoformat(),
                        "data": {},
                    }
                )
            )
        await self.client.send_events(sent)

    async def void(self) -> None:
        if self.usage:
            id = self.chosen.choice(list(self.usage))
            if not (one := self.usage[id]).voids:
                one.voids.append(Sent(one.contract, one.time, one.subject, self._state(one.period)))
                await self.client.send_voids([msgspec.json.encode({"source": "test", "id": id})])

    async def alias(self) -> None:
        name = self.chosen.choice(["lab-1", "lab-2"])
        if name not in self.subjects:
            self.subjects.add(name)
            await self.client.post("rating", "/v1/customers/acme/aliases", {"alias": name})

    async def reprice(self) -> None:
        """From a day on that may be of a final period. Allowances run through a price, so that is for the others."""
        days = (min(self.now, MONTHS[TERM_MONTHS]) - BEGIN).days
        since = min(
            BEGIN + timedelta(days=self.chosen.randint(0, days)), MONTHS[TERM_MONTHS] - timedelta(days=1)
        )
        price = Fraction(1005 + self.chosen.randint(-900, 900), 1000)
        await self._apply(self.chosen.choice(["bare", "promised"]), since, price)

    async def decide(self) -> None:
        # What was sent is metered before the clock moves: a decision is refused where more came than was listed.
        await self.pass_time(0)
        listed = (await self.client.get("rating", "/v1/late-usage"))["data"]
        if listed:
            one, decision = self.chosen.choice(listed), self.chosen.choice(["bill", "waive"])
            start = one["period"]["start"]
            await self.client.post(
                "rating",
                f"/v1/late-usage/{one['contract']}/{start}/decision",
                {"decision": decision, "reason": "drawn at random", "up_to": one["watermark"]},
            )
            place = one["contract"], datetime.fromisoformat(start).replace(tzinfo=UTC)
            for usage in self.usage.values():
                for late in (usage, *usage.voids):
                    of_it = (usage.contract, usage.period) == place and usage.subject in self.subjects
                    if of_it and late.state == "held":
                        late.state = "in" if decision == "bill" else "waived"
            self.done[decision] += 1

    async def pass_time(self, days: int) -> None:
        self.now += timedelta(days=days, hours=1)
        await self.client.move_clock(self.now)

    def minor(self, place: Place, opening: list[Any]) -> tuple[int, int]:
        """What the usage of a period comes to by now, and how many units it is."""
        counted = [
            one
            for one in self.usage.values()
            if (one.contract, one.period) == place
            and one.subject in self.subjects
            and one.state == "in"
            and all(taken.state != "in" for taken in one.voids)
        ]
        rolled = sum(Fraction(row["units"]) for row in opening if row["row"] == "rolled_over")
        free = max(INCLUDED + rolled, 0) if place[0] == "rolling" else 0
        exact = Fraction(0)
        for one in sorted(counted, key=lambda one: one.time)[floor(free) :]:
            exact += [price for since, price in self.prices[place[0]] if since <= one.time][-1]
        return floor(exact * 100 + Fraction(1, 2)), len(counted)

    async def adds_up(self) -> None:
        """Every final period is what the oracle says, and so are its documents with what is carried and waived."""
        for name in AGREED:
            await self.client.post("rating", f"/v1/contracts/{name}/corrections", {})
        await self.client.move_clock(self.now)
        await holds(self.client)
        connection = await asyncpg.connect(self.admin_url)
        try:
            await connection.set_type_codec(
                "jsonb", schema="pg_catalog", encoder=str, decoder=msgspec.json.decode
            )
            settled, asked = await connection.fetch(SETTLED), await connection.fetch(ASKED)
        finally:
            await connection.close()
        found = {(row["contract"], row["period_start"]): (row["minor"], row["units"]) for row in asked}
        for row in settled:
            place = row["contract"], row["period_start"]
            minor, units = self.minor(place, row["opening"])
            assert row["document"]["subtotal_minor"] == minor, place
            assert found.get(place, (0, 0)) == (minor, units), place
            self.done["corrected"] += row["run"] > 0
            self.done["handed"] += any(
                one["row"] == "rolled_over" and one["units"].startswith("-") for one in row["opening"]
            )
        told = await digests(self.admin_url)
        assert unchanged(dict(self.told), told)
        self.told = told


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.parametrize(("bus", "seed"), [("postgres", 1), pytest.param("kafka", 2, marks=NEEDS_KAFKA)])
async def test_documents_come_to_what_the_oracle_says(
    bus: str,
    seed: int,
    cluster_options: Callable[..., ClusterOptions],
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    with on_bus(bus, tmp_path_factory) as options:
        async with Cluster(cluster_options(clock_at=BEGIN, restart=False, **options)) as cluster:
            client = Client(cluster.urls, cluster.admin_key)
            try:
                await play(History(client, cluster.database_url, random.Random(seed)))
            finally:
                await client.close()


async def play(history: History) -> None:
    await history.begin()
    acts: list[tuple[int, Callable[[], Awaitable[Any]]]] = [
        (10, history.use),
        (3, history.void),
        (2, history.alias),
        (2, history.reprice),
        (3, history.decide),
    ]
    for number in range(ROUNDS):
        for act in history.chosen.choices([act for _, act in acts], [weight for weight, _ in acts], k=ACTS):
            await act()
            history.done[act.__name__] += 1
        await history.pass_time(history.chosen.randint(20, 33))
        if number % 2:
            await history.adds_up()
    await history.adds_up()
    await until(lambda: settles_as_billed(history.admin_url), "signals keeps what documents settle")
    print(dict(history.done))
    assert history.done["corrected"]
