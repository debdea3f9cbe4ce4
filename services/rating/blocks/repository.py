"""All SQL of blocks: held, granted, drawn on and read."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Final

import asyncpg

from services.rating.blocks.domain.costs import CostedBlock
from services.rating.blocks.domain.found import FoundBlock
from services.rating.blocks.rows import (
    AskedBeforehand,
    BlockContract,
    BlockFilter,
    DueBeforehand,
    HeldBlock,
    LastingRow,
    NewBlock,
    NewRow,
    StoredRow,
    ToldBeforehand,
)
from shared.db.columns import insert, names_of, read, update
from shared.db.filters import narrowed

NEW: Final = insert("rating.blocks", NewBlock, ignore_known=True)
NEW_CONTRACTS: Final = insert("rating.block_contracts", BlockContract, ignore_known=True)
#: Answers those that stay as they are: a statement's own are replaced with it.
NEW_ROWS: Final = insert("rating.block_rows", NewRow).returning(
    "case when period_start is null then row_id end as lasting"
)
NEW_ASKED: Final = insert("rating.asked_beforehand", AskedBeforehand, ignore_known=True)
TOLD: Final = update("rating.asked_beforehand", ToldBeforehand, key=("contract", "occasion"))
#: What of the rows of a block is what it was granted: the rest is drawn, or lapsed, and may come back.
#: What a statement takes of one and gives to another is as good as drawn.
_GRANTED: Final = "r.kind in ('grant', 'refund') or r.kind = 'adjustment' and r.period_start is null"
_BLOCK: Final = """b.block_id, b.customer_id, b.key, b.kind, b.currency, b.effective, b.ends, b.created_at, b.priority,
    b.draw_class, b.applies_to, b.clauses, b.over, b.document, b.returned_from, b.cost_basis,
    b.voided, b.by_correction, (
        case when b.asked_for then summed.of_clause_or_call else 0 end
        - case when b.asked_for then coalesce((select sum(coalesce(a.granted_minor, a.amount_minor))
            from rating.asked_beforehand a where a.block_id = b.block_id), 0) else 0 end)::bigint as unasked_minor,
    (select coalesce(array_agg(c.contract order by c.position), '{}') from rating.block_contracts c
        where c.block_id = b.block_id) as contracts"""
_SUMS: Final = """summed.granted_minor, summed.bought_minor, summed.left_minor, summed.lapsed_minor,
    summed.lapsed_unasked_minor"""
_SUMMED: Final = f"""cross join lateral (
        select coalesce(sum(r.amount_minor) filter (where {_GRANTED}), 0)::bigint as granted_minor,
            coalesce(sum(r.amount_minor) filter (where r.kind = 'grant'), 0)::bigint as bought_minor,
            coalesce(sum(r.amount_minor) filter (
                where r.kind = 'grant' and r.period_start is null), 0)::bigint as of_clause_or_call,
            coalesce(-sum(r.amount_minor) filter (
                where r.kind in ('expiry', 'revived')), 0)::bigint as lapsed_minor,
            coalesce(-sum(r.unasked_minor), 0)::bigint as lapsed_unasked_minor,
            coalesce(sum(r.amount_minor), 0)::bigint as left_minor
        from rating.block_rows r where r.block_id = b.block_id) summed"""
# Its rows are read once it is held: a statement that waits has the sums of before.
_HOLD_ONE: Final = "select from rating.blocks where block_id = $1 for update"
_ONE: Final = f"select {_BLOCK}, {_SUMS} from rating.blocks b {_SUMMED} where b.block_id = $1"
_FOUND: Final = """select b.block_id, b.key, b.kind, b.currency, cu.external_id as customer, (
        select coalesce(array_agg(c.contract order by c.position), '{}') from rating.block_contracts c
        where c.block_id = b.block_id) as contracts, b.effective, b.ends, b.created_at, b.priority, b.applies_to,
    b.clauses, b.over, b.reason, b.document, b.returned_from, b.cost_basis, (
        select -sum(r.cost_minor)::bigint from rating.block_rows r
        where r.block_id = b.block_id and r.kind = 'refund') as refund_cost_minor, (
        select sum(r.cost_minor)::bigint from rating.block_rows r where r.block_id = b.block_id) as cost_left_minor, (
        select coalesce(jsonb_object_agg(kind, minor), '{}'::jsonb) from (
            select r.kind, sum(r.amount_minor)::bigint as minor from rating.block_rows r
            where r.block_id = b.block_id group by 1) summed) as sums
    from rating.blocks b join rating.customers cu using (customer_id)"""
_CONDITIONS: Final = {
    "contract": "exists (select from rating.block_contracts c where c.block_id = b.block_id and c.contract = {})",
    "customer": "cu.external_id = {}",
}
#: No period of a contract that draws on it begins in its time and is open, or is still to be opened.
_OVER: Final = """not b.over and b.ends <= $1 and not exists (
        select from rating.block_contracts c join rating.periods p using (contract)
        where c.block_id = b.block_id and not p.final and p.period_start < b.ends)
    and not exists (
        select from rating.block_contracts c join rating.contracts k using (contract)
        where c.block_id = b.block_id and k.next_period_at < b.ends)"""
_HOLD_OVER: Final = f"""
    with held as materialized (
        select b.* from rating.blocks b
        where {_OVER} and ($3::text[] is null
            or b.block_id in (select block_id from rating.block_contracts where contract = any($3)))
        order by b.block_id limit $2 for update of b)
    select {_BLOCK}, {_SUMS} from held b {_SUMMED} order by b.block_id"""
#: Of the rows of one statement at one instant: whether `{row}`, of block `{block}`, is about what that block begins with.
_BEGINS: Final = "{block}.effective = {row}.at"
#: Whether rows r and g, of blocks b and gb, are of one statement and instant, and those blocks of one clause or call.
_TOGETHER: Final = """(g.contract, g.period_start, g.statement_id, g.at) = (r.contract, r.period_start, r.statement_id, r.at)
            and g.kind in ('grant', 'adjustment') and g.block_id <> r.block_id and gb.clauses = b.clauses"""
# What a statement hands on from one block to another stays as it is once it is final, and so does what a correction changes
# of that. What the one gives up, or has back, is told with what the other has more or less of it.
_LASTING: Final = f"""select r.row_id, r.block_id, r.kind, r.amount_minor, b.kind as block_kind,
        coalesce(r.contract, (select c.contract from rating.block_contracts c where c.block_id = r.block_id
            order by c.position limit 1)) as contract,
        b.customer_id, cu.external_id as customer, b.currency, r.at, r.recorded_at, r.cause,
        b.asked_for and r.kind in ('grant', 'void') and r.period_start is null as asked_for, r.period_start,
        given.block_id as carried_from, coalesce(given.minor, 0)::bigint as carried_minor,
        coalesce(round(r.unasked_minor * coalesce(r.cost_minor, r.amount_minor)::numeric / r.amount_minor), 0)::bigint
            as unasked_minor, r.cost_minor
    from rating.block_rows r join rating.blocks b using (block_id) join rating.customers cu using (customer_id)
    left join rating.periods p on (p.contract, p.period_start) = (r.contract, r.period_start)
    left join lateral (
        select g.block_id, -coalesce(g.cost_minor, g.amount_minor) as minor
        from rating.block_rows g join rating.blocks gb using (block_id)
        where {_TOGETHER} and not {_BEGINS.format(row="g", block="gb")}
            and (b.returned_from is null or b.returned_from = g.block_id)
    ) given on {_BEGINS.format(row="r", block="b")}
    where r.kind not in ('draw', 'return') and (r.period_start is null or p.final and r.kind in ('grant', 'adjustment')
        and ({_BEGINS.format(row="r", block="b")} or not exists (
            select from rating.block_rows g join rating.blocks gb using (block_id)
            where {_TOGETHER} and {_BEGINS.format(row="g", block="gb")}
                and (gb.returned_from is null or gb.returned_from = r.block_id))))"""


def _of_contracts(held: str) -> str:
    return f"""
    with held as materialized (
        select b.* from rating.blocks b
        where b.block_id in (select block_id from rating.block_contracts where contract = any($1::text[]))
            and (b.ends is null or b.ends > $2 or b.block_id in (
                select block_id from rating.block_rows where contract = any($1::text[]) and period_start >= $2))
        order by b.block_id {held})
    select {_BLOCK}, {_SUMS} from held b {_SUMMED} order by b.block_id"""


class BlockRepository:
    """The tables `blocks`, `block_contracts` and `block_rows`."""

    def __init__(self, connection: "asyncpg.Connection | asyncpg.Pool") -> None:
        self.connection = connection

    async def shared_by(self, contracts: Sequence[str]) -> set[str]:
        """The contracts that draw on a block which one of these draws on, these left out unless they share one."""
        rows = await self.connection.fetch(
            """select distinct other.contract from rating.block_contracts own
                join rating.block_contracts other using (block_id)
               where own.contract = any($1::text[])""",
            list(contracts),
        )
        return {row["contract"] for row in rows}

    async def hold(self, contracts: Sequence[str], since: datetime) -> list[HeldBlock]:
        """Hold the blocks that these contracts draw on and that end after an instant, or were drawn on in a period that
        begins then or later, before a call ended them; in the order of their ids. Whoever moved the revision of one since this
        snapshot was taken makes it collide."""
        rows = await self.connection.fetch(_of_contracts("for update of b"), list(contracts), since)
        return [HeldBlock(**row) for row in rows]

    async def look(self, contracts: Sequence[str], since: datetime) -> list[HeldBlock]:
        """The same without holding them."""
        rows = await self.connection.fetch(_of_contracts(""), list(contracts), since)
        return [HeldBlock(**row) for row in rows]

    async def of_statements(self, blocks: Sequence[str]) -> list[StoredRow]:
        """The rows of these blocks that statements made, in the order they were made in."""
        rows = await self.connection.fetch(
            f"""select {names_of(StoredRow)} from rating.block_rows
                where block_id = any($1::text[]) and period_start is not null order by row_id""",
            list(blocks),
        )
        return [StoredRow(**row) for row in rows]

    async def drafts_on(self, blocks: Sequence[str]) -> set[tuple[str, datetime]]:
        """(contract, period start) of the open statements that draw on these blocks."""
        rows = await self.connection.fetch(
            """select distinct contract, period_start from rating.block_rows join rating.periods p
                using (contract, period_start) where block_id = any($1::text[]) and not p.final""",
            list(blocks),
        )
        return {(row["contract"], row["period_start"]) for row in rows}

    async def overdrawn(self, contracts: Sequence[str]) -> bool:
        """Whether more is drawn than there is on a block that one of these contracts draws on."""
        found: bool = await self.connection.fetchval(
            """select exists (select from rating.block_rows where block_id in (
                select block_id from rating.block_contracts where contract = any($1::text[]))
                group by block_id having sum(amount_minor) < 0)""",
            list(contracts),
        )
        return found

    async def add(self, blocks: Sequence[NewBlock], contracts: Sequence[BlockContract]) -> None:
        if not blocks:
            return
        await self.connection.execute(NEW.sql, *NEW.columns_of(blocks))
        await self.connection.execute(NEW_CONTRACTS.sql, *NEW_CONTRACTS.columns_of(contracts))

    async def begin_late(self, blocks: Sequence[str], until: datetime) -> None:
        """Say that a correction was the first to let something roll over to these blocks, and that they can be used until
        then at least."""
        if blocks:
            await self.connection.execute(
                """update rating.blocks set by_correction = true, over = false, ends = greatest(ends, $2)
                   where block_id = any($1::text[])""",
                list(blocks),
                until,
            )

    async def costed(self, blocks: Collection[str]) -> dict[str, CostedBlock]:
        """Those of these blocks that have a cost basis, with what stays as it is of their rows."""
        rows = await self.connection.fetch(
            """select b.block_id, b.cost_basis, b.clauses, b.returned_from,
                coalesce(sum(r.amount_minor) filter (where r.cost_minor is not null), 0)::bigint as settled_minor,
                coalesce(sum(r.cost_minor), 0)::bigint as cost_minor
               from rating.blocks b left join rating.block_rows r using (block_id)
               where b.block_id = any($1::text[]) and b.cost_basis is not null group by b.block_id""",
            sorted(blocks),
        )
        return {row["block_id"]: CostedBlock(**row) for row in rows}

    async def insert_rows(self, rows: Sequence[NewRow]) -> list[int]:
        """Insert rows, and return the ids of those that stay as they are: who writes them tells them (`write_rows` of
        `services/rating/blocks/usecases/tell_rows.py`)."""
        if not rows:
            return []
        found = await self.connection.fetch(NEW_ROWS.sql, *NEW_ROWS.columns_of(rows))
        return [row["lasting"] for row in found if row["lasting"] is not None]

    async def lasting(self, row_ids: Sequence[int]) -> list[LastingRow]:
        rows = await self.connection.fetch(
            f"{_LASTING} and r.row_id = any($1::bigint[]) order by r.row_id", list(row_ids)
        )
        return [LastingRow(**row) for row in rows]

    async def lasting_of(self, contracts: Sequence[str], starts: Sequence[datetime]) -> list[LastingRow]:
        """What final statements of these contracts and periods have handed on."""
        rows = await self.connection.fetch(
            f"""{_LASTING} and (r.contract, r.period_start) in (select * from unnest($1::text[], $2::timestamptz[]))
                order by r.row_id""",
            list(contracts),
            list(starts),
        )
        return [LastingRow(**row) for row in rows]

    async def lasting_after(self, row_id: int, limit: int) -> list[LastingRow]:
        """Rows that stay as they are, in the order they were made in, after this one."""
        rows = await self.connection.fetch(
            f"{_LASTING} and r.row_id > $1 order by r.row_id limit $2", row_id, limit
        )
        return [LastingRow(**row) for row in rows]

    async def remove(self, row_ids: Sequence[int]) -> None:
        """Delete draws that an open statement made: its next revision makes its own."""
        if row_ids:
            await self.connection.execute(
                "delete from rating.block_rows where row_id = any($1::bigint[])", list(row_ids)
            )

    async def move(self, blocks: Collection[str]) -> None:
        """Move the revision of blocks whose balance changed."""
        if not blocks:
            return
        await self.connection.execute(
            "update rating.blocks set revision = revision + 1 where block_id = any($1::text[])",
            sorted(blocks),
        )

    async def adjust(self, block: str, minor: int, *, may_be_negative: bool) -> None:
        """Say that a call added so much to a block, or took it off, and whether that may take it below zero."""
        await self.connection.execute(
            """update rating.blocks set granted_minor = granted_minor + $2, may_be_negative = may_be_negative or $3
               where block_id = $1""",
            block,
            minor,
            may_be_negative,
        )

    async def close(self, blocks: Collection[str]) -> None:
        """Say that what was left of these blocks at their end has been taken off them."""
        if not blocks:
            return
        await self.connection.execute(
            "update rating.blocks set over = true where block_id = any($1::text[])", sorted(blocks)
        )

    async def hold_over(
        self, now: datetime, limit: int | None = None, contracts: Sequence[str] | None = None
    ) -> list[HeldBlock]:
        """Hold blocks whose time is over by `now`, and in whose time no period of any of their contracts begins that is
        not final: those that these contracts draw on, or all of them."""
        rows = await self.connection.fetch(_HOLD_OVER, now, limit, contracts and list(contracts))
        return [HeldBlock(**row) for row in rows]

    async def is_any_over(self, now: datetime) -> bool:
        """Whether there is such a block."""
        found: bool = await self.connection.fetchval(
            f"select exists (select from rating.blocks b where {_OVER})", now
        )
        return found

    async def ask_others(
        self, blocks: Sequence[str], contracts: Sequence[str], starts: Sequence[datetime]
    ) -> None:
        """Ask for the open statements that draw on these blocks, or did before a call ended them, to be priced again, but for
        these."""
        if not blocks:
            return
        await self.connection.execute(
            """insert into rating.stale (contract, period_start)
               select distinct p.contract, p.period_start
               from rating.blocks b join rating.block_contracts c using (block_id)
                join rating.periods p using (contract)
               where b.block_id = any($1::text[]) and not p.final and p.period_end > b.effective
                and (b.ends is null or p.period_start < b.ends or exists (
                    select from rating.block_rows r where r.block_id = b.block_id
                        and (r.contract, r.period_start) = (p.contract, p.period_start)))
                and (p.contract, p.period_start) not in (select * from unnest($2::text[], $3::timestamptz[]))""",
            list(blocks),
            list(contracts),
            list(starts),
        )

    async def ask_beforehand(self, asked: Sequence[AskedBeforehand]) -> None:
        """Keep what is asked for beforehand until it is due; what is known stays."""
        if asked:
            await self.connection.execute(NEW_ASKED.sql, *NEW_ASKED.columns_of(asked))

    async def unasked(self, contract: str, before: datetime) -> list[HeldBlock]:
        """The blocks that calls granted, this contract first, that begin before an instant, and whose document is not
        asked for yet."""
        rows = await self.connection.fetch(
            f"""select {_BLOCK}, {_SUMS}
                from rating.block_contracts own join rating.blocks b using (block_id) {_SUMMED}
                where own.contract = $1 and own.position = 0 and b.document = 'prepayment' and not b.over
                    and b.effective < $2 and not exists (
                        select from rating.asked_beforehand a where a.block_id = b.block_id)
                order by b.block_id""",
            contract,
            before,
        )
        return [HeldBlock(**row) for row in rows]

    async def period_of(self, contract: str, instant: datetime) -> datetime | None:
        """The start of the first of a contract's periods that ends after an instant; None: it is not open yet."""
        start: datetime | None = await self.connection.fetchval(
            "select min(period_start) from rating.periods where contract = $1 and period_end > $2",
            contract,
            instant,
        )
        return start

    async def take_back_asked(self, block_id: str) -> bool:
        """Ask for a block beforehand no more; return whether its document was not told before."""
        await self.connection.execute(
            "delete from rating.asked_beforehand where block_id = $1 and said is null", block_id
        )
        return not await self.is_told(block_id)

    async def is_told(self, block_id: str) -> bool:
        """Whether a document that asks for the block was told."""
        found: bool = await self.connection.fetchval(
            "select exists (select from rating.asked_beforehand where block_id = $1 and said is not null)",
            block_id,
        )
        return found

    async def due_beforehand(self, now: datetime, limit: int) -> list[DueBeforehand]:
        """Hold what is due by now and not told, the oldest first; what somebody else holds is left out."""
        rows = await self.connection.fetch(
            f"""select {names_of(AskedBeforehand, "a")}, c.customer_id, cu.external_id as customer
                from rating.asked_beforehand a join rating.contracts c using (contract)
                join rating.customers cu on cu.customer_id = c.customer_id
                where a.said is null and a.due_at <= $1 order by a.due_at, a.contract, a.occasion limit $2
                for update of a skip locked""",
            now,
            limit,
        )
        return [read(DueBeforehand, row, clause_id=str(row["clause_id"])) for row in rows]

    async def is_due_beforehand(self, now: datetime) -> bool:
        found: bool = await self.connection.fetchval(
            "select exists (select from rating.asked_beforehand where said is null and due_at <= $1)", now
        )
        return found

    async def told_beforehand(self, told: Sequence[ToldBeforehand]) -> None:
        await self.connection.execute(TOLD.sql, *TOLD.columns_of(told))

    async def said_beforehand(self, contracts: Sequence[str], starts: Sequence[datetime]) -> list[str]:
        """What was said of these contracts and periods: each a StatementMessage as JSON text."""
        rows = await self.connection.fetch(
            """select said from rating.asked_beforehand
                join unnest($1::text[], $2::timestamptz[]) as asked (contract, period_start)
                    using (contract, period_start)
               where said is not null order by contract, due_at, occasion for share of asked_beforehand""",
            list(contracts),
            list(starts),
        )
        return [row["said"] for row in rows]

    async def is_billed(self, block_id: str) -> bool:
        """Whether a final statement has drawn on it."""
        found: bool = await self.connection.fetchval(
            """select exists (select from rating.block_rows r join rating.periods p using (contract, period_start)
                where r.block_id = $1 and r.kind = 'draw' and p.final)""",
            block_id,
        )
        return found

    async def hold_one(self, block_id: str) -> HeldBlock | None:
        """Hold a block, whatever became of it."""
        await self.connection.execute(_HOLD_ONE, block_id)
        row = await self.connection.fetchrow(_ONE, block_id)
        return None if row is None else HeldBlock(**row)

    async def end(self, block_id: str, at: datetime, *, voided: bool) -> None:
        """Let a block end at an instant, whatever is left of it."""
        await self.connection.execute(
            "update rating.blocks set ends = $2, over = true, voided = $3 where block_id = $1",
            block_id,
            at,
            voided,
        )

    async def count_of(self, contracts: Sequence[str], now: datetime) -> dict[str, int]:
        """Contract → how many blocks it draws on that have not ended. These contracts get no other block by a call before
        this transaction ends: two calls at once would each find room."""
        await self.connection.execute(
            "select from rating.contracts where contract = any($1::text[]) order by contract for no key update",
            list(contracts),
        )
        rows = await self.connection.fetch(
            """select c.contract, count(*)::int as blocks from rating.block_contracts c
                join rating.blocks b using (block_id)
               where c.contract = any($1::text[]) and (b.ends is null or b.ends > $2) group by 1""",
            list(contracts),
            now,
        )
        return {row["contract"]: row["blocks"] for row in rows}

    async def blocks(self, limit: int, after: str, wanted: BlockFilter) -> list[FoundBlock]:
        """Blocks by id, after this one."""
        where = narrowed(wanted, _CONDITIONS, "b").also("b.block_id > {}", after)
        rows = await self.connection.fetch(
            f"{_FOUND} where {where.sql} order by b.block_id limit {limit:d}", *where.parameters
        )
        return [FoundBlock(**row) for row in rows]

    async def rows(self, block_id: str, after: int, limit: int) -> list[StoredRow]:
        """The changes of a block's balance in the order they were made in, after this one."""
        rows = await self.connection.fetch(
            f"""select {names_of(StoredRow)} from rating.block_rows
                where block_id = $1 and row_id > $2 order by row_id limit $3""",
            block_id,
            after,
            limit,
        )
        return [StoredRow(**row) for row in rows]
