"""Correct final periods that are marked, and tell the notes that ask for the differences.

Its caller is behind the barrier, so that all that was acknowledged before is in it, and holds who owns which subject.
"""

from collections import Counter
from collections.abc import Collection, Sequence
from datetime import datetime

import structlog

from services.rating.contracts.memory import load_chains
from services.rating.contracts.repository import ContractRepository
from services.rating.corrections.repository import CorrectionRepository
from services.rating.corrections.rows import Place
from services.rating.corrections.usecases.change_draws import CorrectedDraws, change_draws
from services.rating.corrections.usecases.find_counting import find_counting
from services.rating.corrections.usecases.price_again import Correction, PricedAgain, price_again
from services.rating.statements.domain.due import DueStatement
from services.rating.statements.domain.message import pages_of
from services.rating.statements.usecases.draw_on_blocks import Drawing
from shared.cases import NewCase, open_exception, resolve_exceptions
from shared.db.unit_of_work import UnitOfWork
from shared.errors import AppError
from shared.runtime import failpoints
from shared.topics.rating import STATEMENTS

log = structlog.get_logger()
CORRECTION_FAILED = "correction_failed"
OWNER = "finance"


async def correct(
    uow: UnitOfWork, contracts: Sequence[str], now: datetime, keeping: Collection[Place] = ()
) -> list[Correction]:
    """Correct the final periods of these contracts that are marked, oldest first; return what was written. Drafts have
    what that leaves of blocks, but for those that are `keeping` what they drew: they are asked for.

    One that cannot be priced opens an exception and stays marked; the others go on.
    """
    repository = CorrectionRepository(uow.connection)
    await repository.mark_requested(contracts)
    marked = await repository.marked(contracts, now)
    if not marked:
        return []
    names = sorted({contract for contract, _ in marked})
    chains = await load_chains(ContractRepository(uow.connection), names)
    counting = await find_counting(uow, marked, chains)
    found, drawing = await price_again(uow, [*marked, *counting], chains, now, keeping=keeping)
    found = [one for one in found if one.period.place not in counting or one.changes or one.counts_otherwise]
    await repository.forget(marked)
    for one in found:
        if isinstance(one.made, AppError):
            await _leave_marked(uow, one.due, one.made, now)
    first = [(one, one.made) for one in found if isinstance(one.made, Correction)]
    drawn = await _drawn(uow, drawing, first, now)
    made = [(one, correction) for one, first_of in drawn for correction in first_of.all]
    rows = [correction.row for _, correction in made]
    await repository.insert(rows)
    await repository.ask_who_takes_over(rows)
    carried = [one.period for one, correction in made if correction.outcome == "carried"]
    await repository.mark([period.place for period in carried], [period.accept_until for period in carried])
    failpoints.reach("correct.before_telling")
    for note in [correction.message for _, correction in made if correction.outcome == "note"]:
        for page in pages_of(note):
            uow.tell(STATEMENTS, page)
    await resolve_exceptions(uow, CORRECTION_FAILED, [one.due.reference for one, _ in made], now)
    outcomes = Counter(correction.outcome for _, correction in made)
    log.info("periods_corrected", contracts=len(names), outcomes=dict(outcomes))
    return [correction for _, correction in made]


async def _drawn(
    uow: UnitOfWork, drawing: Drawing, made: Sequence[tuple[PricedAgain, Correction]], now: datetime
) -> list[tuple[PricedAgain, Correction]]:
    """Write what these corrections draw, and return them with what was paid for that."""
    draws = [CorrectedDraws(said.message.statement_id, one.drawn) for one, said in made if one.drawn]
    costs = await change_draws(uow, drawing, draws, now)
    return [(one, said.at_cost(costs.get(one.period.place, {}), one.earlier)) for one, said in made]


async def _leave_marked(uow: UnitOfWork, due: DueStatement, fault: AppError, now: datetime) -> None:
    log.warning("correction_failed", period=due.reference, fault=repr(fault))
    await CorrectionRepository(uow.connection).mark([(due.contract, due.period.start)])
    detail = f"{due.reference} is final and cannot be corrected: {fault.detail}"
    await open_exception(
        uow,
        NewCase(
            CORRECTION_FAILED,
            due.reference,
            detail,
            owner=OWNER,
            amount_minor=due.subtotal_minor,
            currency=due.chain[-1].terms.currency,
        ),
        now,
    )
