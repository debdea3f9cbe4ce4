"""Price final periods once more, by what is known now and on their own opening balances. Nothing is written."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from itertools import groupby
from typing import Any

import msgspec

from services.rating.contracts.domain.chain import credits_apart, late_usage_of
from services.rating.contracts.memory import Chain
from services.rating.corrections.domain.asked import Earlier, asked_lines, falls_apart, with_cost_left
from services.rating.corrections.domain.counted import CountedRow, Counts
from services.rating.corrections.domain.late import Late
from services.rating.corrections.repository import CorrectionRepository
from services.rating.corrections.rows import (
    CorrectionRow,
    FinalPeriod,
    KeptWith,
    Outcome,
    Place,
    SaidCorrection,
)
from services.rating.metering.domain.stretches import TakenOut
from services.rating.metering.usecases.read_quantities import watermark
from services.rating.statements.domain.balances import from_stored, handed_on, to_stored
from services.rating.statements.domain.due import DueStatement, PricedStatement
from services.rating.statements.domain.message import PricedAt, at_cost, cost_in_all, message_of
from services.rating.statements.usecases.draw_on_blocks import (
    Drawing,
    hold_blocks,
    look_at_blocks,
    name_of,
    price_in_turn,
)
from services.rating.statements.usecases.price import in_turn, meters_of, revisions_of
from services.rating.statements.usecases.read_usage import Settled, read_usage
from shared.db.unit_of_work import UnitOfWork
from shared.errors import AppError
from shared.pricing.facts import Facts
from shared.pricing.figures import price_within_bounds
from shared.pricing.inputs import VersionInForce
from shared.pricing.needs import Usage
from shared.runtime.clock import machine_us
from shared.topics.rating import NOTE, AskedLine, StatementMessage
from shared.values.ids import statement_id
from shared.values.money import settle


@dataclass(frozen=True, slots=True)
class Correction:
    """What a period comes to when it is priced once more. `number` is None where no line changed, so that it is no
    correction; `row` is what is kept of it; `rest` asks for what is not on the same note."""

    message: StatementMessage
    run: int
    number: int | None
    outcome: Outcome
    row: CorrectionRow
    rest: "Correction | None" = None

    def at_cost(self, costs: Mapping[tuple[str, str], int], earlier: Earlier) -> "Correction":
        """The same, saying what was paid for its draws: (line, block) → that."""
        before = earlier.draw_costs()
        if not costs and not before:
            return self
        message = at_cost(self.message, costs, before)
        lines = with_cost_left(message.lines, cost_in_all(costs, before), earlier)
        message = msgspec.structs.replace(message, lines=lines)
        rest = self.rest and self.rest.at_cost(costs, earlier)
        return replace(self, message=message, row=self.row.saying(message), rest=rest)

    @property
    def all(self) -> list["Correction"]:
        """It, and what is not on the same note."""
        return [self, *(self.rest.all if self.rest else ())]


@dataclass(frozen=True, slots=True)
class PricedAgain:
    """A final period, what was settled of it before, and its correction, or why there is none; `drawn` is what is
    written of its draws."""

    period: FinalPeriod
    due: DueStatement
    earlier: Earlier
    made: Correction | AppError
    drawn: PricedStatement | None = None

    @property
    def changes(self) -> bool:
        """Whether anything becomes of it."""
        return not isinstance(self.made, Correction) or self.made.outcome != "unchanged"

    @property
    def counts_otherwise(self) -> bool:
        """Whether it counts more or less towards commitments than before, though it comes to the same."""
        before = set(from_stored(self.due.closing).counted)
        return self.drawn is not None and set(self.drawn.closing.counted) != before


async def price_again(
    uow: UnitOfWork,
    places: Sequence[Place],
    chains: Mapping[str, Chain],
    now: datetime,
    *,
    keeping: Collection[Place] | None = (),
    billing: Collection[Place] = (),
) -> tuple[list[PricedAgain], Drawing]:
    """Return those of these periods that are final, oldest first, under these chains, held by this transaction with the
    blocks that they draw on. All reads share its snapshot. They draw on blocks before all drafts, but for those that are
    `keeping` what they drew; None: nothing is held, to be shown, and nobody waits for it. `billing`: these as they
    would be with the late usage that is held for a decision."""
    repository = CorrectionRepository(uow.connection)
    found = await (repository.look(places) if keeping is None else repository.hold(places))
    periods = {period.place: period for period in found}
    if not periods:
        return [], Drawing()
    due = [period.claimed.due(chains[period.claimed.contract]) for period in periods.values()]
    look = look_at_blocks(uow, due, ()) if keeping is None else hold_blocks(uow, due, keeping)
    drawing = await look
    due = [_reopened(one) for one in in_turn(due, drawing, periods.keys())]
    meters, covered = await meters_of(uow, due), await watermark(uow)
    at = PricedAt(machine_us(), covered.batches, covered.newest_received_us, now, revisions_of(meters))
    left, late = await repository.left(places), await repository.late(places)
    out = [_out(late.get(name_of(one)), covered.batches, also_held=name_of(one) in billing) for one in due]
    settled = [Settled(left.get(name_of(one), ()), of) for one, of in zip(due, out, strict=True)]
    usage = await read_usage(uow, due, meters, settled)
    earlier = _earlier(await repository.told(places))

    reads = [
        _Read(periods[name_of(one)], one, earlier[name_of(one)], quantities, of, late.get(name_of(one)), at)
        for one, quantities, of in zip(due, usage, out, strict=True)
    ]
    promised = sorted({one.contract for one in due if _counts(one)})
    rows = await repository.counted(promised) if promised else []
    priced, _ = price_in_turn(drawing, partial(_priced_in_turn, reads, rows))
    return priced, drawing


@dataclass(frozen=True, slots=True)
class _Read:
    """What a period is priced from."""

    period: FinalPeriod
    due: DueStatement
    earlier: Earlier
    usage: Usage
    out: TakenOut | None
    late: Late | None
    at: PricedAt


def _out(late: Late | None, watermark: Mapping[str, int], *, also_held: bool) -> TakenOut | None:
    """What is taken out of a period; None where nothing is, so that it is read as any other."""
    if late is None:
        return None
    out = late.waived if also_held else late.taken_out
    return out if out.reaches(watermark) else None


def _reopened(due: DueStatement) -> DueStatement:
    """What it was opened with, but for what calls granted and others drew: that is as it is now."""
    opening = from_stored(due.opening)
    granted = {block.id for block in due.granted}
    own = msgspec.structs.replace(
        opening, blocks=tuple([block for block in opening.blocks if block.id not in granted]), drawn=()
    )
    return replace(due, opening=to_stored(own))


def _counts(due: DueStatement) -> bool:
    """Whether anything counts towards a postpaid commitment."""
    return any(not one.prepaid for one in due.chain[-1].terms.commitments)


def _priced_in_turn(
    reads: Sequence[_Read], counted: Sequence[CountedRow], drawing: Drawing, known: Mapping[Place, AppError]
) -> tuple[list[PricedAgain], dict[Place, AppError]]:
    """Where a period counts less towards a commitment than before, what exceeded in those of its contract before it counts
    instead: they are priced once more. Once is enough, as nothing counts less when each is offered the room that all others
    leave."""
    counts = Counts(counted)
    found = [_priced(read, drawing, counts, known.get(read.period.place)) for read in reads]
    room = {
        read.due.contract
        for read in reads
        if read.due.contract in counts.fell and read.due.period.start < counts.fell[read.due.contract]
    }
    if room:
        found = [
            _priced(read, drawing, counts, known.get(read.period.place)) if one.due.contract in room else one
            for read, one in zip(reads, found, strict=True)
        ]
    return found, {one.period.place: one.made for one in found if isinstance(one.made, AppError)}


def _priced(read: _Read, drawing: Drawing, counts: Counts, known: AppError | None) -> PricedAgain:
    """`known`: why it cannot be priced."""
    period, due, earlier = read.period, read.due, read.earlier
    opened = drawing.opened(due, from_stored(due.opening))
    opening = counts.opened(*name_of(due), opened) if _counts(due) else opened
    try:
        if known:
            raise known
        priced = price_within_bounds(
            due.chain,
            due.period,
            read.usage,
            opening,
            facts=Facts(earlier.asked(), drawing.facts_of(due), _counted(due), drawing.lives_on),
            explain=True,
        )
    except AppError as fault:
        return PricedAgain(period, due, earlier, fault)
    drawing.take_again(due, priced)
    if _counts(due):
        closing = counts.closed(*name_of(due), (opened, opening), priced.closing)
        priced = msgspec.structs.replace(priced, closing=closing)
    drawn = PricedStatement(due, opening, priced)
    return PricedAgain(period, due, earlier, _corrected(drawn, read), drawn)


def _counted(due: DueStatement) -> dict[str, int]:
    """What of the period counted towards postpaid commitments when it was settled last."""
    before = {row.block: row.amount_minor for row in from_stored(due.opening).counted}
    return {
        row.block: row.amount_minor - before.get(row.block, 0) for row in from_stored(due.closing).counted
    }


def _earlier(said: Sequence[SaidCorrection]) -> Mapping[Place, Earlier]:
    return {
        place: Earlier(
            tuple(one.message for one in of_period if one.outcome == "note"),
            tuple(one.message for one in of_period if one.outcome == "waived"),
            [one.out for one in of_period if one.outcome != "carried"][-1],
        )
        for place, rows in groupby(said, key=lambda one: (one.contract, one.period_start))
        for of_period in [list(rows)]
    }


def _corrected(drawn: PricedStatement, read: _Read) -> Correction:
    due, priced = drawn.due, drawn.priced
    whole = message_of(due, priced, read.at)
    asked = asked_lines(whole.lines, priced.difference, read.earlier)
    outcome = _outcome(read, asked)
    handed = [] if read.period.next_open is None else handed_on(due.closing, drawn.closing)
    if outcome != "note" or not credits_apart(_known(read), due.period.end):
        return _kept(drawn, read, whole, asked, (outcome, 1, handed))
    first, *others = [
        _kept(drawn, read, whole, part, (outcome, number, handed if number == 1 else []))
        for number, part in enumerate(falls_apart(asked), 1)
    ]
    return replace(first, rest=others[0]) if others else first


def _kept(
    drawn: PricedStatement,
    read: _Read,
    whole: StatementMessage,
    asked: tuple[AskedLine, ...],
    as_what: tuple[Outcome, int, list[Any]],
) -> Correction:
    """`as_what`: what becomes of it, which one of its run it is, and what it hands on."""
    (outcome, nth, handed), due, period = as_what, drawn.due, read.period
    run, number = period.runs + nth, period.numbers + nth
    # One that is no correction leaves its number to the next.
    name = f"run:{run}" if outcome == "unchanged" else f"{NOTE}{number}"
    said = msgspec.structs.replace(
        whole,
        occasion=f"{NOTE}{number}",
        statement_id=statement_id(due.contract, due.period.start, name),
        asked=asked,
    )
    kept = KeptWith(
        due.period.start,
        run,
        None if outcome == "unchanged" else number,
        outcome,
        to_stored(drawn.closing),
        due.chain[-1].version,
        read.out,
        handed,
        period.next_open,
    )
    return Correction(said, run, kept.number, outcome, CorrectionRow.of(said, kept))


def _known(read: _Read) -> list[VersionInForce]:
    """The versions that were known when the period became final."""
    return [version for version in read.due.chain if version.version <= read.period.final_version]


def _outcome(read: _Read, asked: Sequence[AskedLine]) -> Outcome:
    """What becomes of the difference: too little, or no money at all, is carried, and waived once nothing more is
    accepted. What blocks pay more or less of is never too little, as what was paid before is not ours to waive; nor is
    what somebody decided to bill."""
    if not asked:
        return "unchanged"
    known = _known(read)
    terms = known[-1].terms
    least = settle(
        late_usage_of(known, read.due.period.end).waive_below, terms.money, terms.billing.rounding_mode
    ).minor
    total = sum([line.amount_minor - sum([draw.amount_minor for draw in line.draws]) for line in asked])
    small = abs(total) < least and not _decided(read)
    if any(line.draws or (line.amount_minor and not small) for line in asked):
        return "note"
    return "waived" if read.at.now >= read.period.accept_until else "carried"


def _decided(read: _Read) -> bool:
    """Whether somebody decided to bill what no document or waiver knows of yet."""
    earlier = read.earlier
    return read.late is not None and read.late.billed_beyond(earlier.watermark, earlier.out)
