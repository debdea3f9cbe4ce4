"""Close the periods whose grace has ended, behind the barrier. The clock proposes, the barrier
disposes."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from itertools import groupby
from typing import TypeVar

import structlog

from services.rating.blocks.usecases.lapse import lapse
from services.rating.blocks.usecases.tell_rows import tell_handed_on
from services.rating.contracts.domain.chain import accept_until
from services.rating.contracts.memory import load_chains
from services.rating.contracts.repository import ContractRepository
from services.rating.corrections.repository import CorrectionRepository
from services.rating.corrections.usecases.correct_first import correct_first
from services.rating.corrections.usecases.price_again import Correction
from services.rating.corrections.usecases.run_due import run_corrections, schedule_runs
from services.rating.statements.memory import StatementsContext
from services.rating.statements.metrics import PRICED
from services.rating.statements.repository.statements import StatementRepository
from services.rating.statements.rows import ClaimedPeriod, DuePeriod
from services.rating.statements.usecases.draw_on_blocks import name_of
from services.rating.statements.usecases.pass_barrier import pass_barrier
from services.rating.statements.usecases.price import Outcome, in_one_snapshot, price_held
from shared.cases import NewCase, open_exception, resolve_exceptions
from shared.db.unit_of_work import UnitOfWork
from shared.runtime import failpoints
from shared.runtime.clock import machine_now

log = structlog.get_logger()
DUE_MAX = 20_000  # periods one barrier serves
CHUNK_MAX = 100  # statements one transaction makes final or corrects
AT_ONCE = 2  # such transactions of one process
T = TypeVar("T")
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
    by_contract = {name: list(of) for name, of in groupby(sorted(ready, key=_place), key=_contract)}
    marked = await _marked(context, [*by_contract, *ended], now)
    closed = [partial(finalize, context, chunk, now) for chunk in _chunks(by_contract, marked)]
    corrected = [
        partial(_correct_ended, context, contracts, now)
        for contracts in _chunks({name: [name] for name in ended}, marked)
    ]
    return await _all_of([*closed, *corrected])


async def _all_of(acts: Sequence[Callable[[], Awaitable[int]]]) -> int:
    """Return what these come to: while the database works for one, another is priced. One that fails ends none of the
    others."""
    room = asyncio.Semaphore(AT_ONCE)

    async def alone(act: Callable[[], Awaitable[int]]) -> int:
        async with room:
            return await act()

    done = await asyncio.gather(*map(alone, acts), return_exceptions=True)
    for one in done:
        if isinstance(one, BaseException):
            raise one
    return sum(one for one in done if isinstance(one, int))


async def _correct_ended(context: StatementsContext, contracts: Sequence[str], now: datetime) -> int:
    """None of them closes a period."""

    async def once(uow: UnitOfWork) -> None:
        await run_corrections(uow, contracts, now)

    await in_one_snapshot(context.db, once)
    return 0


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
        outcome = await _price(uow, rows, now)
        asked = {(row.contract, row.period_start) for row in rows}
        closed = [one for one in outcome.priced if name_of(one) in asked]
        failpoints.reach("close.before_final")
        await statements.close_periods(
            [one.contract for one in closed],
            [one.period.start for one in closed],
            [accept_until(one.chain, one.period.end) for one in closed],
        )
        await tell_handed_on(uow, [one.contract for one in closed], [one.period.start for one in closed])
        await lapse(uow, now, sorted({one.contract for one in closed}))
        await schedule_runs(uow, sorted({one.contract for one in closed}), now)
        await resolve_exceptions(uow, CLOSE_DELAYED, [one.reference for one in closed], now)
        return len(closed)

    closed = await in_one_snapshot(context.db, once)
    PRICED.labels("due").inc(closed)
    if closed:
        log.info("periods_closed", periods=closed, business_time=now.isoformat())
    return closed


async def _price(uow: UnitOfWork, rows: Sequence[ClaimedPeriod], now: datetime) -> Outcome:
    """Correct what is marked of the contracts, then price what closes on what that leaves, and hands on."""

    async def price(made: Sequence[Correction]) -> Outcome:
        names = [row.contract for row in rows], [row.period_start for row in rows]
        opened_anew = await StatementRepository(uow.connection).hold(*names) if made else rows
        return await price_held(uow, opened_anew, now, final=True)

    _, outcome = await correct_first(uow, sorted({row.contract for row in rows}), now, price)
    return outcome


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


async def _marked(context: StatementsContext, contracts: Sequence[str], now: datetime) -> Mapping[str, int]:
    async with context.db.transaction() as uow:
        return await CorrectionRepository(uow.connection).count_marked(contracts, now)


def _chunks(by_contract: Mapping[str, Sequence[T]], marked: Mapping[str, int]) -> Iterator[list[T]]:
    """Split what is due by contract, so that a transaction makes about a hundred statements final or corrects them; what
    one contract has stays together and in order."""
    chunk, statements = list[T](), 0
    for contract, due in by_contract.items():
        more = len(due) + marked.get(contract, 0)
        if chunk and statements + more > CHUNK_MAX:
            yield chunk
            chunk, statements = [], 0
        chunk, statements = [*chunk, *due], statements + more
    if chunk:
        yield chunk


def _contract(period: DuePeriod) -> str:
    return period.contract


def _place(period: DuePeriod) -> tuple[str, datetime]:
    return period.contract, period.period_start


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
