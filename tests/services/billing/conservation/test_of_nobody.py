"""Usage of subjects that nobody knows may be as many as there are events: what is found of it is added up where it lies, or
some rows at a time, and the check of a book takes no more memory for it."""

from typing import Any

import asyncpg
import pytest

from services.billing.conservation.checks.k3_disposition import disposition
from services.billing.conservation.checks.listing import LISTED_MAX
from services.billing.conservation.clients import Auditor
from services.billing.conservation.domain.dispositions import Bucket
from services.billing.conservation.domain.filters import Narrow
from services.billing.conservation.repository import reconciliation
from services.billing.conservation.usecases.reconcile import reconciled, totals
from tests.services.billing.conservation.conftest import Book

STRANGERS = 2 * LISTED_MAX
ARRIVE = f"""insert into rating.events (batch_id, seq, partition, received_at, key, source, id, type, subject, time, data)
    select batch_id, seq + 1000000 + n, partition, received_at, substring(sha256(key || int4send(n)) for 16), source, id || '-' || n, type,
        'stranger-' || n, time, data
    from (select * from rating.events order by batch_id, seq limit 1) e cross join generate_series(1, {STRANGERS}) n"""


class Counting:
    """A connection that counts the rows of its longest answer."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection, self.longest = connection, 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    async def fetch(self, *asked: Any) -> list[Any]:
        rows: list[Any] = await self._connection.fetch(*asked)
        self.longest = max(self.longest, len(rows))
        return rows


async def test_each_event_is_in_a_bucket_however_many_strangers_there_are(vandal: asyncpg.Connection) -> None:
    before = (await disposition(vandal, LISTED_MAX)).figures
    await vandal.execute(ARRIVE)
    counting: Any = Counting(vandal)
    found = await disposition(counting, LISTED_MAX)
    assert found.figures["stored"] == before["stored"] + STRANGERS
    assert found.figures[Bucket.SUSPENSE] == before[Bucket.SUSPENSE] + STRANGERS
    assert counting.longest <= LISTED_MAX


async def test_totals_are_those_of_all_rows_which_come_some_at_a_time(
    book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    auditor = Auditor(book.auditor_url)
    for narrow in (Narrow(), Narrow(customer="acme")):
        whole = await reconciled(auditor, narrow)
        for prefetch in (1, 3, 1000):
            monkeypatch.setattr(reconciliation, "PREFETCH", prefetch)
            assert await totals(auditor, narrow) == whole.totals
        assert len(whole.rows) > 3 or narrow.customer
