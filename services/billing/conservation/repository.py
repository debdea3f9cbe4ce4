"""Exceptions about breaks, in billing's own schema: the only thing conservation writes."""

from collections.abc import Sequence
from datetime import datetime

from services.billing.conservation.domain.breaks import Break, K
from shared.db import UnitOfWork
from shared.exceptions import open_exception

NAMED_MAX = 50                                            # breaks of one statement that get an exception each


async def keep_exceptions(uow: UnitOfWork, k: K, breaks: Sequence[Break], now: datetime) -> None:
    """Let the open exceptions of a statement be exactly its breaks: new ones open, gone ones resolve."""
    kind = f"conservation_break_{k.lower()}"
    named = breaks[:NAMED_MAX]
    await uow.connection.execute(
        "update billing.exceptions set resolved_at = $3 where kind = $1 and resolved_at is null and reference <> all ($2::text[])",
        kind, [broken.reference for broken in named], now,
    )
    for broken in named:
        detail = f"{broken.says} Expected {broken.expected}, found {broken.found}."
        await open_exception(uow, kind, broken.reference, detail, owner=broken.owner, now=now)
