"""Random late events, voids, aliases that come and leave, back-dated prices and decisions over several closes, against an oracle in fractions
that keeps its own account of what counts, at which price, and of what blocks have."""

import hashlib
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from math import floor
from typing import Any

import asyncpg
import pytest

from services.billing.conservation.checks.k3_disposition import disposition
from services.billing.conservation.checks.k4_quantity import quantities_of
from services.billing.conservation.checks.k5_blocks import blocks, draws_of
from shared.topics.rating import STATEMENTS, StatementMessage
from tests.services.rating.deployment import Deployment, event, terms, utc, void

BEGIN = utc("2024-01-01T00:00:00")
MONTHS = [utc(f"2024-{month:02}-01T00:00:00") for month in range(1, 8)]
ACCEPT_DAYS = 45
WAIVE_BELOW_MINOR = {"bare": 300, "given": 0, "promised": 0}
GIVEN_MINOR, PROMISED_MINOR = 400, 1200
ROUNDS, ACTS = 8, 5
UNIT = Fraction(1005, 1000)
PROMISE = {
    "key": "promise",
    "amount": "12.00",
    "payment": "prepaid",
    "invoiced": "none",
    "period": {"months": 2},
}
GIFT = {"key": "gift", "amount": "4.00", "refill": {"every": "month", "anchor": "2024-01-11"}}
AGREED: dict[str, dict[str, Any]] = {
    "bare": {"late_usage": {"accept_days": ACCEPT_DAYS, "waive_below": "3.00"}},
    "given": {"late_usage": {"accept_days": ACCEPT_DAYS}, "credits": [GIFT]},
    "promised": {"late_usage": {"accept_days": ACCEPT_DAYS}, "commitments": [PROMISE], "credits": [GIFT]},
}
Place = tuple[str, datetime]
#: Of a block: the key of its clause, and from when up to when it pays.
Lot = tuple[str, datetime, datetime]
#: What was drawn of a lot for the slice that begins at an instant.
Fact = tuple[Lot, datetime, int]
SETTLED = """select contract, period_start, run, l.said, coalesce(c.outcome, 'final') as outcome
    from rating.last_statements l left join rating.corrections c using (contract, period_start, run)
    where l.final order by 1, 2"""
TOLD = """select contract, period_start, 0 as run, 'note' as outcome, said, explanation
        from rating.statements join rating.periods p using (contract, period_start) where p.final
    union all select contract, period_start, run, outcome, said, explanation from rating.corrections order by 1, 2, 3"""
DRAWN = """select r.contract, r.period_start, b.key, b.effective, b.ends, r.slice_start,
        -sum(r.amount_minor)::bigint as minor
    from rating.block_rows r join rating.blocks b using (block_id) where r.kind in ('draw', 'return')
    group by 1, 2, 3, 4, 5, 6 having sum(r.amount_minor) <> 0 order by min(r.row_id)"""
#: What came back to a block whose time was over, and the block that it lives on in.
RETURNED = """select c.contract, b.key, b.effective, b.ends, was.effective as was_effective, was.ends as was_ends,
        (select sum(amount_minor)::bigint from rating.block_rows r where r.block_id = b.block_id and r.kind = 'grant')
            as minor
    from rating.blocks b join rating.blocks was on was.block_id = b.returned_from
    join rating.block_contracts c on c.block_id = b.block_id"""
LAPSED_AT_ONCE = "select count(*) from rating.block_rows where kind = 'expiry' and cause = 'statement'"
BALANCES = """select block_id, sum(r.amount_minor) filter (where r.kind = 'grant')::bigint as granted_minor,
        sum(r.amount_minor)::bigint as left_minor,
        -coalesce(sum(r.amount_minor) filter (where r.kind in ('draw', 'return')), 0)::bigint as drawn_minor
    from rating.blocks join rating.block_rows r using (block_id) group by 1"""


@dataclass
class Sent:
    """Usage or a void as it was sent. `state`: `in` the period, or `held` or `waived` because it came too late. `stays`:
    though its subject has left, with the final period that had counted it by then."""

    contract: str
    time: datetime
    subject: str
    state: str
    voids: "list[Sent]" = field(default_factory=list)
    stays: bool = False

    @property
    def period(self) -> datetime:
        return max(start for start in MONTHS if start <= self.time)


