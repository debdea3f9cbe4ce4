"""Hold what cannot be priced. An exception says why and names the events in the way, and the statement
says that it is on hold."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog

from services.rating.metering.raw.repository import RawRepository
from services.rating.metering.raw.usecases.events_of_groups import GroupsAsked, first_events, hours_of
from services.rating.statements.domain.due import DueStatement
from services.rating.statements.domain.message import PRICING_FAILED, PricedAt, held_message, pages_of
from services.rating.statements.repository.requests import RETRY_AFTER_S, RequestRepository
from services.rating.statements.repository.statements import Replacement, StatementRepository
from shared.cases import NewCase, open_exception, resolve_exception
from shared.db.unit_of_work import UnitOfWork
from shared.errors import AppError
from shared.pricing.needs import Totals
from shared.pricing.steps.without_rate import UsageWithoutRate
from shared.topics.rating import STATEMENTS, EventName, StatementHeld, StatementMessage
from shared.values.instants import to_us

log = structlog.get_logger()
OWNER = "finance"
#: Events in the way that an exception and a statement name.
NAMED_MAX = 10


@dataclass(frozen=True, slots=True)
class InTheWay:
    """The events that keep a period from being priced: how many (None: it is not single events), and the
    first few by name."""

    events: int | None = None
    named: tuple[EventName, ...] = ()

    def __str__(self) -> str:
        if self.events is None:
            return ""
        more = f" and {self.events - len(self.named)} more" if self.events > len(self.named) else ""
        return f" In the way: {', '.join(f'{event.source} {event.id}' for event in self.named)}{more}. Void or correct them, or change the terms."


async def hold(uow: UnitOfWork, held: Sequence[tuple[DueStatement, AppError]], at: PricedAt) -> None:
    """Open an exception for each of these statements, say so in the statement where that is news, and try
    again later."""
    if not held:
        return
    statements = StatementRepository(uow.connection)
    names = [due.contract for due, _ in held], [due.period.start for due, _ in held]
    await RequestRepository(uow.connection).ask_again(*names)
    await statements.set_retry(*names, RETRY_AFTER_S)
    stored = await statements.stored(*names)
    for due, fault in held:
        before = stored.get((due.contract, due.period.start))
        why = await _exception(uow, due, fault, before.held if before else None, at.now)
        if before is None or before.held != why:
            await _say(uow, due, held_message(due, before, why, at), known=before is not None)


async def release(uow: UnitOfWork, mended: Sequence[DueStatement], now: datetime) -> None:
    """Close the exceptions of these statements, which could be priced again."""
    if not mended:
        return
    statements = StatementRepository(uow.connection)
    await statements.set_retry([due.contract for due in mended], [due.period.start for due in mended], None)
    for due in mended:
        await resolve_exception(uow, PRICING_FAILED, due.reference, now)


async def _exception(
    uow: UnitOfWork, due: DueStatement, fault: AppError, before: StatementHeld | None, now: datetime
) -> StatementHeld:
    way = await _in_the_way(uow, due, fault, before)
    log.warning(
        "pricing_failed",
        contract=due.contract,
        period=due.period.start_date.isoformat(),
        fault=repr(fault),
        events=way.events,
    )
    detail = f"{due.reference} cannot be priced and is held: {fault.detail}{way}"
    opened = await open_exception(
        uow,
        NewCase(
            PRICING_FAILED,
            due.reference,
            detail,
            owner=OWNER,
            amount_minor=due.subtotal_minor,
            currency=due.chain[-1].terms.currency,
        ),
        now,
    )
    return StatementHeld(
        PRICING_FAILED, to_us(opened.at), opened.exception_id, OWNER, detail, way.events, way.named
    )


async def _say(uow: UnitOfWork, due: DueStatement, message: StatementMessage, *, known: bool) -> None:
    statements = StatementRepository(uow.connection)
    if known:
        await statements.say_held(message, due.period.start)
    else:
        await statements.replace(
            [Replacement(message, due.period.start, due.opening, due.opening, due.chain[-1].version)]
        )
    for page in pages_of(message):
        uow.tell(STATEMENTS, page)


async def _in_the_way(
    uow: UnitOfWork, due: DueStatement, fault: AppError, before: StatementHeld | None
) -> InTheWay:
    """The events of the groups that no rate prices. Their names are sought again only when there are more or
    fewer, or one is void."""
    if not isinstance(fault, UsageWithoutRate):
        return InTheWay()
    raw = RawRepository(uow.connection)
    subjects = tuple(await raw.subjects_of(due.customer_id))
    asked = [
        GroupsAsked(subjects, need.meter, need.start, need.end, need.dimensions, groups)
        for need, groups in _by_need(fault).items()
    ]
    hours = [await hours_of(uow, one) for one in asked]
    events = sum(count for of_need in hours for _, count in of_need)
    if (
        before
        and before.events == events
        and fault.detail in before.detail
        and not await raw.any_void([(n.source, n.id) for n in before.named])
    ):
        return InTheWay(events, before.named)
    named: list[EventName] = []
    for one, of_need in zip(asked, hours, strict=True):
        found = await first_events(uow, one, of_need, NAMED_MAX - len(named))
        named += [EventName(event.row["source"], event.row["id"]) for event in found]
    return InTheWay(events, tuple(named))


def _by_need(fault: UsageWithoutRate) -> Mapping[Totals, set[tuple[str, ...]]]:
    found: dict[Totals, set[tuple[str, ...]]] = {}
    for need, group in fault.lacking:
        values = dict(group)
        found.setdefault(need, set()).add(tuple(values.get(name, "") for name in need.dimensions))
    return found
