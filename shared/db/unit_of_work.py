"""A service's own database: a pool, and the unit of work that makes an effect and its outbox rows one
transaction."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Annotated, Literal, cast
from zlib import crc32

import asyncpg
import msgspec

from shared.bus.partitioner import partition_of
from shared.db.columns import JSONB, Bulk, SmallInteger, insert
from shared.db.plans import FEW, keep_plans
from shared.db.pooled import Pooled
from shared.topics import Topic

OUTBOX_SHARDS = 16
Isolation = Literal["read_committed", "repeatable_read", "serializable"]

#: Faults of the surroundings, not of the data: wait and try again.
OUTAGES: tuple[type[Exception], ...] = (
    OSError,
    TimeoutError,
    asyncpg.InterfaceError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.DeadlockDetectedError,
    asyncpg.SerializationError,
    asyncpg.QueryCanceledError,
    asyncpg.InsufficientResourcesError,
    asyncpg.LockNotAvailableError,
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    # A connection whose server died under a statement may say so.
    asyncpg.InternalClientError,
)


@dataclass(frozen=True, slots=True)
class OutboxRow:
    #: Of the partition key: what goes to one partition keeps its order.
    shard: SmallInteger
    topic: str
    key: bytes  # the record key: of a snapshot its whole identity
    partition: SmallInteger
    value: bytes
    headers: Annotated[dict[str, str], JSONB]


@dataclass
class UnitOfWork:
    """One transaction: SQL on `connection`, and what to tell others once it commits."""

    connection: asyncpg.Connection
    schema: str
    trace: str = ""
    _told: list[OutboxRow] = field(default_factory=list)
    has_told: bool = False
    _when_committed: list[Callable[[], None]] = field(default_factory=list)
    _keeps_plans: bool = False

    def tell(self, topic: Topic, message: msgspec.Struct) -> None:
        """Write an outbox row in this transaction; the relay puts it on the bus afterwards. The topic says by
        what key, and where."""
        placed_by = topic.partition_key(message)
        headers = {"trace": self.trace} if self.trace else {}
        self._told.append(
            OutboxRow(
                crc32(placed_by) % OUTBOX_SHARDS,
                topic.name,
                topic.record_key(message),
                partition_of(placed_by, topic.partitions),
                topic.encode(message),
                headers,
            )
        )

    async def keep_plans_of(self, things: int) -> None:
        """`keep_plans`, once, where the transaction is about so few things."""
        if things <= FEW and not self._keeps_plans:
            await keep_plans(self.connection)
            self._keeps_plans = True

    def when_committed(self, call: Callable[[], None]) -> None:
        """Call this once the transaction has committed, and never otherwise: for what a process remembers."""
        self._when_committed.append(call)

    def committed(self) -> None:
        """Call what waits for the commit. The unit of work's owner says so."""
        for call in self._when_committed:
            call()

    @asynccontextmanager
    async def attempt(self) -> AsyncIterator[None]:
        """A part of the transaction that leaves nothing behind where it fails, of what it told neither."""
        told, waiting = len(self._told), len(self._when_committed)
        try:
            async with self.connection.transaction():
                yield
        except BaseException:
            del self._told[told:], self._when_committed[waiting:]
            raise

    async def flush(self) -> None:
        """Insert the told rows, in order. The unit of work's owner calls it before commit."""
        if not self._told:
            return
        rows, self._told, self.has_told = self._told, [], True
        outbox = _outbox(self.schema)
        await self.connection.execute(outbox.sql, *outbox.columns_of(rows))


@cache
def _outbox(schema: str) -> Bulk[OutboxRow]:
    """The transaction gets its own number before a row draws one: a relay's look sees that it runs, and its floor stays
    below (`shared/db/floor.py`). Where telling is the first that is written the row would else be passed by for a minute."""
    said = insert(f"{schema}.outbox", OutboxRow)
    return replace(said, sql=f"{said.sql}\nwhere pg_current_xact_id() is not null")


@dataclass
class Database:
    """The pool of one service's role. `schema` is the service's own; other schemas are written out in SQL."""

    url: str
    schema: str
    pool_max: int = 12
    #: Called when a transaction that told something has committed: the relay of this process need not look in
    #: vain to see it at once.
    told: Callable[[], None] | None = None
    _pool: "asyncpg.Pool | None" = None

    @property
    def pool(self) -> asyncpg.Pool:
        assert self._pool is not None, "open() the database first"
        return self._pool

    async def open(self) -> None:
        self._pool = await asyncpg.create_pool(
            self.url,
            min_size=1,
            max_size=self.pool_max,
            init=self._prepare,
            connection_class=Pooled,
            command_timeout=120,
            timeout=10,
            server_settings={
                "search_path": f"{self.schema},bus,clock",
                "application_name": f"u2c-{self.schema}",
                "timezone": "UTC",
                # A plan kept from when tables were empty reads them whole once they are not. Statements serve
                # whole batches, so planning is cheap.
                "plan_cache_mode": "force_custom_plan",
                # A plan that must read a table whole after all, where `keep_plans` rules that out, costs so much on a server
                # before 18 that it would be compiled each time.
                "jit": "off",
            },
        )

    async def close(self) -> None:
        if self._pool:
            try:
                await asyncio.wait_for(self._pool.close(), 5)
            except TimeoutError:
                self._pool.terminate()

    async def _prepare(self, connection: asyncpg.Connection) -> None:
        await connection.set_type_codec(
            "jsonb",
            schema="pg_catalog",
            format="binary",
            encoder=lambda value: (
                b"\x01" + (bytes(value) if isinstance(value, msgspec.Raw) else msgspec.json.encode(value))
            ),
            decoder=lambda value: msgspec.json.decode(bytes(value[1:])),
        )

    @asynccontextmanager
    async def transaction(
        self, isolation: Isolation = "read_committed", trace: str = ""
    ) -> AsyncIterator[UnitOfWork]:
        """A unit of work that commits when the block ends well, outbox rows included, and rolls back
        otherwise."""
        async with self.pool.acquire() as connection, connection.transaction(isolation=isolation):
            # the pool's proxy has every method of a connection
            uow = UnitOfWork(cast(asyncpg.Connection, connection), self.schema, trace)
            yield uow
            await uow.flush()
        uow.committed()
        if uow.has_told and self.told:
            self.told()
