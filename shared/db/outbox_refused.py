"""What the bus refuses of an outbox: set aside with the reason, tried again ever more slowly, and an
exception until it is taken.

A refused snapshot gives way to a later one of its key that the bus has taken: put on the topic after it, it
would outlive it there.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog

from shared.cases import NewCase, open_exception, resolve_exception
from shared.db.columns import names_of
from shared.db.outbox_rows import MessageKey, RefusedMessage, WaitingMessage
from shared.db.unit_of_work import Database, UnitOfWork
from shared.runtime.clock import machine_now

log = structlog.get_logger()
KIND, OWNER = "message_refused", "operations"
RETRY_MIN_S, RETRY_MAX_S = 30.0, 3600.0  # doubled with every refusal
RETRIED_MAX = 20  # of one look, one by one
_RETRY_AT = "clock_timestamp() + make_interval(secs => least($3 * 2.0 ^ {tries}, $4))"
SET_ASIDE = (
    """with gone as (delete from {schema}.outbox o using unnest($1::bigint[], $2::text[]) as refused
        (outbox_id, reason)
        where o.outbox_id = refused.outbox_id returning o.*, refused.reason)
    insert into {schema}.outbox_refused (outbox_id, shard, topic, key, value, headers, partition, created_at, reason, tries, retry_at)
    select outbox_id, shard, topic, key, value, headers, partition, created_at, reason, 1, """
    + _RETRY_AT.format(tries="0")
    + """
    from gone on conflict do nothing returning topic, key, reason"""
)
AGAIN = (
    """update {schema}.outbox_refused set tries = tries + 1, reason = $2, retry_at = """
    + _RETRY_AT.format(tries="tries")
    + """
    where outbox_id = $1 returning topic, key, reason"""
)
DUE = f"""select {names_of(WaitingMessage)} from {{schema}}.outbox_refused
    where shard = any($1::smallint[]) and retry_at <= clock_timestamp() order by outbox_id limit $2"""
LEFT = "select exists (select from {schema}.outbox_refused where topic = $1 and key = $2)"
OPEN = "select count(*) as count, min(topic || ' ' || reason) as example from {schema}.outbox_refused"


@dataclass
class Refused:
    """The refused rows of one service. `now` is the business clock, of which exceptions are."""

    db: Database
    now: Callable[[], datetime] = machine_now
    retry_min_s: float = RETRY_MIN_S
    open: int = 0
    example: str = ""

    async def set_aside(self, rows: Sequence[tuple[WaitingMessage, str]]) -> None:
        """Take these rows out of the outbox, each with what the bus answered. What another relay has taken
        meanwhile falls out."""
        async with self.db.transaction() as uow:
            found = await uow.connection.fetch(
                self._sql(SET_ASIDE),
                [row.outbox_id for row, _ in rows],
                [reason for _, reason in rows],
                self.retry_min_s,
                RETRY_MAX_S,
            )
            for row in found:
                await self._told(uow, RefusedMessage(**row))

    async def due(self, shards: Sequence[int]) -> list[WaitingMessage]:
        """Those of these shards whose time has come again, oldest first."""
        rows = await self.db.pool.fetch(self._sql(DUE), list(shards), RETRIED_MAX)
        return [WaitingMessage(**row) for row in rows]

    async def taken(self, row: WaitingMessage) -> None:
        """Forget a row that the bus has taken, and close its exception where no other row of its key
        waits."""
        async with self.db.transaction() as uow:
            await uow.connection.execute(
                self._sql("delete from {schema}.outbox_refused where outbox_id = $1"), row.outbox_id
            )
            await self._settled(uow, MessageKey(row.topic, row.key))

    async def refused_again(self, row: WaitingMessage, reason: str) -> None:
        async with self.db.transaction() as uow:
            for found in await uow.connection.fetch(
                self._sql(AGAIN), row.outbox_id, reason, self.retry_min_s, RETRY_MAX_S
            ):
                await self._told(uow, RefusedMessage(**found))

    async def superseded(self, rows: Sequence[MessageKey]) -> None:
        """Later ones of their keys are on the bus, and these rows are gone: nothing is missing any more."""
        async with self.db.transaction() as uow:
            for row in rows:
                await self._settled(uow, row)

    async def measure(self) -> None:
        row = await self.db.pool.fetchrow(self._sql(OPEN))
        assert row is not None
        count, example = row
        self.open, self.example = count, example or ""

    def note(self) -> str | None:
        """What /readyz says of refused messages, None without any: the service can do its work, but somebody
        misses a message of it."""
        return (
            f"{self.open} messages are refused by the bus and wait in outbox_refused, such as {self.example}"
            if self.open
            else None
        )

    async def _told(self, uow: UnitOfWork, row: RefusedMessage) -> None:
        log.error(
            "message_refused",
            service=self.db.schema,
            topic=row.topic,
            key=row.shown,
            reason=row.reason,
        )
        detail = (
            f"the bus refuses a message of {row.topic}, and who hears that topic misses it: {row.reason}. Mend what the reason names "
            f"(a broker's limit, a right, what makes the message so large); it is tried again by itself, and the others go on."
        )
        await open_exception(uow, NewCase(KIND, row.reference, detail, OWNER), self.now())

    async def _settled(self, uow: UnitOfWork, row: MessageKey) -> None:
        if not await uow.connection.fetchval(self._sql(LEFT), row.topic, row.key):
            await resolve_exception(uow, KIND, row.reference, self.now())

    def _sql(self, text: str) -> str:
        return text.format(schema=self.db.schema)
