"""A running rating service in this process, on a database of its own: what the tests of statements drive."""

import asyncio
import hashlib
import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx2

from services.rating.statements.idle import idle
from shared.bus import Record
from shared.clock import machine_us
from shared.instants import to_us
from shared.service import Context
from shared.topics.rating import StatementMessage
from shared.topics.usage_ingest import USAGE_EVENTS, UsageMessage
from tests.conftest import TestDatabase

SECRET = "u2c_test_of_statements"
DEADLINE_S = 60.0


@dataclass
class Deployment:
    """`client` speaks to rating's API with every scope; `context` is the service's own."""

    database: TestDatabase
    context: Context
    client: httpx2.AsyncClient

    async def customer(self, external_id: str, timezone: str = "UTC") -> str:
        name = f"cus_{external_id}"
        await self.context.db.pool.execute(
            """with c as (insert into rating.customers (customer_id, external_id, name, legal_entity, timezone, revision, created_at)
                          values ($1, $2, $2, 'default', $3, 1, now()) returning customer_id)
               insert into rating.subjects (subject, customer_id, alias) select $2, customer_id, false from c""", name, external_id, timezone)
        return name

    async def alias(self, external_id: str, alias: str) -> None:
        """What adding an alias does to the tables: the subject, and marks for the days it has usage on."""
        async with self.context.db.transaction() as uow:
            await uow.connection.execute(
                "insert into rating.subjects (subject, customer_id, alias) select $2, customer_id, true from rating.customers where external_id = $1",
                external_id, alias)
            await uow.connection.execute(
                "insert into rating.marks (subject, day) select distinct subject, day from rating.usage_days where subject = $1", alias)

    async def meter(self, meter: str, event_type: str = "call", aggregation: str = "count", field: str | None = None) -> None:
        await self.context.db.pool.execute(
            """insert into rating.meters (meter, revision, event_type, aggregation, field, missing, group_by, filters, created_at, backfilled)
               values ($1, 1, $2, $3, $4, 'ignore', '{}', '{}', now(), true)""", meter, event_type, aggregation, field)
        await self.context.db.pool.execute("update rating.catalogue_state set revision = revision + 1")

    async def apply(self, document: dict[str, Any], status: int = 201) -> Any:
        answer = await self.client.post("/v1/contracts", json=document)
        assert answer.status_code == status, answer.text
        return answer.json()

    async def advance(self, to: datetime) -> Any:
        answer = await self.client.post("/v1/clock/advance", json={"to": to.isoformat()})
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def send(self, *messages: UsageMessage) -> None:
        """Put usage on the bus: acknowledged when this returns."""
        await self.context.bus.publish(
            USAGE_EVENTS.name, [Record(f"{message.source}\0{message.id}".encode(), USAGE_EVENTS.encode(message)) for message in messages])

    async def settled(self) -> None:
        """Wait until everything sent is metered, and priced."""
        heads = await self.context.bus.heads(USAGE_EVENTS.name)
        await until(lambda: self._metered(heads))
        while not await idle(self.context):
            await asyncio.sleep(0.01)

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
            """select document from rating.statements join rating.periods using (contract, period_start)
               where contract = $1 and start_date = $2""", contract, datetime.fromisoformat(start_date).date())
        assert row is not None, f"no statement of {contract} from {start_date}"
        return msgspec.convert(row["document"], StatementMessage, strict=False)

    async def said(self) -> list[StatementMessage]:
        """Every revision told on rating.statements, in the order of the log."""
        from shared.topics.rating import STATEMENTS

        found: list[StatementMessage] = []
        for partition, head in (await self.context.bus.heads(STATEMENTS.name)).items():
            run = await self.context.bus.read(STATEMENTS.name, partition, 0, head) if head else None
            found += [STATEMENTS.decode(record.value) for record in run.records] if run else []
        return found


def event(id: str, subject: str, time: datetime, data: dict[str, Any] | None = None, type: str = "call") -> UsageMessage:
    """An accepted event as the door publishes it."""
    import msgspec

    body = json.dumps(data or {}, sort_keys=True, separators=(",", ":"))
    digest = hashlib.sha256(f"{type}\0{subject}\0{to_us(time)}\0{body}".encode()).hexdigest()[:32]
    return UsageMessage(source="test", id=id, received_us=machine_us(), type=type, subject=subject, time_us=to_us(time),
                        data=msgspec.Raw(body.encode()), body_hash=digest)


def void(id: str) -> UsageMessage:
    return UsageMessage(source="test", id=id, received_us=machine_us(), kind="void")


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def terms(contract: str, customer: str, **changes: Any) -> dict[str, Any]:
    """Per-unit terms of one meter, calls at 2.00, from January 2024."""
    return {
        "contract": contract, "customer": customer, "currency": "USD", "timezone": "UTC", "term": {"start": "2024-01-01", "months": 12},
        "billing": {"interval": "month", "net_days": 30, "grace_hours": 72},
        "lines": [{"key": "calls", "kind": "usage", "meter": "calls", "price": {"model": "per_unit", "unit": "2.00"}}],
        **changes,
    }


async def until(holds: Callable[[], Awaitable[Any]], timeout_s: float = DEADLINE_S) -> Any:
    """Return what `holds` comes to once it is true."""
    deadline = time.monotonic() + timeout_s
    while not (found := await holds()):
        assert time.monotonic() < deadline, "it never came true"
        await asyncio.sleep(0.01)
    return found
