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

#: Periods that are priced together to be shown.
AT_ONCE = 20


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
    late: Late
    up_to: Mapping[str, int]
    lines: tuple[LateLine, ...] = ()
    fault: str | None = None

    @property
    def amount_minor(self) -> int:
        return sum(line.amount_minor for line in self.lines)


async def list_late_usage(
    uow: UnitOfWork, after: Place | None, limit: int, contract: str | None, now: datetime
) -> list[HeldUsage]:
    """Return what is held, by contract and period, of up to `limit` periods after this one. All reads share a snapshot,
    and nothing is held: a few periods are in memory at once."""
    found: list[HeldUsage] = []
    while len(found) < limit:
        places = await CorrectionRepository(uow.connection).late_periods(after, AT_ONCE, contract)
        found += await _held_of(uow, places, now)
        if len(places) < AT_ONCE:
            break
        after = places[-1]
    return found[:limit]


async def look_at(uow: UnitOfWork, contract: str, start_date: date, now: datetime) -> HeldUsage:
    """Return what is held of a final period. Raises ContractNotFound and HeldUsageNotFound."""
    await find_contract(uow, contract)
    period_start = await CorrectionRepository(uow.connection).final_period(contract, start_date)
    held = await _held_of(uow, [(contract, period_start)], now) if period_start else []
    if not held:
        raise HeldUsageNotFound(
            f"nothing of {contract} {start_date} is held; GET /v1/late-usage lists what is"
        )
    return held[0]


async def decide(
    uow: UnitOfWork, seen: HeldUsage, decision: Decision, reason: str, up_to: Batches, now: datetime
) -> None:
    """Decide about what is held of a final period up to these batches, as it was seen. What is billed joins the next
    correction. Of two decisions at once one finds it decided; usage that comes meanwhile lies beyond.

    Raises NotSeenYet, MoreCame and DecidedAlready.
    """
    repository, place = CorrectionRepository(uow.connection), seen.period.place
    await repository.hold([place])
    noted = await repository.noted_late(place)
    late = (await repository.late([place])).get(place, seen.late)
    before = seen.late.decided_up_to
    if any(late.decided_up_to.get(partition) != batch for partition, batch in before.items()):
        raise DecidedAlready(
            f"somebody decided about {place[0]} {seen.start_date} meanwhile; GET /v1/late-usage shows what is held"
        )
    _refuse_undecidable(up_to, before, seen.up_to)
    decided = Decided(decision, dict(before), {one: up_to.get(one, batch) for one, batch in before.items()})
    rest = replace(late, decisions=(*late.decisions, decided))
    if await repository.late_events(place, rest.held, await _counted(uow, place)):
        raise MoreCame(
            f"usage of {place[0]} {seen.start_date} came after {dict(up_to)}; it is held up to {dict(seen.up_to)}"
        )
    await repository.decide(place, decided, reason, now)
    await repository.forget_late([noted] if noted else [])
    if decision == "bill":
        await repository.mark([place])
        await schedule_runs(uow, [place[0]], now)


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


async def forget_undue(uow: UnitOfWork, limit: int) -> None:
    """Look at some of the periods that were noted since anybody looked: those of which nothing is held are listed no
    more."""
    repository = CorrectionRepository(uow.connection)
    for noted in await repository.not_looked_at(limit):
        late = (await repository.late([noted.place])).get(noted.place)
        types = await _counted(uow, noted.place)
        if late and await repository.late_events(noted.place, late.held, types):
            await repository.keep_late([noted])
        else:
            await repository.forget_late([noted])


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
    without, _ = await price_again(uow, names, chains, now, keeping=None)
    billed, _ = await price_again(uow, names, chains, now, keeping=None, also_held_usage=True)
    seen = (await watermark(uow)).batches
    by_place = {one.period.place: one for one in billed}
    found = [
        _held(one, by_place[one.period.place], counted[one.period.place], late[one.period.place], seen)
        for one in without
    ]
    return sorted(found, key=lambda one: one.period.place)


def _held(
    without: PricedAgain, billed: PricedAgain, events: int, late: Late, watermark: Batches
) -> HeldUsage:
    terms = without.due.chain[-1].terms
    found = HeldUsage(
        without.period,
        without.due.period.start_date,
        without.due.period.end_date,
        terms.currency,
        events,
        late,
        _seen(late, watermark),
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


async def _counted(uow: UnitOfWork, place: Place) -> list[str]:
    """The types of events that count for a period."""
    return _types(await _meters(uow), (await _chains(uow, [place]))[place[0]])


def _types(meters: Mapping[str, Meter], chain: Chain) -> list[str]:
    """The types of events that the contract's lines count."""
    names = {line.meter for version in chain for line in version.terms.usage_lines}
    return sorted({meters[name].event_type for name in names if name in meters})
