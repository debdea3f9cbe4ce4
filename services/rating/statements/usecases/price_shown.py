"""Price the statements that somebody is about to see."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import groupby

import structlog

from services.rating.statements.memory import StatementsContext
from services.rating.statements.metrics import PRICED, Cause
from services.rating.statements.repository.requests import RequestRepository, Waiting
from services.rating.statements.repository.statements import StatementRepository
from services.rating.statements.rows import StatementName
from services.rating.statements.usecases.fan_out import fan_out_all
from services.rating.statements.usecases.price import Outcome, in_one_snapshot, price_held
from shared.db.unit_of_work import OUTAGES, UnitOfWork
from shared.runtime.clock import machine_now, machine_us
from shared.topics.rating import StatementMessage

log = structlog.get_logger()
ANSWER_S = 0.8  # an answer waits so long for pricing, which goes on when it is not done then
BEGIN_S = 0.5  # and begins nothing later than that
DUE_WAIT_S = 30.0
CHUNK_MAX = 100  # statements one transaction prices


@dataclass(frozen=True, slots=True)
class Asked:
    """For whom statements are priced: `rest_s` they are left alone after a revision, a chunk may begin `until`
    (monotonic) and wait `wait_s` for who prices the same."""

    cause: Cause
    rest_s: float
    until: float
    wait_s: float


@dataclass(slots=True)
class Shown:
    """What is known of the statements asked for: `current` are those that cover all usage folded before `as_of`,
    of the machine clock. What is metered and not folded is in none."""

    as_of: datetime
    current: set[StatementName] = field(default_factory=set)


async def price_shown(context: StatementsContext, names: Sequence[StatementName]) -> Shown:
    """Price those of these statements that are asked for and rested, older periods of their contracts first.
    Return within a second what is current then: the others stand as they were told last."""
    shown, now = Shown(machine_now()), asyncio.get_running_loop().time()
    asked = Asked("read", context.settings.reprice_min_s, now + BEGIN_S, ANSWER_S)
    pricing = asyncio.create_task(_price_or_leave(context, names, asked, shown), name="price-shown")
    context.state.reading.keep(pricing)
    await asyncio.wait({pricing}, timeout=ANSWER_S)
    return Shown(shown.as_of, set(shown.current))


async def priced_before_shown(
    context: StatementsContext, found: Callable[[], Awaitable[list[StatementMessage]]]
) -> list[StatementMessage]:
    """What `found` returns once the open statements that it returns are priced."""
    statements = await found()
    names = [
        StatementName(statement.contract, date.fromisoformat(statement.period_start_date))
        for statement in statements
        if not statement.final
    ]
    if not names:
        return statements
    await price_shown(context, names)
    return await found()


async def open_of_contracts(context: StatementsContext, contracts: Sequence[str]) -> list[StatementName]:
    """The open statements of these contracts."""
    if not contracts:
        return []
    async with context.db.transaction() as uow:
        return await StatementRepository(uow.connection).open_of(contracts)


async def price_at_once(context: StatementsContext, names: Sequence[StatementName]) -> Shown:
    """Price those of these statements that are asked for, rested or not, and return when that is done: somebody
    waits for what they are."""
    shown = Shown(machine_now())
    await _price(context, names, Asked("due", 0, float("inf"), DUE_WAIT_S), shown)
    return shown


async def _price_or_leave(
    context: StatementsContext, names: Sequence[StatementName], asked: Asked, shown: Shown
) -> None:
    """An outage, or somebody who prices the same and takes too long, leaves them as they were told last."""
    try:
        await _price(context, names, asked, shown)
    except OUTAGES as fault:
        log.warning("not_priced_for_reading", statements=len(names), fault=repr(fault))


async def _price(
    context: StatementsContext, names: Sequence[StatementName], asked: Asked, shown: Shown
) -> None:
    async with context.state.reading.fanning_out:
        await fan_out_all(context, waits=True)
    async with context.db.transaction() as uow:
        await uow.keep_plans_of(len(names))
        waiting = await _waiting(uow, names)
    shown.current |= _unaffected(names, waiting)
    for chunk in _chunks(names, waiting):
        async with context.state.reading.pricing:
            if asyncio.get_running_loop().time() > asked.until:
                return
            shown.current |= await _price_chunk(context, chunk, asked)


async def _price_chunk(
    context: StatementsContext, names: Sequence[StatementName], asked: Asked
) -> set[StatementName]:
    """Return those of these statements that are current then. What one period hands over to the next asks for
    that one, so there may be another round."""
    priced: set[StatementName] = set()
    rested_before_us = machine_us() - int(asked.rest_s * 1_000_000)

    async def once(uow: UnitOfWork) -> tuple[Outcome, list[Waiting]]:
        await uow.keep_plans_of(len(names))
        waiting = await _waiting(uow, names)
        rested = [row for row in waiting if row.revision <= rested_before_us and row.name not in priced]
        statements = StatementRepository(uow.connection)
        await statements.wait_at_most(asked.wait_s)
        rows = await statements.hold([row.contract for row in rested], [row.period_start for row in rested])
        outcome = await price_held(uow, rows, context.clock.now(), final=False)
        return outcome, [row for row in waiting if row not in rested]

    while True:
        outcome, resting = await in_one_snapshot(context.db, once)
        PRICED.labels(asked.cause).inc(len(outcome.priced))
        priced |= {StatementName(due.contract, due.period.start_date) for due in outcome.priced}
        if not outcome.handed_over:
            return _unaffected(names, [row for row in resting if row.name not in priced])


async def _waiting(uow: UnitOfWork, names: Sequence[StatementName]) -> list[Waiting]:
    return await RequestRepository(uow.connection).waiting(
        [name.contract for name in names], [name.start_date for name in names]
    )


def _unaffected(names: Sequence[StatementName], waiting: Sequence[Waiting]) -> set[StatementName]:
    """Those for which nothing waits, neither they nor an older period of their contract."""
    first = _first_waiting(waiting)
    return {name for name in names if name.start_date < first.get(name.contract, date.max)}


def _first_waiting(waiting: Sequence[Waiting]) -> Mapping[str, date]:
    """Contract → the oldest of its periods that waits."""
    return {
        contract: next(rows).start_date for contract, rows in groupby(waiting, key=lambda row: row.contract)
    }


def _chunks(names: Sequence[StatementName], waiting: Sequence[Waiting]) -> list[list[StatementName]]:
    """The names of contracts for which something waits, the periods of one contract together, about as many
    waiting statements to each chunk."""
    by_contract: dict[str, list[StatementName]] = {}
    for name in names:
        by_contract.setdefault(name.contract, []).append(name)
    chunks: list[list[StatementName]] = []
    size = CHUNK_MAX
    for contract, rows in groupby(waiting, key=lambda row: row.contract):
        count = len(list(rows))
        if size + count > CHUNK_MAX:
            chunks.append([])
            size = 0
        chunks[-1] += by_contract[contract]
        size += count
    return chunks
