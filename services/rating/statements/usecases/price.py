"""Price the statements that are asked for. Any number of workers and replicas."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import TypeVar

import asyncpg
import structlog

from services.rating.blocks.repository import BlockRepository
from services.rating.catalogue.domain.meter import Meter
from services.rating.catalogue.repository import CatalogueRepository
from services.rating.contracts.memory import Chain, load_chains
from services.rating.contracts.repository import ContractRepository
from services.rating.metering.usecases.read_quantities import watermark
from services.rating.statements.domain.balances import from_stored, to_stored
from services.rating.statements.domain.due import DueStatement, PricedStatement
from services.rating.statements.domain.message import PricedAt, at_cost, message_of, pages_of
from services.rating.statements.memory import StatementsContext
from services.rating.statements.metrics import PRICED
from services.rating.statements.repository.requests import RequestRepository
from services.rating.statements.repository.statements import Replacement, StatementRepository
from services.rating.statements.rows import ClaimedPeriod
from services.rating.statements.usecases.draw_on_blocks import (
    Drawing,
    Name,
    hold_blocks,
    name_of,
    price_in_turn,
    write_draws,
)
from services.rating.statements.usecases.hold import hold, release
from services.rating.statements.usecases.hold_tied import HeldElsewhere, hold_tied
from services.rating.statements.usecases.name_unpriced import name_unpriced
from services.rating.statements.usecases.read_usage import read_usage
from shared.db.unit_of_work import Database, UnitOfWork
from shared.errors import AppError
from shared.pricing.balances import Balances
from shared.pricing.figures import price_within_bounds
from shared.pricing.needs import Usage
from shared.pricing.pipeline import usage_needs
from shared.runtime.clock import machine_us
from shared.topics.rating import STATEMENTS

log = structlog.get_logger()
T = TypeVar("T")
COLLISIONS: tuple[type[BaseException], ...] = (
    asyncpg.SerializationError,
    asyncpg.DeadlockDetectedError,
    HeldElsewhere,
)


@dataclass
class Outcome:
    """What one transaction came to. `handed_over`: a period hands over what it did not before, so the one after
    it is asked for."""

    priced: list[DueStatement] = field(default_factory=list)
    held: list[tuple[DueStatement, AppError]] = field(default_factory=list)
    handed_over: bool = False

    @property
    def taken(self) -> int:
        return len(self.priced) + len(self.held)


async def price_due(context: StatementsContext) -> int:
    """Price some of the statements that are due now, longest due first; return how many were taken."""
    floor = context.state.queues.requests
    after_us = floor.start()
    found, look = await RequestRepository(context.db.pool).any_due(after_us)
    floor.looked(look)
    return await _price_asked(context, after_us, whatever_the_pace=False) if found else 0


async def price_asked(context: StatementsContext) -> int:
    """Price some of the statements that are asked for, due or not; return how many were taken."""
    return await _price_asked(context, context.state.queues.requests.start(), whatever_the_pace=True)


async def _price_asked(context: StatementsContext, after_us: int, *, whatever_the_pace: bool) -> int:
    async def once(uow: UnitOfWork) -> tuple[int, int, int]:
        rows = await StatementRepository(uow.connection).claim(
            after_us, context.settings.claim_max, whatever_the_pace=whatever_the_pace
        )
        seldom = {(row.contract, row.period_start) for row in rows if row.seldom and not whatever_the_pace}
        outcome = await price_held(uow, rows, context.clock.now(), final=False)
        told = sum((due.contract, due.period.start) in seldom for due in outcome.priced)
        return outcome.taken, len(outcome.priced) - told, told

    taken, due, told = await in_one_snapshot(context.db, once)
    PRICED.labels("due").inc(due)
    PRICED.labels("told").inc(told)
    return taken


async def in_one_snapshot(db: Database, act: Callable[[UnitOfWork], Awaitable[T]]) -> T:
    """Run `act` in a REPEATABLE READ transaction, again when another worker was first at one of its rows."""
    attempt = 0
    while True:
        try:
            async with db.transaction(isolation="repeatable_read") as uow:
                return await act(uow)
        except COLLISIONS as fault:
            attempt += 1
            log.debug("pricing_collided", fault=repr(fault), attempt=attempt)
            await asyncio.sleep(min(0.005 * attempt, 0.1))


async def price_held(
    uow: UnitOfWork, rows: Sequence[ClaimedPeriod], now: datetime, *, final: bool
) -> Outcome:
    """Price the statements of these rows, which this transaction holds, and tell them; with them those that draw on the
    same blocks. All reads share its snapshot. `final`: those of the rows are the last revisions.

    A contract that cannot be priced is held (see `hold`), and is asked for again; the others go on.
    """
    outcome = Outcome()
    if not rows:
        return outcome
    await uow.keep_plans_of(len(rows))
    statements = StatementRepository(uow.connection)
    chains = await _chains(uow, rows)
    closing = {(row.contract, row.period_start) for row in rows} if final else set[Name]()
    rows = await hold_tied(uow, rows, chains)
    await RequestRepository(uow.connection).forget(*_names(rows))
    due = await _load(uow, rows, chains)
    drawing = await hold_blocks(uow, due)
    due = in_turn(due, drawing, closing)
    covered = await watermark(uow)
    meters = await meters_of(uow, due)
    usage = await read_usage(uow, due, meters)
    at = PricedAt(machine_us(), covered.batches, covered.newest_received_us, now, revisions_of(meters))
    priced = _price_all(due, usage, drawing, outcome)
    costs = await write_draws(uow, drawing, priced, now)
    replacements = [_replacement(one, at, costs.get(name_of(one.due), {})) for one in priced]
    await statements.replace(replacements)
    outcome.handed_over = await _hand_over(uow, outcome.priced, replacements)
    for replacement in replacements:
        for page in pages_of(replacement.message):
            uow.tell(STATEMENTS, page)
    await hold(uow, outcome.held, at)
    await release(uow, [due for due in outcome.priced if due.held], now)
    await name_unpriced(uow, priced, now)
    return outcome


async def price_asked_of(uow: UnitOfWork, contracts: Sequence[str], now: datetime) -> Outcome:
    """Price the drafts that are asked for of these contracts, and of those that share a block with them."""
    statements = StatementRepository(uow.connection)
    tied = {*contracts, *await BlockRepository(uow.connection).shared_by(contracts)}
    wanted = await statements.open_from(await statements.first_asked(sorted(tied)))
    rows = await statements.hold_free(wanted)
    if len(rows) < len(wanted):
        raise HeldElsewhere
    return await price_held(uow, rows, now, final=False)


async def _chains(uow: UnitOfWork, rows: Sequence[ClaimedPeriod]) -> dict[str, Chain]:
    return await load_chains(ContractRepository(uow.connection), sorted({row.contract for row in rows}))


async def _load(
    uow: UnitOfWork, rows: Sequence[ClaimedPeriod], chains: Mapping[str, Chain]
) -> list[DueStatement]:
    more = [row for row in rows if row.contract not in chains]
    known = {**chains, **await _chains(uow, more)} if more else chains
    return [row.due(known[row.contract]) for row in rows]


async def meters_of(uow: UnitOfWork, due: Sequence[DueStatement]) -> dict[str, Meter]:
    """The meters these statements count, as each is read; one that is missing is left out."""
    wanted = {
        need.meter
        for statement in due
        for need in usage_needs(statement.chain, statement.period, statement.blocks)
    }
    known = await CatalogueRepository(uow.connection).meters_read()
    return {name: known[name] for name in sorted(wanted & known.keys())}


def revisions_of(meters: Mapping[str, Meter]) -> dict[str, int]:
    """Meter → the revision that it is read by."""
    return {name: meter.revision for name, meter in meters.items()}


def in_turn(due: Sequence[DueStatement], drawing: Drawing, closing: Collection[Name]) -> list[DueStatement]:
    """Return the statements in the order in which they draw: by period, and of those that share a block in its
    order. Each has the blocks that calls granted to it, and knows whether it is among those that close."""
    due = [
        replace(
            one,
            granted=drawing.granted_to(one.contract, one.period.start),
            final=name_of(one) in closing,
        )
        for one in due
    ]
    return sorted(due, key=lambda one: (one.period.start, drawing.position(one.contract), one.contract))


def _price_all(
    due: Sequence[DueStatement], usage: Sequence[Usage], drawing: Drawing, outcome: Outcome
) -> list[PricedStatement]:
    priced, failed = price_in_turn(drawing, partial(_priced_in_turn, due, usage))
    for one in due:
        fault = failed.get(name_of(one))
        if fault is None:
            outcome.priced.append(one)
        else:
            outcome.held.append((one, fault))
    return priced


def _priced_in_turn(
    due: Sequence[DueStatement],
    usage: Sequence[Usage],
    drawing: Drawing,
    known: Mapping[Name, AppError],
) -> tuple[list[PricedStatement], dict[Name, AppError]]:
    """The closing balances of one period open the one that follows on it, also within one transaction; what follows on
    one that cannot be priced cannot be either."""
    priced: list[PricedStatement] = []
    closing: dict[Name, Balances] = {}
    failed: dict[str, AppError] = {}
    faults: dict[Name, AppError] = {}
    for statement, quantities in zip(due, usage, strict=True):
        before = closing.get(name_of(statement))
        opening = drawing.opened(statement, from_stored(statement.opening) if before is None else before)
        try:
            if fault := failed.get(statement.contract) or known.get(name_of(statement)):
                raise fault
            one = price_within_bounds(
                statement.chain, statement.period, quantities, opening, explain=statement.final
            )
        except AppError as raised:
            failed[statement.contract] = faults[name_of(statement)] = raised
            continue
        drawing.take(statement, one)
        priced.append(PricedStatement(statement, opening, one))
        closing[statement.contract, statement.period.end] = priced[-1].closing
    return priced, faults


def _replacement(one: PricedStatement, at: PricedAt, costs: Mapping[tuple[str, str], int]) -> Replacement:
    message = at_cost(message_of(one.due, one.priced, at), costs, {})
    return Replacement(
        message,
        one.due.period.start,
        to_stored(one.opening),
        to_stored(one.closing),
        one.due.chain[-1].version,
    )


async def _hand_over(
    uow: UnitOfWork, priced: Sequence[DueStatement], replacements: Sequence[Replacement]
) -> bool:
    """Where the balance at the end of a period has changed, the next period is asked for, unless it was priced
    here after it; return whether one was."""
    opened = {name_of(due) for due in priced}
    changed = [
        due
        for due, replacement in zip(priced, replacements, strict=True)
        if due.closing != replacement.closing and (due.contract, due.period.end) not in opened
    ]
    if changed:
        await RequestRepository(uow.connection).ask_next(
            [due.contract for due in changed], [due.period.start for due in changed]
        )
    return bool(changed)


def _names(rows: Sequence[ClaimedPeriod]) -> tuple[list[str], list[datetime]]:
    return [row.contract for row in rows], [row.period_start for row in rows]
