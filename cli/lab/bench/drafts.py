"""Billing's drafts, as those who read its API see them: one of a contract, a page of the list, all of it."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import quote

import msgspec

from lab.bench.sender import Connection

PAGE_ROWS = 200
READERS = 8
READ_AGAIN_AFTER_S = 0.05
Watermark = dict[str, int]  # partition → the newest batch that counts


class ShownStatement(msgspec.Struct, frozen=True):
    """What a draft says of its statement."""

    watermark: Watermark | None = None


class Draft(msgspec.Struct, frozen=True):
    """What is read of a draft. `stale` is unset where the commit does not know it: there a draft says what was
    told last. Commits of before say `statement`: there it has one."""

    id: str
    contract: str
    statements: tuple[ShownStatement, ...] = ()
    statement: ShownStatement | None = None
    stale: bool | msgspec.UnsetType = msgspec.UNSET

    @property
    def watermark(self) -> Watermark:
        shown = self.statements[0] if self.statements else self.statement
        return (shown and shown.watermark) or {}


class Page(msgspec.Struct, frozen=True):
    """A page of the list."""

    data: list[Draft]
    has_more: bool
    next_cursor: str | None


_decode = msgspec.json.Decoder(Page).decode


@dataclass
class Billing:
    """Billing's API over kept connections: as many as are asked at once."""

    url: str
    key: str
    _free: list[Connection] = field(default_factory=list)
    _all: list[Connection] = field(default_factory=list)

    async def newest(self, contract: str) -> Watermark:
        """What the newest draft of this contract covers."""
        page = await self._get(f"/v1/invoices?contract={quote(contract)}&limit=1")
        return page.data[0].watermark if page.data else {}

    async def page(self, cursor: str | None, limit: int = PAGE_ROWS) -> Page:
        """A page of the list of drafts."""
        after = f"&cursor={quote(cursor)}" if cursor else ""
        return await self._get(f"/v1/invoices?status=draft&limit={limit}{after}")

    async def close(self) -> None:
        await asyncio.gather(*(connection.close() for connection in self._all), return_exceptions=True)

    async def _get(self, path: str) -> Page:
        connection = self._free.pop() if self._free else await self._another()
        answer = await connection.get(path)
        self._free.append(connection)
        return _decode(answer)

    async def _another(self) -> Connection:
        connection = Connection(self.url, self.key)
        await connection.open()
        self._all.append(connection)
        return connection


@asynccontextmanager
async def billing(url: str, key: str) -> AsyncIterator[Billing]:
    """The API inside the block, its connections closed afterwards."""
    found = Billing(url, key)
    try:
        yield found
    finally:
        await found.close()


@dataclass(frozen=True)
class Pages:
    """Where each page of the list begins, and the newest draft there was."""

    cursors: list[str | None]
    newest: str


@dataclass
class Reading:
    """One reading of every draft: `seconds` until none was stale any more, `again` how many drafts were read
    once more, `covered` what the drafts of each contract cover."""

    seconds: float = 0.0
    again: int = 0
    covered: dict[str, Watermark] = field(default_factory=dict)
    _seen: set[str] = field(default_factory=set)

    @property
    def drafts(self) -> int:
        return len(self._seen)

    def take(self, draft: Draft) -> None:
        self._seen.add(draft.id)
        kept = self.covered.setdefault(draft.contract, {})
        for partition, batch_id in draft.watermark.items():
            kept[partition] = max(kept.get(partition, 0), batch_id)


async def pages_of(api: Billing) -> Pages:
    """Find the pages of the list. A draft keeps its place in it, so eight readers can share pages that were found
    before."""
    cursors: list[str | None] = [None]
    page = await api.page(None)
    newest = page.data[0].id
    while page.has_more:
        cursors.append(page.next_cursor)
        page = await api.page(page.next_cursor)
    return Pages(cursors, newest)


async def _with_newer(api: Billing, known: Pages) -> list[str | None]:
    """Return where pages begin, those first that hold drafts made since, as a new month brings them: they are on top of the
    list, and push as many out of the first page."""
    found: list[str | None] = [None]
    while True:
        page = await api.page(found[-1])
        there = [draft.id for draft in page.data]
        if there[:1] == [known.newest]:
            return [*found, *known.cursors[1:]]
        if not page.has_more:
            return found
        found.append(page.next_cursor)
        if known.newest in there:
            return [*found, *known.cursors[1:]]


async def read_all(api: Billing, known: Pages) -> Reading:
    """Read every draft once by eight readers, and a page again for as long as one of its drafts is stale."""
    reading, began = Reading(), time.monotonic()
    waiting = iter(await _with_newer(api, known))

    async def read() -> None:
        for cursor in waiting:
            page = await api.page(cursor)
            while stale := sum(draft.stale is True for draft in page.data):
                reading.again += stale
                await asyncio.sleep(READ_AGAIN_AFTER_S)
                page = await api.page(cursor)
            for draft in page.data:
                reading.take(draft)

    await asyncio.gather(*(read() for _ in range(READERS)))
    reading.seconds = time.monotonic() - began
    return reading


async def knows_stale(api: Billing) -> bool:
    """Whether this commit's drafts say that they are stale. Where they do not, reading makes none current: they are
    waited for."""
    page = await api.page(None, limit=1)
    return any(draft.stale is not msgspec.UNSET for draft in page.data)


def uncovered(covered: Mapping[str, Watermark], last: Mapping[str, Watermark]) -> list[str]:
    """The contracts whose drafts do not cover the last batches of their customer's usage, sorted."""
    return sorted(
        contract
        for contract, batches in last.items()
        if any(covered.get(contract, {}).get(partition, 0) < batch for partition, batch in batches.items())
    )
