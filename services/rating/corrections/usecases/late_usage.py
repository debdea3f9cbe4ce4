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
from services.rating.corrections.rows import AskedLate, FinalPeriod, NewDecision, Place
from services.rating.corrections.usecases.find_counting import find_counting
from services.rating.corrections.usecases.price_again import Correction, PricedAgain, price_again
from services.rating.corrections.usecases.run_due import schedule_runs
from services.rating.metering.usecases.read_quantities import watermark
from services.rating.statements.domain.due import DueStatement
from shared.db.unit_of_work import UnitOfWork
from shared.errors import AppError, Kind

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
    """By how much a line of the period that begins on a local day would change if the held usage were billed, and what blocks
    would draw more of it."""

    start_date: date
    key: str
    quantity: Decimal = Decimal(0)
    amount_minor: int = 0
    drawn_minor: int = 0


@dataclass(frozen=True, slots=True)
class HeldUsage:
    """The usage of a final period that is held: how many events and voids of which `subjects` came, up to which batches
    (partition, as text → batch), and what they would come to, in other final periods too. `fault`: why that is not known."""

    period: FinalPeriod
    start_date: date
    end_date: date
    currency: str
    events: int
    late: Late
    subjects: Sequence[str]
    up_to: Mapping[str, int]
    lines: tuple[LateLine, ...] = ()
    fault: str | None = None

    @property
    def amount_minor(self) -> int:
        return sum(line.amount_minor for line in self.lines)

    @property
    def asked_minor(self) -> int:
        """What documents would ask for: what blocks do not draw."""
        return self.amount_minor - sum(line.drawn_minor for line in self.lines)


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
    """Decide about what is held of a final period up to these batches, as it was seen: of the subjects that it had then. What
    is billed joins the next correction. Of two decisions at once one finds it decided; usage that comes meanwhile, or joins
    by an alias, is no part of it.

    Raises NotSeenYet, MoreCame and DecidedAlready.
    """
    repository, place = CorrectionRepository(uow.connection), seen.period.place
    await repository.hold([place])
    noted = await repository.noted_late(place)
    late = (await repository.late([place])).get(place, seen.late)
    before = seen.late.decided_up_to
    _refuse_decided(late, seen)
    _refuse_undecidable(up_to, seen)
    made = NewDecision(
        decision,
        reason,
        dict(before),
        {one: up_to.get(one, batch) for one, batch in before.items()},
        seen.subjects,
        now,
    )
    since = (await repository.subjects([place]))[place]
    decided = Decided(decision, made.up_to, frozenset(since) - {*seen.subjects})
    rest = replace(late, decisions=(*late.decisions, decided))
    if (await _held_in(uow, {place: rest}))[place]:
        raise MoreCame(
            f"usage of {place[0]} {seen.start_date} came after {dict(up_to)}, or by an alias; it is held up to "
            f"{dict(seen.up_to)}"
        )
    await repository.decide(place, made)
    await repository.forget_late([noted] if noted else [])
    if decision == "bill":
        await repository.mark([place])
        await schedule_runs(uow, [place[0]], now)


def _refuse_decided(late: Late, seen: HeldUsage) -> None:
    """Raises DecidedAlready where somebody has decided since it was seen; a decision about what joined by an alias moves no
    batch."""
    moved = any(
        late.decided_up_to.get(partition) != batch for partition, batch in seen.late.decided_up_to.items()
    )
    if moved or len(late.decisions) != len(seen.late.decisions):
        raise DecidedAlready(
            f"somebody decided about {seen.period.place[0]} {seen.start_date} meanwhile; GET /v1/late-usage shows what is held"
        )


def _refuse_undecidable(up_to: Batches, seen: HeldUsage) -> None:
    """Raises NotSeenYet and DecidedAlready. What joined by an alias may be held up to where all else was decided."""
    before, held = seen.late.decided_up_to, seen.up_to
    if any(up_to.get(partition, batch) > batch for partition, batch in held.items()):
        raise NotSeenYet(
            f"nobody has seen what comes up to {dict(up_to)}; what is held is up to {dict(held)}"
        )
    beyond = any(up_to.get(partition, batch) > batch for partition, batch in before.items())
    if any(up_to.get(partition, batch) < batch for partition, batch in before.items()) or not (
        beyond or seen.late.joined
    ):
        raise DecidedAlready(
            f"all up to {dict(up_to)} was decided or accepted; what is held is up to {dict(held)}"
        )


