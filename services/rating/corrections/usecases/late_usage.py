"""Late usage: what came for a final period after all was accepted. It is held until somebody decides about it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal

from services.rating.catalogue.domain.meter import Meter
from services.rating.catalogue.repository import CatalogueRepository
from services.rating.contracts.memory import Chain, load_chains
from services.rating.contracts.repository import ContractRepository
from services.rating.contracts.usecases.find import find_contract
from services.rating.corrections.domain.late import Batches, Decided, Decision, Late
from services.rating.corrections.repository import CorrectionRepository
from services.rating.corrections.rows import FinalPeriod, Place
from services.rating.corrections.usecases.price_again import Correction, PricedAgain, price_again
from services.rating.corrections.usecases.run_due import schedule_runs
from services.rating.metering.usecases.read_quantities import watermark
from shared.db.unit_of_work import UnitOfWork
from shared.errors import AppError, Kind
from shared.topics.rating import StatementMessage


class HeldUsageNotFound(AppError):
    """No usage of this contract and period is held for a decision."""

    kind = Kind.NOT_FOUND


class MoreCame(AppError):
    """More usage came for this period than the decision is about; look at it, and decide again."""

    kind = Kind.CONFLICT


class NotSeenYet(AppError):
    """The decision is about usage that nobody has seen yet; decide up to the watermark that GET /v1/late-usage shows."""

    kind = Kind.CONFLICT


class DecidedAlready(AppError):
    """The decision is about usage that was decided about, or accepted, before."""

    kind = Kind.CONFLICT


@dataclass(frozen=True, slots=True)
class LateLine:
    """By how much a line would change if the held usage were billed."""

    key: str
    quantity: Decimal
    amount_minor: int


@dataclass(frozen=True, slots=True)
class HeldUsage:
    """The usage of a final period that is held: how many events and voids came, up to which batches (partition, as text
    → batch), and what they would come to. `fault`: why that is not known."""

    period: FinalPeriod
    start_date: date
    end_date: date
    currency: str
    events: int
    up_to: Mapping[str, int]
    lines: tuple[LateLine, ...] = ()
    fault: str | None = None

    @property
    def amount_minor(self) -> int:
        return sum(line.amount_minor for line in self.lines)


async def list_late_usage(
    uow: UnitOfWork, after: Place | None, limit: int, contract: str | None, now: datetime
) -> list[HeldUsage]:
    """Return what is held, by contract and period, of up to `limit` periods after this one."""
    found: list[HeldUsage] = []
    while len(found) < limit:
        places = await CorrectionRepository(uow.connection).late_periods(after, limit, contract)
        found += await _held_of(uow, places, now)
        if len(places) < limit:
            break
        after = places[-1]
    return found[:limit]


async def decide(
    uow: UnitOfWork, place: tuple[str, date], decision: Decision, reason: str, up_to: Batches, now: datetime
) -> HeldUsage:
    """Decide about what is held of a final period up to these batches; return what was held. What is billed joins the
    next correction.

    Raises HeldUsageNotFound, NotSeenYet, MoreCame and DecidedAlready.
    """
    contract, start_date = place
    repository = CorrectionRepository(uow.connection)
    await find_contract(uow, contract)
    period_start = await repository.final_period(contract, start_date)
    name = (contract, period_start) if period_start else None
    await repository.hold([name] if name else [])
    held = await _held_of(uow, [name] if name else [], now)
    if not held or name is None:
        raise HeldUsageNotFound(
            f"nothing of {contract} {start_date} is held; GET /v1/late-usage lists what is"
        )
    late = (await repository.late([name]))[name]
    before = late.decided_up_to
    _refuse_undecidable(up_to, before, held[0].up_to)
    decided = Decided(decision, dict(before), {one: up_to.get(one, batch) for one, batch in before.items()})
    rest = replace(late, decisions=(*late.decisions, decided))
    counted = _types(await _meters(uow), (await _chains(uow, [name]))[contract])
    if await repository.late_events(name, rest.held, counted):
        raise MoreCame(
            f"usage of {contract} {start_date} came after {dict(up_to)}; it is held up to {dict(held[0].up_to)}"
        )
    await repository.decide(name, decided, reason, now)
    if decision == "bill":
        await repository.mark([name])
        await schedule_runs(uow, [contract], now)
    return held[0]


def _refuse_undecidable(up_to: Batches, before: Batches, held: Batches) -> None:
    """Raises NotSeenYet and DecidedAlready."""
    if any(up_to.get(partition, batch) > batch for partition, batch in held.items()):
        raise NotSeenYet(
            f"nobody has seen what comes up to {dict(up_to)}; what is held is up to {dict(held)}"
        )
    if any(up_to.get(partition, batch) < batch for partition, batch in before.items()) or not any(
        up_to.get(partition, batch) > batch for partition, batch in before.items()
    ):
        raise DecidedAlready(
            f"all up to {dict(up_to)} was decided or accepted; what is held is up to {dict(held)}"
        )


async def _held_of(uow: UnitOfWork, places: Sequence[Place], now: datetime) -> list[HeldUsage]:
    """Those of these periods of which anything is held."""
    repository = CorrectionRepository(uow.connection)
    late = await repository.late(places)
    if not late:
        return []
    chains, meters = await _chains(uow, list(late)), await _meters(uow)
    counted = {
        place: count
        for place, one in late.items()
        if (count := await repository.late_events(place, one.held, _types(meters, chains[place[0]])))
    }
    if not counted:
        return []
    names = sorted(counted)
    without, _ = await price_again(uow, names, chains, now)
    billed, _ = await price_again(uow, names, chains, now, also_held=True)
    seen = (await watermark(uow)).batches
    by_place = {one.period.place: one for one in billed}
    return [
        _held(one, by_place[one.period.place], counted[one.period.place], _seen(late[one.period.place], seen))
        for one in without
    ]


def _held(without: PricedAgain, billed: PricedAgain, events: int, up_to: Batches) -> HeldUsage:
    terms = without.due.chain[-1].terms
    found = HeldUsage(
        without.period,
        without.due.period.start_date,
        without.due.period.end_date,
        terms.currency,
        events,
        up_to,
    )
    if isinstance(without.made, Correction) and isinstance(billed.made, Correction):
        return replace(found, lines=tuple(_lines(without.made.message, billed.made.message)))
    fault = billed.made if isinstance(billed.made, AppError) else without.made
    assert isinstance(fault, AppError)
    return replace(found, fault=fault.detail)


def _lines(without: StatementMessage, billed: StatementMessage) -> list[LateLine]:
    before = {line.line_id: line for line in without.lines}
    changes = [
        LateLine(
            line.key,
            line.quantity - (before[line.line_id].quantity if line.line_id in before else 0),
            line.amount_minor - (before[line.line_id].amount_minor if line.line_id in before else 0),
        )
        for line in billed.lines
    ]
    return [line for line in changes if line.quantity or line.amount_minor]


def _seen(late: Late, watermark: Batches) -> Batches:
    """Up to which batches a decision about all that is known is."""
    return {
        partition: max(batch, watermark.get(partition, 0)) for partition, batch in late.decided_up_to.items()
    }


async def _chains(uow: UnitOfWork, places: Sequence[Place]) -> dict[str, Chain]:
    return await load_chains(ContractRepository(uow.connection), sorted({contract for contract, _ in places}))


async def _meters(uow: UnitOfWork) -> Mapping[str, Meter]:
    return await CatalogueRepository(uow.connection).meters_read()


def _types(meters: Mapping[str, Meter], chain: Chain) -> list[str]:
    """The types of events that the contract's lines count."""
    names = {line.meter for version in chain for line in version.terms.usage_lines}
    return sorted({meters[name].event_type for name in names if name in meters})
