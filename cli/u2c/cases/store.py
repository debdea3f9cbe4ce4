"""A store of the cases' own: rating's schema in an embedded Postgres, filled by the metering of the service and read by
its readers."""

import asyncio
import secrets
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Any, Final

import msgspec

from services.rating.catalogue.requests import MeterTerms
from services.rating.catalogue.usecases import create_meter
from services.rating.customers.requests import CustomerDocument
from services.rating.customers.usecases import create_customer
from services.rating.metering.consumers import SUBSCRIPTIONS
from services.rating.metering.fold.usecases.fold import fold_share
from services.rating.metering.memory import MeteringMemory
from services.rating.metering.usecases.read_quantities import UsageAsked, read_quantities
from shared.bus import Polled, Record, positions
from shared.db.unit_of_work import Database
from shared.postgres.embedded import EmbeddedPostgres
from shared.postgres.migrations import prepare
from shared.postgres.server_settings import ServerSettings
from shared.postgres.urls import role_url
from shared.pricing.needs import Totals
from shared.runtime.consumer.batch import Decoded
from shared.runtime.consumer.flight import Lane
from shared.runtime.consumer.transaction import Transactions
from shared.topics.usage_ingest import USAGE_EVENTS, UsageMessage
from shared.values.groups import Group

NOW: Final = datetime(2026, 1, 1, tzinfo=UTC)
GROUPS_MAX: Final = 1000


@dataclass
class _State:
    metering: MeteringMemory = field(default_factory=lambda: MeteringMemory(GROUPS_MAX))


@dataclass
class _Clock:
    """The business clock of the cases: it stands still."""

    def now(self) -> datetime:
        return NOW


@dataclass
class _Context:
    db: Database
    state: _State = field(default_factory=_State)
    clock: _Clock = field(default_factory=_Clock)


class Store:
    """Opened at the first question, so that cases without events need no server."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._runner: asyncio.Runner | None = None
        self._context: _Context | None = None
        self._numbers = count(1)

    def __enter__(self) -> "Store":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def read(
        self, meter: dict[str, Any], messages: Sequence[UsageMessage], needs: Sequence[Totals]
    ) -> list[dict[Group, Decimal]]:
        """Meter these events of a new customer by a new meter, and read what each need comes to. The subject of the
        messages, their type and the meter's name are given here."""
        if self._runner is None:
            self._runner = self._stack.enter_context(asyncio.Runner())
            self._context = self._open()
        return self._runner.run(self._read(meter, messages, needs))

    def _open(self) -> _Context:
        assert self._runner is not None
        folder = self._stack.enter_context(tempfile.TemporaryDirectory(prefix="u2c-cases-"))
        server = EmbeddedPostgres(Path(folder), ServerSettings(durable=False))
        self._stack.callback(server.remove)
        secret = secrets.token_hex(8)
        url = self._runner.run(prepare(server.start().admin_url, "cases", secret))
        db = Database(role_url(url, "rating", secret), "rating")
        self._runner.run(db.open())
        runner = self._runner
        self._stack.callback(lambda: runner.run(db.close()))
        return _Context(db)

    async def _read(
        self, meter: dict[str, Any], messages: Sequence[UsageMessage], needs: Sequence[Totals]
    ) -> list[dict[Group, Decimal]]:
        context, name = self._context, f"case-{next(self._numbers)}"
        assert context is not None
        async with context.db.transaction() as uow:
            terms = MeterTerms.model_validate({**meter, "event_type": name})
            await create_meter(uow, name, terms, NOW, groups_max=GROUPS_MAX)
            customer = await create_customer(uow, CustomerDocument(external_id=name, name=name), NOW)
        await self._meter([_named(message, name) for message in messages], context)
        asked = [
            UsageAsked(customer.customer_id, Totals(name, name, need.start, need.end, need.dimensions))
            for need in needs
        ]
        async with context.db.transaction(isolation="repeatable_read") as uow:
            return await read_quantities(uow, asked)

    async def _meter(self, messages: list[UsageMessage], context: _Context) -> None:
        """Take the messages as a run of the bus, and fold them."""
        if messages:
            start = (await positions.load(context.db.pool, "rating", USAGE_EVENTS.name, 0)).offset
            end = start + len(messages)
            records = [
                Record(f"{one.source}\0{one.id}".encode(), USAGE_EVENTS.encode(one)) for one in messages
            ]
            run = Polled(USAGE_EVENTS.name, 0, start, end, records, range(start, end))
            # of a service it needs no more than this
            whole: Any = context
            await Transactions(whole, "rating").commit(SUBSCRIPTIONS[0], Decoded(run, messages, {}), Lane())
        while await fold_share(context.db, context.state.metering.fold, NOW):
            pass


def _named(message: UsageMessage, name: str) -> UsageMessage:
    """The same for a subject and a type of its own; so is its source, as ids of cases repeat."""
    return msgspec.structs.replace(message, subject=name, type=name, source=f"{name}/{message.source}")


_open: list[Store] = []


@contextmanager
def opened() -> Iterator[Store]:
    """Have a store for the answers within."""
    with Store() as store:
        _open.append(store)
        try:
            yield store
        finally:
            _open.pop()


def store() -> Store:
    """Return the store that is open."""
    return _open[-1]
