"""What the commitments and credits of a contract are in a period: blocks, each with its own window."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cached_property
from itertools import pairwise
from typing import Final, NamedTuple

from shared.pricing.blocks.block import Block
from shared.pricing.inputs import VersionInForce
from shared.pricing.language.commitments import Commitment
from shared.pricing.language.credits import Credit
from shared.pricing.language.terms import Terms
from shared.pricing.months import Months
from shared.values.ids import block_id, clause_id
from shared.values.money import settle
from shared.values.period import ServicePeriod, add_months, local_date, local_midnight

_DAYS: Final = {"day": 1, "week": 7}
_MONTHS: Final = {"month": 1, "year": 12}
_DAYS_OF_MONTH: Final = 30
_AT_ITS_PRICE: Final = Decimal(100)


class Window(NamedTuple):
    """One of a commitment's periods, counted from 0: its first local day, the day after it, and the day after the one
    that would follow; `months` are those of the periods before it."""

    number: int
    months: int
    start: date
    end: date
    next_end: date


@dataclass(frozen=True, slots=True)
class Promise:
    """A commitment in one of its periods: what is committed is a block."""

    clause: Commitment
    clause_hash: str
    block: Block
    window: Window


@dataclass(frozen=True, slots=True)
class Refilled:
    """A block that follows on another of its credit: of what that has left it keeps `least_minor` to `most_minor`
    (None: all of it) beside its own amount."""

    block: str
    after: str
    least_minor: int
    most_minor: int | None

    def kept(self, left_minor: int) -> int:
        """Return what is kept of so much."""
        kept = max(left_minor, self.least_minor)
        return kept if self.most_minor is None else min(kept, self.most_minor)


@dataclass(frozen=True)
class Agreed:
    """The commitments in the order written, and the blocks of credits, whose windows touch a period. `over`: when the period
    ended; None: it goes on."""

    promises: tuple[Promise, ...] = ()
    credits: tuple[Block, ...] = ()
    refills: tuple[Refilled, ...] = ()
    over: datetime | None = None

    @cached_property
    def promised(self) -> tuple[Block, ...]:
        """What is committed."""
        return tuple([promise.block for promise in self.promises])

    @cached_property
    def committed(self) -> Mapping[str, int]:
        """How much is committed, by block id."""
        return {block.id: block.amount_minor for block in self.promised}

    @cached_property
    def ending(self) -> tuple[Promise, ...]:
        """The commitments that end in the period, which itself is over."""
        over = self.over
        ends = [(one, one.block.ends) for one in self.promises]
        return tuple([one for one, end in ends if over is not None and end is not None and end <= over])

    @cached_property
    def short(self) -> tuple[Promise, ...]:
        """Of these, those of which what is left is asked for with the period."""
        return tuple(
            [one for one in self.ending if not one.clause.prepaid and one.clause.when_short != "none"]
        )

    @cached_property
    def paid_for(self) -> Mapping[str, Block]:
        """The commitments that pay, by id."""
        return {block.id: block for block in self.promised if block.pays}

    @cached_property
    def dearer_beyond(self) -> tuple[Promise, ...]:
        """The commitments that what exceeds them costs more than, each once, though two of its periods touch this one."""
        dearer = [one for one in self.promises if one.clause.overage_percent != _AT_ITS_PRICE]
        return tuple({one.clause.key: one for one in dearer}.values())

    @cached_property
    def refilled(self) -> Mapping[str, Refilled]:
        """The blocks that follow on another of their credit, by the id of that one."""
        return {one.after: one for one in self.refills}

    @cached_property
    def granted(self) -> Mapping[str, int]:
        """What each block of a credit has by its clause."""
        return {block.id: block.amount_minor for block in self.credits}


NOTHING_AGREED: Final = Agreed()


def agreed_in(chain: Sequence[VersionInForce], terms: Terms, period: ServicePeriod) -> Agreed:
    """Return what these terms, those last in force in a period of this chain, agree on beforehand."""
    if not (terms.commitments or terms.credits):
        return NOTHING_AGREED
    promises = tuple(
        promise
        for clause in terms.commitments
        for promise in _promises(clause, terms, _written_at(chain, "commitments", clause.key), period)
    )
    blocks, refills = list[Block](), list[Refilled]()
    for credit in terms.credits:
        lots = list(_begun(_lots(credit, terms, _written_at(chain, "credits", credit.key), period), terms))
        kept = credit.roll_over is not None
        blocks += [block for block in lots if block.effective < period.end or kept]
        refills += _refills(credit, terms, lots)
    return Agreed(promises, tuple(blocks), tuple(refills), period.end if period.ended else None)


def _written_at(chain: Sequence[VersionInForce], section: str, key: str) -> datetime:
    """Return when the first version with this clause takes force."""
    return min(
        version.effective_at
        for version in chain
        if any(clause.key == key for clause in getattr(version.terms, section))
    )


def _promises(
    clause: Commitment, terms: Terms, written_at: datetime, period: ServicePeriod
) -> Iterator[Promise]:
    own = clause_id(terms.contract, "commitments", clause.key)
    for window in _commitment_windows(clause, terms, period):
        begins = max(local_midnight(window.start, terms.timezone), written_at)
        ends = local_midnight(window.end, terms.timezone)
        if begins < ends and begins < period.end and ends > period.start:
            block = Block(
                block_id(own, window.start.isoformat()),
                clause.key,
                "commitment",
                settle(clause.amount, terms.money, terms.billing.rounding_mode).minor,
                begins,
                ends,
                begins,
                applies_to=clause.applies_to,
                clauses=(own,),
                pays=clause.prepaid,
                pro_rata=clause.spread == "pro_rata",
            )
            yield Promise(clause, clause.hash, block, window)


def _commitment_windows(clause: Commitment, terms: Terms, period: ServicePeriod) -> Iterator[Window]:
    """Yield a commitment's periods about a period; none begins before the first, and none goes on after a term that
    ends."""
    first, last = clause.anchor or terms.term.start, None if terms.renewal.auto else terms.term.end
    before, passed = 0, 0
    if clause.period == "term":
        every = Months(months=terms.renewal.term_months or terms.term.months)
        if first < terms.term.end:
            passed, before = terms.term.months, 1
            yield Window(0, 0, first, terms.term.end, _nth(terms.term.end, every, 1))
        first = terms.term.end
    else:
        every = Months(months=12) if clause.period == "year" else clause.period
    for number in _numbers(first, every, period):
        start, end = _nth(first, every, number), _nth(first, every, number + 1)
        begins, ends = max(start, terms.term.start), end if last is None else min(end, last)
        if number >= 0 and begins < ends:
            months = passed + number * every.months
            yield Window(before + number, months, begins, ends, _nth(first, every, number + 2))


def _lots(credit: Credit, terms: Terms, written_at: datetime, period: ServicePeriod) -> Iterator[Block]:
    """Yield the credit's blocks that touch a period, and the one that begins as it ends; with a refill each ends where
    the next begins."""
    own = clause_id(terms.contract, "credits", credit.key)
    begins = max(_instant(credit.effective or terms.term.start, terms.timezone), written_at)
    expires = expiry_of(credit.expires, terms.timezone)
    minor = settle(credit.amount, terms.money, terms.billing.rounding_mode).minor
    for name, start, end in _credit_windows(credit, terms, begins, period):
        effective = max(begins, start)
        ends = min((instant for instant in (end, expires) if instant is not None), default=None)
        if effective <= period.end and (ends is None or (effective < ends and ends > period.start)):
            yield Block(
                block_id(own, name),
                credit.key,
                credit.kind,
                minor,
                effective,
                ends,
                effective,
                credit.priority,
                credit.class_,
                credit.applies_to,
                (own,),
            )


def _begun(lots: Iterable[Block], terms: Terms) -> Iterator[Block]:
    """Leave out what would begin as a term ends that is not renewed: no document asks for it, and nothing is kept for it."""
    last = None if terms.renewal.auto else local_midnight(terms.term.end, terms.timezone)
    return (block for block in lots if last is None or block.effective < last)


def _credit_windows(
    credit: Credit, terms: Terms, begins: datetime, period: ServicePeriod
) -> Iterator[tuple[str, datetime, datetime | None]]:
    if credit.refill is None:
        yield "", begins, None
        return
    anchor, every = credit.refill.anchor or local_date(begins, terms.timezone), credit.refill.every
    for number in _numbers(anchor, every, period):
        start, end = _nth(anchor, every, number), _nth(anchor, every, number + 1)
        yield (
            start.isoformat(),
            local_midnight(start, terms.timezone),
            local_midnight(end, terms.timezone),
        )


def _refills(credit: Credit, terms: Terms, lots: Sequence[Block]) -> Iterator[Refilled]:
    if credit.roll_over is None:
        return

    def minor(amount: Decimal) -> int:
        return settle(amount, terms.money, terms.billing.rounding_mode).minor

    least, most = minor(credit.roll_over.min), credit.roll_over.max
    for before, after in pairwise(lots):
        if before.ends == after.effective:
            yield Refilled(after.id, before.id, least, None if most is None else minor(most))


def expiry_of(expires: date | datetime | None, timezone: str) -> datetime | None:
    """Return the instant from which a block pays no more: a date includes its local day."""
    if expires is None or isinstance(expires, datetime):
        return expires
    return local_midnight(expires + timedelta(days=1), timezone)


def _instant(moment: date | datetime, timezone: str) -> datetime:
    return moment if isinstance(moment, datetime) else local_midnight(moment, timezone)


def _numbers(anchor: date, every: str | Months, period: ServicePeriod) -> Iterator[int]:
    """Yield the numbers of the windows, counted from an anchor, that touch a period, and one after it."""
    about = _DAYS.get(every) if isinstance(every, str) else None
    length = about or _DAYS_OF_MONTH * _months(every)
    number = (period.start_date - anchor).days // length
    while _nth(anchor, every, number) > period.start_date:
        number -= 1
    while _nth(anchor, every, number + 1) <= period.start_date:
        number += 1
    after = period.end_date + timedelta(days=1)
    while _nth(anchor, every, number) <= after:
        yield number
        number += 1


def _nth(anchor: date, every: str | Months, number: int) -> date:
    if isinstance(every, str) and every in _DAYS:
        return anchor + timedelta(days=_DAYS[every] * number)
    return add_months(anchor, _months(every) * number)


def _months(every: str | Months) -> int:
    return every.months if isinstance(every, Months) else _MONTHS[every]
