"""Correct final periods before anything open is priced: what is late is older than what is drafted, and draws on blocks
before it, whatever drafts were priced meanwhile."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime

from services.rating.blocks.repository import BlockRepository
from services.rating.corrections.rows import Place
from services.rating.corrections.usecases.correct import correct
from services.rating.corrections.usecases.price_again import Correction
from services.rating.statements.usecases.draw_on_blocks import name_of
from services.rating.statements.usecases.price import Outcome
from shared.db.unit_of_work import UnitOfWork


class _Overdrawn(Exception):
    """Drafts that cannot be priced keep draws that corrections took too."""

    def __init__(self, drafts: frozenset[Place]) -> None:
        super().__init__(drafts)
        self.drafts = drafts


async def correct_first(
    uow: UnitOfWork,
    contracts: Sequence[str],
    now: datetime,
    price: Callable[[Sequence[Correction]], Awaitable[Outcome]],
) -> tuple[list[Correction], Outcome]:
    """Correct the final periods of these contracts that are marked, then `price` the drafts that were asked for by that:
    in the same transaction, so that no block is below zero when it commits.

    A draft that cannot be priced keeps what it drew, and all is corrected again without that.
    """
    keeping: frozenset[Place] = frozenset()
    while True:
        try:
            async with uow.attempt():
                made = await correct(uow, contracts, now, keeping)
                outcome = await price(made)
                failed = frozenset(name_of(due) for due, _ in outcome.held) - keeping
                if made and failed and await BlockRepository(uow.connection).overdrawn(contracts):
                    raise _Overdrawn(failed)
                return made, outcome
        except _Overdrawn as fault:
            keeping |= fault.drafts
