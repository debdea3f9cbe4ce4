"""What a month's documents are numbered as: those whose periods end in it, by series, and which the journal lacks."""

from collections.abc import AsyncIterator

import httpx2
import pytest

from services.billing.finalization.usecases.finalize import finalize_due
from shared.db.unit_of_work import Database
from tests.conftest import TestDatabase
from tests.services.billing.conftest import Hear
from tests.services.billing.gates import OpenGate
from tests.services.billing.statements import NOW, ZONE, statement_of
from tests.serving import serving


@pytest.fixture
async def api(database: TestDatabase, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[httpx2.AsyncClient]:
    auditor = database.url("u2c_auditor")
    async with serving("billing", database, monkeypatch, auditor_database_url=auditor) as (_, client):
        yield client


async def test_a_month_has_the_numbers_of_the_periods_that_end_in_it(
    api: httpx2.AsyncClient, db: Database, hear: Hear, hear_customers: Hear
) -> None:
    await hear_customers()
    for month in (1, 2):
        await hear(*(statement_of(f"c-{n}", month=month, final=True, amounts=(5,)) for n in range(month + 1)))
        await finalize_due(db, OpenGate(), NOW.replace(month=month + 1), ZONE)
    await db.pool.execute("update billing.number_series set next = 999999")
    await hear(*(statement_of(f"d-{n}", month=2, final=True, amounts=(5,)) for n in range(2)))
    await finalize_due(db, OpenGate(), NOW.replace(month=3), ZONE)
    january = (await api.get("/v1/journal/months/2013-01")).json()
    assert (january["month"], january["documents"], january["unposted"]) == ("2013-01", 2, 0)
    [of_january] = january["series"]
    assert (of_january["first"], of_january["last"]) == ("DEFAULT-2013-000001", "DEFAULT-2013-000002")
    [of_february] = (await api.get("/v1/journal/months/2013-02")).json()["series"]
    assert of_february == {
        "series": "DEFAULT-2013",
        "documents": 5,
        "first": "DEFAULT-2013-000003",
        "last": "DEFAULT-2013-1000000",
        "unposted": 0,
    }
    assert (await api.get("/v1/journal/months/2013-03")).json()["series"] == []
    assert (await api.get("/v1/journal/months/2013-3")).status_code == 422
