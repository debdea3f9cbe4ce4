"""All SQL of reviews."""

from collections.abc import Sequence

import asyncpg
import msgspec

from services.billing.documents.domain.kinds import KINDS
from services.billing.documents.domain.reviewed import AWAITING_APPROVAL, Approval, Hold, Seen
from services.billing.reviews.domain.policy import OFF, VERSION_MAX, ReviewPolicy
from services.billing.reviews.rows import PolicyRow, ReviewedDocument
from shared.db.columns import insert, names_of, read

POLICIES = insert("billing.review_policies", PolicyRow)
#: The lock of who adds a version, shared by those who number drafts.
TURN = 0x75327270


class ReviewRepository:
    """What people say of drafts, in the drafts' rows."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection

    async def lock(self, document_ids: Sequence[str]) -> dict[str, ReviewedDocument]:
        """Lock these documents until the transaction ends, in the order of their ids, and return what each is then."""
        await self._connection.execute(
            """select from billing.documents where document_id = any($1) order by document_id for update""",
            list(document_ids),
        )
        rows = await self._connection.fetch(
            """select document.*, (select jsonb_object_agg(statement_id::text, revision)
                   from billing.document_statements where document_id = document.document_id) as revisions
               from billing.documents document where document_id = any($1)""",
            list(document_ids),
        )
        return {row["document_id"]: _reviewed(row) for row in rows}

    async def hold(self, document_id: str, hold: Hold, obstacle: str) -> None:
        await self._connection.execute(
            """update billing.documents set hold = $2, obstacle = $3, held_until = clock_timestamp()
               where document_id = $1""",
            document_id,
            hold,
            obstacle,
        )

    async def release(self, document_id: str) -> None:
        """Let the gate look at it again, at once."""
        await self._connection.execute(
            """update billing.documents set hold = null, obstacle = null, held_until = clock_timestamp()
               where document_id = $1""",
            document_id,
        )

    async def approve(self, document_id: str, approval: Approval) -> None:
        """Keep the approval, and let the gate look at the draft again, at once."""
        await self._connection.execute(
            """update billing.documents set approval = $2, obstacle = null, held_until = clock_timestamp()
               where document_id = $1""",
            document_id,
            approval,
        )

    async def mark_seen(self, document_id: str, seen: Seen) -> None:
        await self._connection.execute(
            "update billing.documents set seen = $2 where document_id = $1", document_id, seen
        )

    async def look_again(self) -> None:
        """Let the gate look at once at what waits for approval: the policy has changed."""
        await self._connection.execute(
            """update billing.documents set held_until = clock_timestamp()
               where document_id in (select document_id from billing.documents
                   where state = $1 and status = 'draft' order by document_id for update)""",
            AWAITING_APPROVAL,
        )


class PolicyRepository:
    """The versions of the policy, which are history."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection

    async def in_force(self) -> ReviewPolicy:
        """The newest version; OFF before the first."""
        return next(iter(await self.newest_first(None, 1)), OFF)

    async def in_force_until_commit(self) -> ReviewPolicy:
        """The newest version, and none comes before the transaction has ended. Ask before any draft is locked."""
        await self._connection.execute("select pg_advisory_xact_lock_shared($1)", TURN)
        return await self.in_force()

    async def newest_first(self, before: int | None, rows_max: int) -> list[ReviewPolicy]:
        rows = await self._connection.fetch(
            f"""select {names_of(PolicyRow)} from billing.review_policies
                where version < $1 order by version desc limit $2""",
            VERSION_MAX if before is None else before,
            rows_max,
        )
        return [read(ReviewPolicy, row) for row in rows]

    async def add(self, policy: PolicyRow) -> None:
        """Add it once nobody numbers drafts by the version before. Raises a unique violation where that is taken."""
        await self._connection.execute("select pg_advisory_xact_lock($1)", TURN)
        await self._connection.execute(POLICIES.sql, *POLICIES.columns_of([policy]))


def _reviewed(row: asyncpg.Record) -> ReviewedDocument:
    return read(
        ReviewedDocument,
        row,
        kind=KINDS[row["kind"]],
        hold=msgspec.convert(row["hold"], Hold | None),
        approval=msgspec.convert(row["approval"], Approval | None),
        seen=msgspec.convert(row["seen"], Seen | None),
        revisions=row["revisions"] or {},
    )
