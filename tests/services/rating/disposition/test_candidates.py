"""Suspense is looked for among the candidates that are kept: whatever happens, it is what a look at every event finds, and
nobody stays a candidate of whom nothing waits."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

import pytest
from alembic import command

from services.rating.disposition.repository import suspense
from services.rating.disposition.repository.suspense import SuspenseRepository
from services.rating.disposition.rows import SuspenseFilter, SuspenseRow
from shared.postgres.migrations import _config
from tests.conftest import Sized
from tests.services.rating.deployment import Deployment, event, terms, utc, void

BEGIN: Final = utc("2024-01-01T00:00:00")
SUBJECTS: Final = tuple(f"s{n}" for n in range(8))
TYPES: Final = ("call", "far", "unheard")
REGIONS: Final = ("eu", "us")
EVERYBODY: Final = "(select distinct subject from rating.events)"
WANTED: Final = SuspenseFilter(BEGIN - timedelta(days=400), BEGIN + timedelta(days=1000))
#: Whose every event is taken and within periods, asked without what is kept.
SETTLED: Final = """
    select e.subject from rating.events e join rating.subjects s using (subject)
    group by e.subject having bool_and(
        exists (select from rating.meters m where m.event_type = e.type and m.filters = '{}')
        and exists (select from rating.contracts c join rating.periods p using (contract)
            where c.customer_id = s.customer_id and p.period_start <= e.time and e.time < p.period_end))"""


@dataclass
class Book:
    """What was done so far, and what may be done next."""

    rating: Deployment
    chance: random.Random
    sent: list[str] = field(default_factory=list)
    now: datetime = BEGIN
    versions: int = 0

    async def _ask(self, method: str, path: str, body: dict[str, Any], **query: Any) -> None:
        """What is refused changes nothing, and need not."""
        answer = await self.rating.client.request(method, path, json=body, params=query)
        assert answer.status_code < 500, answer.text

    async def send(self) -> None:
        messages = []
        for _ in range(self.chance.randrange(1, 6)):
            time = self.now + timedelta(hours=self.chance.randrange(-24 * 60, 24))
            self.sent.append(f"e{len(self.sent)}")
            region, type_ = self.chance.choice(REGIONS), self.chance.choice(TYPES)
            messages.append(
                event(self.sent[-1], self.chance.choice(SUBJECTS), time, {"region": region}, type_)
            )
        await self.rating.send(*messages)

    async def void(self) -> None:
        if self.sent:
            await self.rating.send(void(self.chance.choice(self.sent)))

    async def customer(self) -> None:
        name = self.chance.choice(SUBJECTS)
        body = {"external_id": name, "name": name, "legal_entity": "default", "timezone": "America/New_York"}
        await self._ask("POST", "/v1/customers", body)

    async def alias(self) -> None:
        await self._ask(
            "PATCH",
            f"/v1/customers/{self.chance.choice(SUBJECTS)}",
            {"aliases": {self.chance.choice(("add", "remove")): [self.chance.choice(SUBJECTS)]}},
        )

    async def meter(self) -> None:
        type_ = self.chance.choice(TYPES)
        filters = self.chance.choice(({}, {"region": ["eu"]}))
        body = {"event_type": type_, "aggregation": "count", "filters": filters}
        await self._ask("POST", "/v1/meters", {"meter": type_, **body})
        await self._ask("PUT", f"/v1/meters/{type_}", body, recount_final=True)

    async def contract(self) -> None:
        """Begun, or drawn anew: its one period is as long as its term."""
        self.versions += 1
        customer = self.chance.choice(SUBJECTS)
        document = terms(
            f"{customer}-1",
            customer,
            timezone="America/New_York",
            effective=f"{BEGIN + timedelta(days=self.versions):%Y-%m-%d}",
            term={"start": "2024-01-01", "months": self.chance.randrange(1, 12)},
            billing={"interval": "year", "net_days": 30, "grace_hours": 72},
            lines=[{"key": "fee", "kind": "recurring", "amount": "9.00", "timing": "arrears"}],
        )
        await self._ask("POST", "/v1/contracts", document, corrects_final=True)

    async def advance(self) -> None:
        self.now += timedelta(days=self.chance.randrange(1, 40))
        await self.rating.advance(self.now)

    async def look(self, meanwhile: Callable[[], Awaitable[None]] | None = None) -> None:
        """At every candidate; what is noted meanwhile stays."""
        async with self.rating.context.db.transaction() as uow:
            look = await SuspenseRepository(uow.connection).begin_look(100, 0.0)
        if look is not None:
            if meanwhile is not None:
                await meanwhile()
            async with self.rating.context.db.transaction() as uow:
                await SuspenseRepository(uow.connection).end_look(look)

    async def act(self) -> None:
        acts: tuple[Callable[[], Awaitable[None]], ...] = (
            self.send,
            self.send,
            self.void,
            self.customer,
            self.alias,
            self.alias,
            self.meter,
            self.contract,
            self.contract,
            self.advance,
        )
        await self.chance.choice(acts)()


async def found(rating: Deployment, patched: pytest.MonkeyPatch) -> tuple[list[SuspenseRow], ...]:
    """What is listed, and what a look at every event finds, of one moment."""
    async with rating.context.db.transaction(isolation="repeatable_read") as uow:
        repository = SuspenseRepository(uow.connection)
        listed = await repository.waiting(WANTED, None, 1000)
        with patched.context() as fresh:
            fresh.setattr(suspense, "_CANDIDATES", EVERYBODY)
            fresh.setattr(suspense, "_DOUBTFUL_EVENTS", suspense._ALL_EVENTS)
            return listed, await repository.waiting(WANTED, None, 1000)


async def candidates(rating: Deployment) -> set[str]:
    rows = await rating.context.db.pool.fetch("select subject from rating.suspense_candidates")
    return {row["subject"] for row in rows}


async def test_suspense_is_what_every_event_says_whatever_happened(
    rating: Deployment, monkeypatch: pytest.MonkeyPatch, sized: Sized
) -> None:
    waited = 0
    for seed in range(sized(1, 4, 40)):
        book = Book(rating, random.Random(seed), [], _now(rating))
        for step in range(sized(40, 60, 80)):
            await book.act()
            if step % 3 == 0:
                await book.look(book.act)
            if step % 4 == 0:
                await rating.metered()
            listed, fresh = await found(rating, monkeypatch)
            assert listed == fresh, (seed, step)
            waited += len(fresh)
        await rating.settled()
        await book.look()
        settled = {row["subject"] for row in await rating.context.db.pool.fetch(SETTLED)}
        assert not settled & await candidates(rating)
        listed, fresh = await found(rating, monkeypatch)
        assert listed == fresh
    assert waited


def _now(rating: Deployment) -> datetime:
    return rating.context.clock.now()


async def test_whoever_is_billed_is_no_candidate(rating: Deployment) -> None:
    """What of a customer with contract and meter comes notes nobody, so that all of a large book are nobody's business."""
    await rating.customer("acme")
    await rating.meter("calls")
    await rating.apply(terms("acme-1", "acme"))
    await rating.send(event("e1", "acme", utc("2024-01-01T23:00:00")))
    await rating.settled()
    assert await candidates(rating) == set()
    await rating.send(event("e2", "acme", utc("2023-12-31T23:00:00")))
    await rating.settled()
    assert await candidates(rating) == {"acme"}


async def test_a_book_of_before_has_each_subject_looked_at_once(rating: Deployment) -> None:
    await rating.customer("acme")
    await rating.meter("calls")
    await rating.apply(terms("acme-1", "acme"))
    await rating.send(
        *[event(f"e{n}", name, utc("2024-01-01T23:00:00")) for n, name in enumerate(("acme", "ev"))]
    )
    await rating.settled()
    migrating = _config("rating", rating.database.url("rating"), rating.database.secret)
    await asyncio.to_thread(command.downgrade, migrating, "0050")
    await asyncio.to_thread(command.upgrade, migrating, "head")
    assert await candidates(rating) == {"acme", "ev"}
    await Book(rating, random.Random(0)).look()
    assert await candidates(rating) == {"ev"}