@dataclass
class Oracle:
    """What was done so far, and what each period comes to by it."""

    usage: dict[str, Sent] = field(default_factory=dict)
    prices: dict[str, list[tuple[datetime, Fraction]]] = field(default_factory=dict)
    subjects: set[str] = field(default_factory=lambda: {"acme"})
    settled: dict[Place, list[Sent]] = field(default_factory=dict)

    def of(self, place: Place) -> list[Sent]:
        """What was sent of a period that is the customer's."""
        return [
            one
            for one in self.usage.values()
            if (one.contract, one.period) == place and (one.subject in self.subjects or one.stays)
        ]

    def settle(self, place: Place) -> None:
        """A final period was priced, by what is in it now."""
        self.settled[place] = [one for one in self.of(place) if one.state == "in"]

    def leave(self, subject: str) -> None:
        self.subjects.discard(subject)
        for one in self.usage.values():
            if one.subject == subject:
                one.stays = any(one is found for found in self.settled.get((one.contract, one.period), ()))

    def come(self, subject: str) -> None:
        self.subjects.add(subject)
        for one in self.usage.values():
            one.stays = one.stays and one.subject != subject

    def counted(self, place: Place, until: datetime | None = None) -> list[Sent]:
        return [
            one
            for one in self.of(place)
            if one.state == "in"
            and all(taken.state != "in" for taken in one.voids)
            and (until is None or one.time < until)
        ]

    def minor(self, place: Place, until: datetime | None = None) -> int:
        """What the usage of a period comes to, or what it does up to an instant, rounded half up once."""
        exact = sum((self._price(one) for one in self.counted(place, until)), Fraction(0)) * 100
        return floor(exact + Fraction(1, 2))

    def _price(self, one: Sent) -> Fraction:
        return [price for since, price in self.prices[one.contract] if since <= one.time][-1]

    def held(self, place: Place) -> int:
        """How many events, and voids of events that are not among them, wait for a decision."""
        return sum(
            1 if one.state == "held" else sum(taken.state == "held" for taken in one.voids)
            for one in self.of(place)
        )

    def decide(self, place: Place, state: str) -> None:
        """What is held goes over to this state, whosever it is: a decision is about a range of batches."""
        for one in self.usage.values():
            for late in (one, *one.voids):
                if (one.contract, one.period) == place and late.state == "held":
                    late.state = state

    def draws(
        self, place: Place, drawn: Mapping[Lot, int], had: Mapping[Lot, int], facts: Sequence[Fact]
    ) -> dict[Lot, int]:
        """What a period draws where all others have drawn so much of what these lots, in order, had: what documents drew
        stays while its time comes to as much, then slice after slice."""
        start, end = place[1], MONTHS[MONTHS.index(place[1]) + 1]
        lots = [lot for lot in had if lot[1] < end and lot[2] > start]
        edges = sorted({edge for lot in lots for edge in lot[1:] if start < edge < end} | {start, end})
        slices = list(pairwise(edges))
        comes_to = [self.minor(place, until) - self.minor(place, since) for since, until in slices]
        made = Counter[Lot]()

        def take(lot: Lot, at: int, most: int) -> int:
            since, until = slices[at]
            part = min(comes_to[at], most) if lot[1] <= since and until <= lot[2] else 0
            made[lot] += part
            comes_to[at] -= part
            return part

        for lot, since, minor in facts:
            for at, (_, until) in enumerate(slices):
                minor -= take(lot, at, minor) if until > since else 0
        for at in range(len(slices)):
            for lot in lots:
                take(lot, at, had[lot] - drawn.get(lot, 0) - made[lot])
        return {lot: minor for lot, minor in made.items() if minor}


def lots_of(contract: str) -> dict[Lot, int]:
    """The blocks that a contract's clauses grant, in the order in which they are drawn on, and what they have."""
    promised = {("promise", MONTHS[n], min(MONTHS[n + 2], MONTHS[4])): PROMISED_MINOR for n in (0, 2)}
    turns = [BEGIN, *[start + timedelta(days=10) for start in MONTHS]]
    gifts = {("gift", begins, ends): GIVEN_MINOR for begins, ends in pairwise(turns)}
    return {"bare": {}, "given": gifts, "promised": {**promised, **gifts}}[contract]


