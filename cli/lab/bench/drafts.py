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


@dataclass
class Reading:
    """One reading of every draft: `seconds` until none was stale any more, `again` how many drafts were read
    once more, `covered` what the drafts of each contract cover."""

    seconds: float = 0.0
    drafts: int = 0
    again: int = 0
    covered: dict[str, Watermark] = field(default_factory=dict)

    def take(self, draft: Draft) -> None:
        kept = self.covered.setdefault(draft.contract, {})
        for partition, batch_id in draft.watermark.items():
            kept[partition] = max(kept.get(partition, 0), batch_id)


async def cursors_of(api: Billing) -> list[str | None]:
    """Where each page of the list begins. A draft keeps its place in the list, so eight readers can share pages
    that were found before."""
    found: list[str | None] = [None]
    while (page := await api.page(found[-1])).has_more:
        found.append(page.next_cursor)
    return found


async def read_all(api: Billing, cursors: list[str | None]) -> Reading:
    """Read every draft once by eight readers, and a page again for as long as one of its drafts is stale."""
    reading, waiting, began = Reading(), iter(cursors), time.monotonic()

    async def read() -> None:
        for cursor in waiting:
            page = await api.page(cursor)
            reading.drafts += len(page.data)
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
