"""Cases of an outbox with a message the bus refuses, inherited by the tests of each bus, which say how a bus
comes to refuse."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from shared.bus import Record, RecordsRefused
from shared.db.outbox import Relay
from shared.db.outbox_refused import KIND, Refused
from shared.topics.registry import MESSAGE_MAX_BYTES
from tests.shared.bus.arena import Arena
from tests.shared.bus.topics import PAGES, Page
from tests.waiting import until

TOO_LARGE = "x" * (MESSAGE_MAX_BYTES + 1000)
LARGE = "x" * 50_000
RULE_BYTES = 20_000


class RefusalCases:
    """One message that cannot go stands before nobody."""

    async def forbid(self, arena: Arena) -> None:
        """Let the bus refuse what is larger than RULE_BYTES on test.pages."""
        raise NotImplementedError

    async def allow(self, arena: Arena) -> None:
        """Take that rule back."""
        raise NotImplementedError

    @pytest.fixture
    async def relay(self, arena: Arena) -> AsyncIterator[Relay]:
        await arena.create_standard_tables()
        relay = Relay(arena.db, arena.bus, Refused(arena.db, retry_min_s=0.2), 1.5, (PAGES.name,))
        task = asyncio.create_task(relay.run())
        yield relay
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    async def test_a_message_that_is_too_large_is_set_aside_and_the_others_go_on(
        self, arena: Arena, relay: Relay
    ) -> None:
        """Others before and after it, in one transaction, of its own key too, and one that is large and not
        too large."""
        pages = [Page("acme", n) for n in range(100)]
        await _tell(
            arena,
            *pages[:50],
            Page("acme", 7, 2, TOO_LARGE),
            *pages[50:],
            Page("zenith", 1, text="x" * (MESSAGE_MAX_BYTES - 1000)),
        )
        await until(lambda: _empty(arena), "the outbox is empty")
        assert {(page.book, page.page) for page in await _pages(arena)} == {
            *(("acme", n) for n in range(100)),
            ("zenith", 1),
        }
        [(reference, detail, resolved)] = await _exceptions(arena)
        assert reference == 'test.pages ["acme",7]' and str(MESSAGE_MAX_BYTES) in detail and resolved is None
        await relay.refused.measure()
        assert (relay.refused.note() or "").startswith("1 messages are refused by the bus")

    async def test_what_a_rule_refuses_is_taken_by_itself_once_the_rule_is_gone(
        self, arena: Arena, relay: Relay
    ) -> None:
        await self.forbid(arena)
        await _tell(arena, Page("acme", 1, text=LARGE), Page("acme", 2), Page("zenith", 1))
        await until(lambda: _empty(arena), "the outbox is empty")
        assert {(page.book, page.page) for page in await _pages(arena)} == {("acme", 2), ("zenith", 1)}
        await self.allow(arena)
        await until(lambda: _none_refused(arena), "the refused one is taken")
        assert ("acme", 1, LARGE) in {(page.book, page.page, page.text) for page in await _pages(arena)}
        assert all(resolved is not None for _, _, resolved in await _exceptions(arena))

    async def test_a_refused_snapshot_gives_way_to_a_later_one_and_never_comes_after_it(
        self, arena: Arena, relay: Relay
    ) -> None:
        """On a compacted topic the last record of a key is what stays."""
        await self.forbid(arena)
        await _tell(arena, Page("acme", 1, 1, LARGE))
        await until(lambda: _empty(arena), "the outbox is empty")
        assert not await _none_refused(arena)
        await _tell(arena, Page("acme", 1, 2))
        await until(lambda: _none_refused(arena), "the later one is taken, and the refused one gone")
        await self.allow(arena)
        await _tell(arena, Page("zenith", 1))
        await until(lambda: _empty(arena), "the outbox is empty")
        assert [page.revision for page in await _pages(arena) if page.book == "acme"] == [2]
        assert [resolved is not None for _, _, resolved in await _exceptions(arena)] == [True]

    async def test_a_refusal_is_its_callers_and_nobody_elses(self, arena: Arena) -> None:
        """Publishes that meet in one flush: those of others are taken."""
        outcomes = await asyncio.gather(
            *(arena.publish(10) for _ in range(3)),
            arena.bus.publish(PAGES.name, [_record(TOO_LARGE)]),
            arena.publish(10),
            arena.bus.publish(PAGES.name, [_record("small")]),
            return_exceptions=True,
        )
        assert [isinstance(outcome, RecordsRefused) for outcome in outcomes] == [
            False,
            False,
            False,
            True,
            False,
            False,
        ], outcomes
        assert [page.text for page in await _pages(arena)] == ["small"]


def _record(text: str) -> Record:
    page = Page("acme", 1, text=text)
    return Record(PAGES.record_key(page), PAGES.encode(page))


async def _tell(arena: Arena, *pages: Page) -> None:
    async with arena.db.transaction() as uow:
        for page in pages:
            uow.tell(PAGES, page)


async def _pages(arena: Arena) -> list[Page]:
    """All that are there: one read brings as many bytes as it likes."""
    found: list[Page] = []
    for partition, head in (await arena.bus.heads(PAGES.name)).items():
        at = 0
        while at < head:
            run = await arena.bus.read(PAGES.name, partition, at, 10_000)
            found += [PAGES.decode(record.value) for record in run.records]
            at = run.end
    return found


async def _empty(arena: Arena) -> bool:
    return bool(await arena.db.pool.fetchval("select not exists (select from rating.outbox)"))


async def _none_refused(arena: Arena) -> bool:
    return bool(await arena.db.pool.fetchval("select not exists (select from rating.outbox_refused)"))


async def _exceptions(arena: Arena) -> list[Any]:
    rows = await arena.db.pool.fetch(
        "select reference, detail, resolved_at from rating.exceptions where kind = $1", KIND
    )
    return [tuple(row) for row in rows]
