"""Billing as it runs, asked by two people, and its gate and clock in the tests' hands."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest

from services.billing.finalization.usecases import finalize as usecases
from services.billing.finalization.usecases.finalize import finalize_due
from shared.db.unit_of_work import Database
from tests.conftest import TestDatabase, stand_clock
from tests.services.billing.conftest import Hear
from tests.services.billing.gates import OpenGate
from tests.services.billing.statements import NOW, ZONE, statement_of
from tests.serving import serving

Finalize = Callable[..., Awaitable[int]]


@dataclass(frozen=True)
class Reviews:
    """Calls of the API, each by somebody."""

    client: httpx2.AsyncClient

    async def ask(self, method: str, path: str, by: str = "usr_ana", **sent: Any) -> httpx2.Response:
        return await self.client.request(method, f"/v1/{path}", headers={"U2C-Actor": by}, **sent)

    async def done(self, method: str, path: str, by: str = "usr_ana", **sent: Any) -> Any:
        answer = await self.ask(method, path, by, **sent)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def refused(self, status: int, method: str, path: str, by: str = "usr_ana", **sent: Any) -> str:
        """The code, and what it says."""
        answer = await self.ask(method, path, by, **sent)
        assert answer.status_code == status, answer.text
        return f"{answer.json()['code']}: {answer.json()['detail']}"

    async def draft(self, contract: str = "ua-2013") -> Any:
        [found] = (await self.done("GET", "invoices", params={"contract": contract}))["data"]
        return found

    async def policy(self, replaces: int = 0, by: str = "usr_boss", **rules: Any) -> Any:
        said = {"replaces": replaces, "above": {}, "changed_percent": None, "reason": "agreed", **rules}
        return await self.done("PUT", "review-policy", by, json=said)


@pytest.fixture
async def reviews(database: TestDatabase, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Reviews]:
    """What is final is finalized when a test says so, and not by the service's own job, which is woken by each decision."""
    monkeypatch.setattr(usecases, "finalize_due", _left_to_the_test)
    await stand_clock(database.admin_url, NOW)
    async with serving(
        "billing", database, monkeypatch, auditor_database_url=database.url("u2c_auditor")
    ) as (_, client):
        yield Reviews(client)


async def _left_to_the_test(*_: object) -> int:
    return 0


@pytest.fixture
def finalize(db: Database) -> Finalize:
    """Finalize what is due, as the job does."""

    async def finalized(gate: Any = None) -> int:
        return await finalize_due(db, gate or OpenGate(), NOW, ZONE)

    return finalized


@pytest.fixture
async def final(hear: Hear, hear_customers: Hear) -> None:
    """UA's January is final: 636,550.00 USD."""
    await hear_customers()
    await hear(statement_of(final=True))
