"""Hear snapshots: of each key keep the newest revision, whole."""

from collections.abc import Callable, Hashable, Sequence
from datetime import datetime
from typing import Protocol, TypeVar

from services.signals.domain.policy import Policy
from services.signals.evaluation.usecases.enrol import enrol
from services.signals.replica.repository.replica import ReplicaRepository
from services.signals.replica.usecases.hear_activity import begin_again
from shared.db.unit_of_work import UnitOfWork
from shared.replica.chains import hear_chains
from shared.replica.statement_pages import drop_pages, hear_pages
from shared.runtime.consumer import Batch, BatchCounts
from shared.topics.rating import ContractVersionMessage, CustomerMessage, MeterMessage, StatementMessage


class Snapshot(Protocol):
    """A message that replaces those before it."""

    @property
    def revision(self) -> int: ...


M = TypeVar("M", bound=Snapshot)


async def hear_customers(
    batch: Batch[CustomerMessage], uow: UnitOfWork, now: datetime, policy: Policy
) -> BatchCounts:
    """Keep the newest, and evaluate each new one from its local today on."""
    newest = _newest(batch.messages, lambda m: m.customer_id)
    replica = ReplicaRepository(uow.connection)
    zones = await replica.timezones([m.customer_id for m in newest])
    applied = await replica.store_customers(newest)
    await begin_again(
        uow, [m.customer_id for m in newest if zones.get(m.customer_id, m.timezone) != m.timezone]
    )
    await enrol(uow, [m for m in newest if m.customer_id not in zones], now, policy)
    return BatchCounts(new=applied, duplicate=len(batch.messages) - applied)


async def hear_meters(batch: Batch[MeterMessage], uow: UnitOfWork) -> BatchCounts:
    newest = _newest(batch.messages, lambda m: m.meter)
    applied = await ReplicaRepository(uow.connection).store_meters(newest)
    return BatchCounts(new=applied, duplicate=len(batch.messages) - applied)


async def hear_contracts(batch: Batch[ContractVersionMessage], uow: UnitOfWork, now: datetime) -> BatchCounts:
    applied = await hear_chains(uow, batch.messages, now)
    return BatchCounts(new=applied, duplicate=len(batch.messages) - applied)


async def hear_statements(batch: Batch[StatementMessage], uow: UnitOfWork) -> BatchCounts:
    """Keep the newest of each that is whole. New are the pages kept and the statements replaced by one that
    came whole.

    A correction says anew what its whole period comes to, so it takes the place of what was said before; a statement
    that is of no usage of its period is passed over.
    """
    replica = ReplicaRepository(uow.connection)
    fresh = await replica.newer([message for message in batch.messages if message.is_whole])
    pages_kept, completed = await hear_pages(uow, [message for message in fresh if message.pages > 1])
    newest = _newest(
        [*(message for message in fresh if message.pages == 1), *completed],
        lambda m: (m.contract, m.period_start_us),
    )
    await replica.store_statements(newest)
    await drop_pages(uow, newest)
    new = pages_kept + sum(all(statement is not whole for whole in completed) for statement in newest)
    return BatchCounts(new=new, duplicate=len(batch.messages) - new)


def _newest(messages: Sequence[M], key: Callable[[M], Hashable]) -> list[M]:
    """Of each key the message of the newest revision."""
    return list({key(one): one for one in sorted(messages, key=lambda one: one.revision)}.values())
