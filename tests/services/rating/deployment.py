"""A running rating service in this process, on a database of its own: what the tests of statements drive."""

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import asyncpg
import httpx2

from services.rating.metering.fold.usecases.pass_fold import pass_fold
from services.rating.statements.memory import StatementsContext
from services.rating.statements.usecases.finish_due_work import finish_due_work
from shared.bus import Record
from shared.runtime.clock import machine_us
from shared.topics.rating import StatementMessage
from shared.topics.statement_steps import together
from shared.topics.usage_ingest import USAGE_EVENTS, UsageMessage
from shared.values.instants import to_us
from tests.conftest import TestDatabase, say
from tests.waiting import until


@dataclass
class Deployment:
    """`client` speaks to rating's API with every scope; `context` is the service's own."""

    database: TestDatabase
    context: StatementsContext
    client: httpx2.AsyncClient

    async def customer(self, external_id: str, timezone: str = "UTC") -> None:
        await self._post(
            "/v1/customers",
            {
                "external_id": external_id,
                "name": external_id,
                "legal_entity": "default",
                "timezone": timezone,
            },
        )

    async def alias(self, external_id: str, alias: str) -> None:
        await self._post(f"/v1/customers/{external_id}/aliases", {"alias": alias})

    async def meter(self, meter: str, **changes: Any) -> None:
        await self._post(
            "/v1/meters", {"meter": meter, "event_type": "call", "aggregation": "count", **changes}
        )

    async def _post(self, path: str, body: dict[str, Any]) -> None:
        answer = await self.client.post(path, json=body)
        assert answer.status_code == 201, answer.text

    async def apply(self, document: dict[str, Any], status: int = 201) -> Any:
        answer = await self.client.post("/v1/contracts", json=document)
        assert answer.status_code == status, answer.text
        return answer.json()

    async def advance(self, to: datetime, *, test_clock: bool = False) -> Any:
        answer = await self.client.post(
            "/v1/clock/advance", json={"to": to.isoformat(), "test_clock": test_clock}
        )
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def send(self, *messages: UsageMessage) -> None:
        """Put usage on the bus: acknowledged when this returns."""
        records = [
            Record(f"{message.source}\0{message.id}".encode(), USAGE_EVENTS.encode(message))
            for message in messages
        ]
        await say(self.database.admin_url, USAGE_EVENTS.name, records)

    async def settled(self) -> None:
        """Wait until everything sent is metered, and priced."""
        await self.metered()
        while not await finish_due_work(self.context):
            await asyncio.sleep(0.01)

    async def metered(self) -> None:
        """Wait until everything sent is metered and folded."""
        heads = await self.context.bus.heads(USAGE_EVENTS.name)
        await until(lambda: self._metered(heads))
        await pass_fold(self.context.db, self.context.state.metering.fold, self.context.clock.now())

    async def _metered(self, heads: Any) -> bool:
        positions = await self.context.bus.positions("rating", USAGE_EVENTS.name)
        return all(positions[partition] >= head for partition, head in heads.items())

    async def statement(self, contract: str, start_date: str) -> Any:
        answer = await self.client.get(f"/v1/statements/{contract}/{start_date}")
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def stored(self, contract: str, start_date: str) -> StatementMessage:
        """The statement as it is stored and told."""
        import msgspec

        row = await self.context.db.pool.fetchrow(
            """select document, explanation from rating.statements join rating.periods using (contract, period_start)
               where contract = $1 and start_date = $2""",
            contract,
            datetime.fromisoformat(start_date).date(),
        )
        assert row is not None, f"no statement of {contract} from {start_date}"
        return together(msgspec.convert(row["document"], StatementMessage, strict=False), row["explanation"])

    async def said(self) -> list[StatementMessage]:
        """Every revision told on rating.statements, in the order of the log."""
        from shared.topics.rating import STATEMENTS

        found: list[StatementMessage] = []
        for partition, head in (await self.context.bus.heads(STATEMENTS.name)).items():
            run = await self.context.bus.read(STATEMENTS.name, partition, 0, head) if head else None
            found += [STATEMENTS.decode(record.value) for record in run.records] if run else []
        return found


def event(
    id: str, subject: str, time: datetime, data: dict[str, Any] | None = None, type: str = "call"
) -> UsageMessage:
    """An accepted event as the door publishes it."""
    import msgspec

    body = json.dumps(data or {}, sort_keys=True, separators=(",", ":"))
    digest = hashlib.sha256(f"{type}\0{subject}\0{to_us(time)}\0{body}".encode()).hexdigest()[:32]
    return UsageMessage(
        source="test",
        id=id,
        received_us=machine_us(),
        type=type,
        subject=subject,
        time_us=to_us(time),
        data=msgspec.Raw(body.encode()),
        body_hash=digest,
    )


def void(id: str) -> UsageMessage:
    return UsageMessage(source="test", id=id, received_us=machine_us(), kind="void")


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def terms(contract: str, customer: str, **changes: Any) -> dict[str, Any]:
    """Per-unit terms of one meter, calls at 2.00, from January 2024."""
    return {
        "contract": contract,
        "customer": customer,
        "currency": "USD",
        "timezone": "UTC",
        "term": {"start": "2024-01-01", "months": 12},
        "billing": {"interval": "month", "net_days": 30, "grace_hours": 72},
        "lines": [
            {
                "key": "calls",
                "kind": "usage",
                "meter": "calls",
                "price": {"model": "per_unit", "unit": "2.00"},
            }
        ],
        **changes,
    }


@asynccontextmanager
async def folder_held(rating: Deployment) -> AsyncIterator[None]:
    """Nothing is folded meanwhile: an administrator holds the row that is the claim."""
    admin = await asyncpg.connect(rating.database.admin_url)
    try:
        async with admin.transaction():
            await admin.execute("select from rating.fold_state for update")
            yield
    finally:
        await admin.close()
