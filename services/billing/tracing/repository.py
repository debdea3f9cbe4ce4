"""All SQL of traces: what was heard of contracts, and what became of documents."""

from datetime import date

import asyncpg
import msgspec

from services.billing.tracing.rows import HistoryRow
from shared.replica.chains import chain_of
from shared.topics.rating import ContractVersion


async def versions_of(connection: asyncpg.Connection, contract: str) -> list[ContractVersion]:
    """Return the versions of a contract as heard, oldest first, up to the first gap; [] for one that was not
    heard of."""
    found = await connection.fetchval(f"select {chain_of('billing', '$1')}", contract)
    return msgspec.convert(found or [], list[ContractVersion])


#: Of each act of the API its audit row; of what runs by itself the row that it left. A statement is told when its revision
#: says: a revision is of the machine clock.
_HISTORY = """
    select created_at as at, 'drafted' as what, null as by, null as of, null::bigint as revision, null as said
        from billing.documents where document_id = $1
    union all
    select to_timestamp(revision / 1000000.0), case when final then 'closed' else 'revised' end, null,
        statement_id::text, revision, null from billing.document_statements where document_id = $1
    union all
    select at, case when after ->> 'hold' is not null and before ->> 'hold' is null then 'held'
            when after ->> 'hold' is null and before ->> 'hold' is not null then 'released'
            when after ->> 'approval' is distinct from before ->> 'approval' then 'approved' else 'seen' end,
        actor, null, null, case when after ->> 'approval' is distinct from before ->> 'approval' then null
            when (after ->> 'hold' is null) = (before ->> 'hold' is null) then after #>> '{seen,total}'
            else coalesce(after #>> '{hold,reason}', before #>> '{hold,reason}') end
        from billing.audit where object = 'document' and object_id = $1
    union all
    select entry.created_at, 'numbered', null, document.number, null, null
        from billing.documents document join billing.journal_entries entry
            on (entry.source_kind, entry.source_id, entry.event) = ('document', document.document_id, 'finalized')
        where document.document_id = $1 and document.number is not null
    union all
    select created_at, 'posted', null, entry_id, null, description
        from billing.journal_entries where source_kind = 'document' and source_id = $1
"""
_ORDER = """array_position(array['drafted', 'revised', 'seen', 'closed', 'held', 'released', 'approved', 'numbered', 'posted'],
    what)"""


async def history_of(connection: asyncpg.Connection, document_id: str) -> list[HistoryRow]:
    """What became of a document, the oldest first."""
    rows = await connection.fetch(
        f"select * from ({_HISTORY}) happened order by at, {_ORDER}, of", document_id
    )
    return [HistoryRow(**row) for row in rows]


async def documents_of_periods(
    connection: asyncpg.Connection, contract: str, until: date, periods_max: int
) -> list[str]:
    """The documents of a contract's last periods up to the one that begins on this day, and of the notes about them."""
    rows = await connection.fetch(
        """with periods as (select period_start from billing.documents
               where contract = $1 and occasion = 'period' and start_date <= $2
               order by period_start desc limit $3)
           select document.document_id from periods join billing.documents document using (period_start)
           where document.contract = $1 and (document.occasion = 'period' or document.occasion like 'note:%')""",
        contract,
        until,
        periods_max,
    )
    return [row["document_id"] for row in rows]
