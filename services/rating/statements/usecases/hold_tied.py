"""Hold what is priced with a statement, since it draws on the same: the later open periods of its contract, and what is
asked for of the contracts that share a block with it."""

from collections.abc import Sequence

from services.rating.blocks.repository import BlockRepository
from services.rating.contracts.memory import Chain
from services.rating.statements.repository.statements import StatementRepository
from services.rating.statements.rows import ClaimedPeriod
from shared.db.unit_of_work import UnitOfWork


class HeldElsewhere(Exception):
    """Somebody else holds what has to be priced with a statement; all of it is tried again."""


async def hold_tied(
    uow: UnitOfWork, rows: Sequence[ClaimedPeriod], chains: dict[str, Chain]
) -> list[ClaimedPeriod]:
    """Return these rows, which this transaction holds, and those that are priced with them. It waits for nobody, as two
    could wait for each other. Raises HeldElsewhere."""
    blocks, statements = BlockRepository(uow.connection), StatementRepository(uow.connection)
    contracts = {row.contract for row in rows}
    sharing = await blocks.shared_by(sorted(contracts))
    drawing = sharing | {name for name in contracts if _draws(chains[name])}
    if not drawing:
        return list(rows)
    further = sharing - contracts
    while further:
        further = await blocks.shared_by(sorted(further)) - drawing
        drawing |= further
    more = drawing - contracts
    first = await statements.first_asked(sorted(more)) if more else {}
    for row in rows:
        if row.contract in drawing:
            first[row.contract] = min(row.period_start, first.get(row.contract, row.period_start))
    held = {(row.contract, row.period_start): row for row in rows}
    wanted = [name for name in await statements.open_from(first) if name not in held]
    tied = await statements.hold_free(wanted)
    if len(tied) < len(wanted):
        raise HeldElsewhere
    return [*rows, *tied]


def _draws(chain: Chain) -> bool:
    """Whether the contract has blocks by its clauses."""
    return any(version.terms.commitments or version.terms.credits for version in chain)