async def forget_undue(uow: UnitOfWork, limit: int) -> None:
    """Look at some of the periods that were noted since anybody looked: those of which nothing is held are listed no
    more."""
    repository = CorrectionRepository(uow.connection)
    noted = await repository.not_looked_at(limit)
    late = await repository.late([one.place for one in noted])
    counted = await _held_in(uow, late)
    await repository.keep_late([one for one in noted if counted.get(one.place)])
    await repository.forget_late([one for one in noted if not counted.get(one.place)])


async def _held_in(uow: UnitOfWork, late: Mapping[Place, Late]) -> Mapping[Place, int]:
    """How many events and voids of these periods are held."""
    if not late:
        return {}
    chains, meters = await _chains(uow, list(late)), await _meters(uow)
    return await CorrectionRepository(uow.connection).late_events(
        [AskedLate(place, one.held, _types(meters, chains[place[0]])) for place, one in late.items()]
    )


async def _held_of(uow: UnitOfWork, places: Sequence[Place], now: datetime) -> list[HeldUsage]:
    """Those of these periods of which anything is held."""
    repository = CorrectionRepository(uow.connection)
    late = await repository.late(places)
    counted = {place: count for place, count in (await _held_in(uow, late)).items() if count}
    if not counted:
        return []
    chains = await _chains(uow, list(late))
    subjects = await repository.subjects(sorted(counted))
    seen = (await watermark(uow)).batches
    found: list[HeldUsage] = []
    for places in _one_of_each(sorted(counted), chains):
        for one in await _billed(uow, places, chains, now):
            place = one.period.place
            found.append(
                HeldUsage(
                    one.period,
                    one.due.period.start_date,
                    one.due.period.end_date,
                    one.due.chain[-1].terms.currency,
                    counted[place],
                    late[place],
                    subjects[place],
                    _seen(late[place], seen),
                    one.lines,
                    one.fault,
                )
            )
    return sorted(found, key=lambda one: one.period.place)


def _one_of_each(places: Sequence[Place], chains: Mapping[str, Chain]) -> list[list[Place]]:
    """Split the periods so that of those that are priced together none has the customer of another: what is billed of one may
    change what another comes to, and somebody decides about each."""
    rounds: list[dict[str, Place]] = []
    for place in places:
        customer = chains[place[0]][-1].terms.customer
        free = next((one for one in rounds if customer not in one), None)
        if free is None:
            rounds.append(free := {})
        free[customer] = place
    return [list(one.values()) for one in rounds]


@dataclass(frozen=True, slots=True)
class _Billed:
    """A final period, and what would change in all of its contract if its held usage were billed."""

    period: FinalPeriod
    due: DueStatement
    lines: tuple[LateLine, ...] = ()
    fault: str | None = None


async def _billed(
    uow: UnitOfWork, places: Sequence[Place], chains: Mapping[str, Chain], now: datetime
) -> list[_Billed]:
    """Price these periods without and with what is held of them, and with each the final periods that count towards its
    commitments: they are corrected with it. No two are of one contract."""
    together = [*places, *await find_counting(uow, places, chains)]
    without, _ = await price_again(uow, together, chains, now, keeping=None)
    billed, _ = await price_again(uow, together, chains, now, keeping=None, billing=frozenset(places))
    pairs: dict[str, list[tuple[PricedAgain, PricedAgain]]] = {}
    for pair in zip(without, billed, strict=True):
        pairs.setdefault(pair[0].due.contract, []).append(pair)
    return [
        _changed(one, pairs[one.due.contract]) for one in without if one.period.place in frozenset(places)
    ]


def _changed(held: PricedAgain, pairs: Sequence[tuple[PricedAgain, PricedAgain]]) -> _Billed:
    made = [one.made for pair in pairs for one in pair]
    if fault := next((one for one in made if isinstance(one, AppError)), None):
        return _Billed(held.period, held.due, fault=fault.detail)
    lines = [line for without, billed in pairs for line in _lines(without, billed)]
    return _Billed(held.period, held.due, tuple(lines))


def _lines(without: PricedAgain, billed: PricedAgain) -> list[LateLine]:
    """By how much the lines of a period change, also those that come or go."""
    start, found = billed.due.period.start_date, dict[str, LateLine]()
    for sign, one in ((-1, without), (1, billed)):
        assert isinstance(one.made, Correction)
        for line in one.made.message.lines:
            before = found.get(line.line_id, LateLine(start, line.key))
            found[line.line_id] = LateLine(
                start,
                line.key,
                before.quantity + sign * line.quantity,
                before.amount_minor + sign * line.amount_minor,
                before.drawn_minor + sign * sum([draw.amount_minor for draw in line.draws]),
            )
    return [line for line in found.values() if line.quantity or line.amount_minor or line.drawn_minor]


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
