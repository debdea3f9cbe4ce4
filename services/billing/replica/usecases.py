"""Hear: keep the newest of what others say, and let each draft follow its statement."""

from collections.abc import Sequence
from datetime import datetime

from services.billing.replica.domain.revisions import newest_of_each
from services.billing.replica.repository import ReplicaRepository
from shared.cases import NewCase, open_exception
from shared.db.unit_of_work import UnitOfWork
from shared.replica.chains import hear_chains
from shared.replica.statement_pages import drop_pages, hear_pages
from shared.runtime.consumer import Batch, BatchCounts
from shared.topics.rating import ContractVersionMessage, CustomerMessage, StatementMessage

OWNER = "billing operations"


async def hear_statements(batch: Batch[StatementMessage], uow: UnitOfWork, now: datetime) -> BatchCounts:
    """Replace each statement by its newest revision, whole, and its draft with it. New are the statements
    replaced and the pages kept."""
    replica = ReplicaRepository(uow.connection)
    whole = [message for message in batch.messages if message.pages == 1]
    pages_kept, completed = await hear_pages(
        uow, await replica.newer([message for message in batch.messages if message.pages > 1])
    )
    newest = newest_of_each([*whole, *completed])
    replaced = await replica.replace_statements(newest)
    await drop_pages(uow, newest)
    await replica.replace_drafts([statement for statement in newest if statement.statement_id in replaced])
    for statement in await replica.after_final(
        [statement for statement in newest if statement.statement_id not in replaced]
    ):
        await _report_after_final(statement, uow, now)
    joined_ids = {id(statement) for statement in completed}
    new = pages_kept + sum(
        statement.statement_id in replaced and id(statement) not in joined_ids for statement in newest
    )
    return BatchCounts(new=new, duplicate=len(batch.messages) - new)


async def hear_customers(batch: Batch[CustomerMessage], uow: UnitOfWork) -> BatchCounts:
    """Keep the newest revision of each customer."""
    new = await ReplicaRepository(uow.connection).replace_customers(_newest(batch.messages))
    return BatchCounts(new=new, duplicate=len(batch.messages) - new)


async def hear_contracts(batch: Batch[ContractVersionMessage], uow: UnitOfWork, now: datetime) -> BatchCounts:
    """Keep the newest revision of each contract and of each of its versions."""
    new = await hear_chains(uow, batch.messages, now)
    return BatchCounts(new=new, duplicate=len(batch.messages) - new)


async def _report_after_final(statement: StatementMessage, uow: UnitOfWork, now: datetime) -> None:
    """A final statement is a fact, so a newer revision of it is somebody's fault and must be seen."""
    await open_exception(
        uow,
        NewCase(
            "statement_after_final",
            f"{statement.contract}:{statement.period_start_date}",
            f"revision {statement.revision} of statement {statement.statement_id} came after the final one and was not taken",
            owner=OWNER,
            amount_minor=statement.subtotal_minor,
            currency=statement.currency,
        ),
        now,
    )


def _newest(messages: Sequence[CustomerMessage]) -> list[CustomerMessage]:
    newest: dict[str, CustomerMessage] = {}
    for message in messages:
        other = newest.get(message.customer_id)
        if other is None or other.revision < message.revision:
            newest[message.customer_id] = message
    return [newest[name] for name in sorted(newest)]
