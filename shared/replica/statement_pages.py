"""Pages of statements as a service hears them: kept until all of a revision are here, then the statement is
whole."""

from collections.abc import Sequence

import msgspec

from shared.db.unit_of_work import UnitOfWork
from shared.topics.rating import STATEMENTS, StatementMessage
from shared.topics.statement_pages import joined

# A revision told again may be cut otherwise than it was: pages of two cuts are never joined.
KEEP = """
insert into {schema}.statement_pages as kept (statement_id, revision, page, pages, document)
select * from unnest($1::uuid[], $2::bigint[], $3::integer[], $4::integer[], $5::jsonb[])
on conflict (statement_id, revision, page) do update set pages = excluded.pages, document = excluded.document
    where kept.pages <> excluded.pages
returning page"""
COMPLETE = """
with complete as (
    select statement_id, revision, pages from {schema}.statement_pages where statement_id = any($1::uuid[])
    group by statement_id, revision, pages having count(*) = pages),
newest as (select distinct on (statement_id) statement_id, revision, pages from complete
    order by statement_id, revision desc)
select statement_id, document from {schema}.statement_pages join newest using (statement_id, revision, pages) order by statement_id, page"""
DROP = """
delete from {schema}.statement_pages page using unnest($1::uuid[], $2::bigint[]) as done
    (statement_id, revision)
where page.statement_id = done.statement_id and page.revision <= done.revision"""


async def hear_pages(
    uow: UnitOfWork, pages: Sequence[StatementMessage]
) -> tuple[int, list[StatementMessage]]:
    """Keep pages; return how many were new, and the statements that are complete now, each in its newest
    complete revision."""
    if not pages:
        return 0, []
    by_place = {(page.statement_id, page.revision, page.page): page for page in pages}
    kept = [by_place[place] for place in sorted(by_place)]
    new = await uow.connection.fetch(
        KEEP.format(schema=uow.schema),
        [p.statement_id for p in kept],
        [p.revision for p in kept],
        [p.page for p in kept],
        [p.pages for p in kept],
        [msgspec.Raw(STATEMENTS.encode(p)) for p in kept],
    )
    rows = await uow.connection.fetch(
        COMPLETE.format(schema=uow.schema), sorted({page.statement_id for page in pages})
    )
    found: dict[str, list[StatementMessage]] = {}
    for row in rows:
        found.setdefault(str(row["statement_id"]), []).append(
            msgspec.convert(row["document"], StatementMessage)
        )
    return len(new), [joined(of_one) for of_one in found.values()]


async def drop_pages(uow: UnitOfWork, up_to: Sequence[StatementMessage]) -> None:
    """Delete the pages of these statements up to these revisions: they are swapped in, or older than what
    is."""
    await uow.connection.execute(
        DROP.format(schema=uow.schema), [s.statement_id for s in up_to], [s.revision for s in up_to]
    )
