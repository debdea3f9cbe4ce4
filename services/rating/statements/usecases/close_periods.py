"""Close the periods whose grace has ended, behind the barrier. The clock proposes, the barrier
disposes."""

from collections.abc import Sequence
from datetime import datetime
from itertools import groupby

import structlog

from services.rating.contracts.domain.chain import accept_until
from services.rating.contracts.memory import load_chains
from services.rating.contracts.repository import ContractRepository
from services.rating.corrections.repository import CorrectionRepository
from services.rating.corrections.usecases.correct import correct
from services.rating.corrections.usecases.run_due import run_corrections, schedule_runs
from services.rating.statements.memory import StatementsContext
from services.rating.statements.metrics import PRICED
from services.rating.statements.repository.statements import StatementRepository
from services.rating.statements.rows import ClaimedPeriod, DuePeriod
from services.rating.statements.usecases.draw_on_blocks import name_of, take_what_lapsed
from services.rating.statements.usecases.pass_barrier import pass_barrier
from services.rating.statements.usecases.price import in_one_snapshot, price_held
from shared.cases import NewCase, open_exception, resolve_exception
from shared.db.unit_of_work import UnitOfWork
from shared.runtime import failpoints
from shared.runtime.clock import machine_now

log = structlog.get_logger()
DUE_MAX = 20_000  # periods one barrier serves
CHUNK_MAX = 100  # statements one transaction makes final
CLOSE_DELAYED = "close_delayed"


async def close_due(context: StatementsContext) -> int:
    """Close what is due by the business clock; return how many periods became final. Never finalizes without
    the barrier."""
    async with context.state.closing.one_at_a_time:
        return await _close_due(context)


async def _close_due(context: StatementsContext) -> int:
    now = context.clock.now()
    due = await _due(context, now)
    since = context.state.closing.since
    await _tell_delayed(context, since.delayed(due), now)
    ready = [period for period in due if period.retry_at is None or period.retry_at <= machine_now()]
    ended = await _ended(context, now)
    if not ready and not ended:
        return 0

    async def waiting() -> None:
        await _tell_delayed(context, since.delayed(due), now)

    await pass_barrier(context, waiting)
    closed = 0
    for chunk in _chunks(ready):
        closed += await finalize(context, chunk, now)
    for contract in ended:
        await _correct_ended(context, contract, now)
    return closed


async def _correct_ended(context: StatementsContext, contract: str, now: datetime) -> None:
    async def once(uow: UnitOfWork) -> None:
        await run_corrections(uow, [contract], now)

    await in_one_snapshot(context.db, once)


async def finalize(context: StatementsContext, due: Sequence[DuePeriod], now: datetime) -> int:
    """Price these once more, in one snapshot behind the barrier, and make them final; return how many became
    so. What is marked of the final periods of their contracts is corrected first.

    Left open: a contract that cannot be priced, one whose meters are still being back-filled, and one with an
    older period open.
    """

    async def once(uow: UnitOfWork) -> int:
        statements = StatementRepository(uow.connection)
        await statements.hold_ownership()
        rows = await statements.hold(
            [period.contract for period in due], [period.period_start for period in due]
        )
        rows = await _closable(uow, rows)
        await correct(uow, sorted({row.contract for row in rows}), now)
        outcome = await price_held(uow, rows, now, final=True)
        asked = {(row.contract, row.period_start) for row in rows}
        closed = [one for one in outcome.priced if name_of(one) in asked]
        failpoints.reach("close.before_final")
        await statements.close_periods(
            [one.contract for one in closed],
            [one.period.start for one in closed],
            [accept_until(one.chain, one.period.end) for one in closed],
        )
        await take_what_lapsed(uow, sorted({one.contract for one in closed}), now)
        await schedule_runs(uow, sorted({one.contract for one in closed}), now)
        for reference in await statements.open_exceptions(CLOSE_DELAYED, [one.reference for one in closed]):
            await resolve_exception(uow, CLOSE_DELAYED, reference, now)
        return len(closed)

    closed = await in_one_snapshot(context.db, once)
    PRICED.labels("due").inc(closed)
    if closed:
        log.info("periods_closed", periods=closed, business_time=now.isoformat())
    return closed


async def _closable(uow: UnitOfWork, rows: Sequence[ClaimedPeriod]) -> list[ClaimedPeriod]:
    """Keep the rows of contracts whose oldest open period is among them, in a row, and whose meters are
    complete."""
    statements = StatementRepository(uow.connection)
    contracts = sorted({row.contract for row in rows})
    first = await statements.first_open(contracts)
    chains = await load_chains(ContractRepository(uow.connection), contracts)
    meters = {
        contract: {line.meter for version in chain for line in version.terms.usage_lines}
        for contract, chain in chains.items()
    }
    unfinished = await statements.unfinished_meters(
        sorted({meter for used in meters.values() for meter in used})
    )
    recounting = await statements.recounting(contracts)
    kept: list[ClaimedPeriod] = []
    for contract, group in groupby(rows, key=lambda row: row.contract):
        periods = list(group)
        if (
            periods[0].period_start == first[contract]
            and not meters[contract] & unfinished
            and contract not in recounting
        ):
            kept += _run_of(periods)
    return kept


def _run_of(periods: Sequence[ClaimedPeriod]) -> list[ClaimedPeriod]:
    """The leading periods that follow each other without a gap."""
    gap = next(
        (n for n in range(1, len(periods)) if periods[n].period_start != periods[n - 1].period_end),
        len(periods),
    )
    return list(periods[:gap])


async def _ended(context: StatementsContext, now: datetime) -> list[str]:
    """Contracts that close no more and are to be corrected now."""
    async with context.db.transaction() as uow:
        return await CorrectionRepository(uow.connection).due(now, DUE_MAX)


async def _due(context: StatementsContext, now: datetime) -> list[DuePeriod]:
    async with context.db.transaction() as uow:
        return await StatementRepository(uow.connection).due_to_close(now, DUE_MAX)


def _chunks(due: Sequence[DuePeriod]) -> list[list[DuePeriod]]:
    """Split by contract, in chunks of about 100; the periods of one contract stay together and in order."""
    chunks: list[list[DuePeriod]] = []
    for _, group in groupby(
        sorted(due, key=lambda period: (period.contract, period.period_start)),
        key=lambda period: period.contract,
    ):
        periods = list(group)
        if chunks and len(chunks[-1]) + len(periods) <= CHUNK_MAX:
            chunks[-1] += periods
        else:
            chunks.append(periods)
    return chunks


async def _tell_delayed(context: StatementsContext, late: Sequence[DuePeriod], now: datetime) -> None:
    if not late:
        return
    async with context.db.transaction() as uow:
        for period in late:
            detail = (
                f"{period.reference} was due to close at {period.close_due_at.isoformat()} and is still open: look at /readyz and the lag of "
                "usage_ingest and rating, and at the exceptions of this contract"
            )
            await open_exception(
                uow,
                NewCase(
                    CLOSE_DELAYED,
                    period.reference,
                    detail,
                    owner="operations",
                    amount_minor=period.subtotal_minor,
                    currency=period.currency,
                ),
                now,
            )
