"""What the last period came to is kept in drafts of periods: once one is made, and once one is final."""

from asyncpg.connection import LoggedQuery

from services.billing.replica.usecases import hear_statements
from shared.db.unit_of_work import Database
from shared.runtime.clock import from_us
from shared.topics.rating import StatementMessage
from shared.values.ids import statement_id
from tests.services.billing.statements import NOW, batch_of, statement_of


async def _looks_back(db: Database, *heard: StatementMessage) -> bool:
    """Whether hearing these asks what came before."""
    asked: list[LoggedQuery] = []
    async with db.transaction() as uow:
        with uow.connection.query_logger(asked.append):
            await hear_statements(batch_of(heard), uow, NOW)
    return any("previous_minor" in one.query for one in asked)


async def test_notes_and_revisions_ask_nothing_of_the_last_period(db: Database) -> None:
    first = statement_of(final=True)
    start = from_us(first.period_start_us)
    note = statement_of(final=True, occasion="note:1", statement_id=statement_id("ua-2013", start, "note:1"))
    assert await _looks_back(db, first)
    assert not await _looks_back(db, note)
    assert await _looks_back(db, statement_of(month=2))
    assert not await _looks_back(db, statement_of(month=2, revision=2))
    assert await _looks_back(db, statement_of(month=2, revision=3, final=True))
    assert [
        tuple(row)
        for row in await db.pool.fetch(
            "select occasion, previous_minor from billing.documents order by period_start, occasion"
        )
    ] == [("note:1", None), ("period", None), ("period", first.subtotal_minor)]