def in_all(facts: Sequence[Fact]) -> dict[Lot, int]:
    """Lot → what is drawn of it in all."""
    found = Counter[Lot]()
    for lot, _, minor in facts:
        found[lot] += minor
    return {lot: minor for lot, minor in found.items() if minor}


@dataclass
class History:
    """A deployment, what was done to it, and what it should have come to."""

    rating: Deployment
    auditor: asyncpg.Connection
    chosen: random.Random
    oracle: Oracle = field(default_factory=Oracle)
    now: datetime = BEGIN
    done: Counter[str] = field(default_factory=Counter)
    told: dict[tuple[Any, ...], str] = field(default_factory=dict)
    facts: dict[Place, list[Fact]] = field(default_factory=dict)
    had: dict[str, dict[Lot, int]] = field(default_factory=dict)
    final: set[Place] = field(default_factory=set)

    async def begin(self) -> None:
        await self.rating.customer("acme")
        for name in AGREED:
            await self.rating.meter(name, event_type=name)
            await self._apply(name, BEGIN, UNIT, first=True)

    async def _apply(self, name: str, since: datetime, price: Fraction, *, first: bool = False) -> None:
        unit = {"model": "per_unit", "unit": str(Decimal(price.numerator) / price.denominator)}
        document = terms(
            name,
            "acme",
            term={"start": "2024-01-01", "months": 4},
            lines=[{"key": "calls", "kind": "usage", "meter": name, "price": unit}],
            **({} if first else {"effective": since.date().isoformat()}),
            **AGREED[name],
        )
        answer = await self.rating.client.post(
            "/v1/contracts", json=document, params={} if first else {"corrects_final": True}
        )
        assert answer.status_code == 201, answer.text
        # The newest version wins from its own day on.
        before = [row for row in self.oracle.prices.get(name, []) if row[0] < since]
        self.oracle.prices[name] = [*before, (since, price)]

    def _state(self, period: datetime) -> str:
        """Of what comes now for a period."""
        end = MONTHS[MONTHS.index(period) + 1]
        return "in" if self.now <= end + timedelta(days=ACCEPT_DAYS) else "held"

    async def use(self) -> None:
        name, subject = (
            self.chosen.choice(list(AGREED)),
            self.chosen.choice(["acme", "acme", "acme", "lab-1", "lab-2"]),
        )
        latest = min(self.now, MONTHS[4] - timedelta(hours=1))
        at = max(latest - timedelta(hours=self.chosen.choice([1, 200, 700, 1400, 2000])), BEGIN)
        for _ in range(self.chosen.randint(1, 9)):
            sent = Sent(name, at, subject, "in")
            sent.state = self._state(sent.period)
            id = f"e{len(self.oracle.usage)}"
            self.oracle.usage[id] = sent
            await self.rating.send(event(id, subject, at, type=name))

    async def void_event(self) -> None:
        if self.oracle.usage:
            id = self.chosen.choice(list(self.oracle.usage))
            if not (one := self.oracle.usage[id]).voids:
                one.voids.append(Sent(one.contract, one.time, one.subject, self._state(one.period)))
                await self.rating.send(void(id))

    async def alias(self) -> None:
        """One comes, or leaves."""
        name = self.chosen.choice(["lab-1", "lab-2"])
        if name not in self.oracle.subjects:
            self.oracle.come(name)
            await self.rating.alias("acme", name)
        else:
            self.oracle.leave(name)
            self.done["left"] += 1
            answer = await self.rating.client.patch(
                "/v1/customers/acme", json={"aliases": {"remove": [name]}}
            )
            assert answer.status_code == 200, answer.text

    async def reprice(self) -> None:
        """From a day on that may be of a final period."""
        since = BEGIN + timedelta(days=self.chosen.randint(0, (min(self.now, MONTHS[4]) - BEGIN).days))
        since = min(since, MONTHS[4] - timedelta(days=1))
        price = UNIT + Fraction(self.chosen.randint(-900, 900), 1000)
        await self._apply(self.chosen.choice(list(AGREED)), since, price)

    async def decide(self) -> None:
        listed = (await self.rating.client.get("/v1/late-usage")).json()["data"]
        if listed:
            one, decision = self.chosen.choice(listed), self.chosen.choice(["bill", "waive"])
            start = one["period"]["start"]
            answer = await self.rating.client.post(
                f"/v1/late-usage/{one['contract']}/{start}/decision",
                json={"decision": decision, "reason": "drawn at random", "up_to": one["watermark"]},
            )
            assert answer.status_code == 200, answer.text
            self.oracle.decide(
                (one["contract"], utc(f"{start}T00:00:00")), "in" if decision == "bill" else "waived"
            )
            self.done[decision] += 1

    async def run_now(self) -> None:
        name = self.chosen.choice(list(AGREED))
        answer = await self.rating.client.post(f"/v1/contracts/{name}/corrections")
        assert answer.status_code == 200, answer.text
        await self.corrected([name])

    async def pass_time(self) -> None:
        self.now += timedelta(days=self.chosen.randint(9, 25), hours=1)
        before = Counter(name for name, _ in self.final)
        await self.rating.advance(self.now, test_clock=True)
        after = Counter(row["contract"] for row in await self._fetch(SETTLED))
        await self.corrected([name for name in AGREED if after[name] > before[name]])

    async def _fetch(self, sql: str) -> list[asyncpg.Record]:
        found: list[asyncpg.Record] = await self.rating.context.db.pool.fetch(sql)
        return found

    async def _facts(self) -> dict[Place, list[Fact]]:
        """What each period draws, drafts too."""
        found: dict[Place, list[Fact]] = {(name, start): [] for name in AGREED for start in MONTHS}
        for row in await self._fetch(DRAWN):
            lot = row["key"], row["effective"], row["ends"]
            found[row["contract"], row["period_start"]].append((lot, row["slice_start"], row["minor"]))
        return found

    async def _had(self) -> dict[str, dict[Lot, int]]:
        """What the lots of each contract have to be drawn on: what came back to one after its time is another's. Those of
        commitments go first, then the soonest to end, then what was given."""
        found = {name: lots_of(name) for name in AGREED}
        for row in await self._fetch(RETURNED):
            lots, was = found[row["contract"]], (row["key"], row["was_effective"], row["was_ends"])
            lots[row["key"], row["effective"], row["ends"]] = row["minor"]
            lots[was] -= row["minor"]
        for name, lots in found.items():
            agreed = lots_of(name)
            found[name] = dict(
                sorted(
                    lots.items(),
                    key=lambda one: (
                        not (one[0] in agreed and one[0][0] == "promise"),
                        one[0][2],
                        one[0][0] != "gift",
                        one[0][1],
                    ),
                )
            )
        return found

    async def holds(self) -> None:
        """What is told stays, no balance is below zero, no block pays more than it has, and what is held is listed."""
        await self.rating.settled()
        told = {
            (row["contract"], row["period_start"], row["run"]): hashlib.sha256(
                f"{row['said']}\0{row['explanation']}".encode()
            ).hexdigest()
            for row in await self._fetch(TOLD)
        }
        assert self.told.items() <= told.items(), "a final statement or correction changed"
        for contract, start, _ in told.keys() - self.told.keys():
            self.oracle.settle((contract, start))
        self.told = told
        self.facts, self.had = await self._facts(), await self._had()
        assert await self.rating.context.db.pool.fetchval(LAPSED_AT_ONCE) == 0, "it lives on"
        for row in await self._fetch(BALANCES):
            assert row["left_minor"] >= 0 and row["drawn_minor"] <= row["granted_minor"], dict(row)
        listed = (await self.rating.client.get("/v1/late-usage")).json()["data"]
        assert {(one["contract"], one["period"]["start"]): one["events"] for one in listed} == {
            (name, start.date().isoformat()): held
            for name, start in self.final
            if (held := self.oracle.held((name, start)))
        }

    async def corrected(self, names: Sequence[str]) -> None:
        """The final periods of these contracts, which were corrected now, are what the oracle says, and their documents
        with what is carried and waived are as much."""
        await self.rating.settled()
        rows = await self._fetch(TOLD)
        found = {(row["contract"], row["period_start"]): row for row in await self._fetch(SETTLED)}
        runs = self.told.keys()
        now_drawn = {place: in_all(facts) for place, facts in (await self._facts()).items()}
        was_drawn = {place: in_all(facts) for place, facts in self.facts.items()}
        for name in names:
            places = [place for place in found if place[0] == name]
            new = [place for place in places if (*place, found[place]["run"]) not in runs]
            # Whoever is corrected has what drafts leave; what closes after that has what final periods leave.
            taken = Counter[Lot]()
            for place, lots in was_drawn.items():
                taken.update(
                    lots if place[0] == name and (place not in new or not found[place]["run"]) else {}
                )
            for place in places:
                said = STATEMENTS.decode(found[place]["said"].encode())
                amount, quantity = self.oracle.minor(place), len(self.oracle.counted(place))
                assert [(line.amount_minor, line.quantity) for line in said.lines] == [(amount, quantity)], (
                    place
                )
                if place in new:
                    if not found[place]["run"]:
                        taken = Counter[Lot]()
                        for other in places:
                            taken.update(now_drawn[other] if other != place else {})
                    facts = self.facts[place] if found[place]["run"] else []
                    draws = self.oracle.draws(place, taken, self.had[name], facts)
                    assert now_drawn[place] == draws, place
                    taken.update(draws)
                else:
                    assert now_drawn[place] == was_drawn[place], place
                self._adds_up(place, said, [row for row in rows if (row[0], row[1]) == place])
                self.done[found[place]["outcome"]] += place in new
        self.final = set(found)
        places = list(found)
        checks = [
            await disposition(self.auditor, None),
            await quantities_of(self.auditor, places, None),
            await draws_of(self.auditor, places),
            await blocks(self.auditor, None, drained=False),
        ]
        assert [check.breaks for check in checks] == [(), (), (), ()]

    def _adds_up(self, place: Place, last: StatementMessage, rows: Sequence[asyncpg.Record]) -> None:
        """Documents + waived + carried = the last correction, in money, units and draws."""
        said = [STATEMENTS.decode(row["said"].encode()) for row in rows]
        counts = [row["outcome"] in ("note", "waived") for row in rows]
        counts[-1] = True  # what is carried was carried last
        amounts, units, draws = 0, Decimal(0), Counter[str]()
        for one, is_asked in zip(said, counts, strict=True):
            for line in one.document_lines if is_asked else ():
                amounts, units = amounts + line.amount_minor, units + line.quantity
                for draw in line.draws:
                    draws[draw.block] += draw.amount_minor
        of_last = {draw.block: draw.amount_minor for line in last.lines for draw in line.draws}
        assert amounts == last.subtotal_minor, place
        assert units == sum((line.quantity for line in last.lines), Decimal(0)), place
        assert {block: minor for block, minor in draws.items() if minor} == of_last, place
        small = abs(said[-1].document_minor - said[-1].drawn_minor) < WAIVE_BELOW_MINOR[place[0]]
        if rows[-1]["run"] and rows[-1]["outcome"] == "note":
            assert not small, place


@pytest.mark.long
@pytest.mark.parametrize("seed", range(4))
async def test_final_periods_are_corrected_to_what_the_oracle_says(
    rating: Deployment, auditor: asyncpg.Connection, seed: int
) -> None:
    history = History(rating, auditor, random.Random(seed))
    print("seed", seed)
    await history.begin()
    acts: list[tuple[int, Callable[[], Awaitable[Any]]]] = [
        (10, history.use),
        (3, history.void_event),
        (6, history.alias),
        (2, history.reprice),
        (3, history.decide),
        (2, history.run_now),
    ]
    for _ in range(ROUNDS):
        for act in history.chosen.choices([act for _, act in acts], [weight for weight, _ in acts], k=ACTS):
            await act()
            history.done[act.__name__] += 1
            await history.holds()
        await history.pass_time()
        await history.holds()
    for name in AGREED:
        assert (await rating.client.post(f"/v1/contracts/{name}/corrections")).status_code == 200
        await history.corrected([name])
    print(dict(history.done))
