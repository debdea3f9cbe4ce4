"""What is asked for beforehand: the documents of prepaid commitments and credits, each on its date."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Final, Literal, NamedTuple

import msgspec

from shared.pricing.blocks.agreed import Promise
from shared.pricing.blocks.block import Block
from shared.pricing.blocks.cost import cost_of
from shared.pricing.explanation.step import Input, Step
from shared.pricing.inputs import VersionInForce
from shared.pricing.language.terms import Terms
from shared.pricing.layouts import layout_of
from shared.values.ids import clause_id
from shared.values.made_from import made_from
from shared.values.money import Currency, Rounding, allocate, to_decimal
from shared.values.period import ServicePeriod, add_months, local_date, local_midnight

#: Schedule of a commitment → the months between two of its documents.
_EVERY: Final = {"monthly": 1, "quarterly": 3, "yearly": 12}


@dataclass(frozen=True, slots=True)
class Part:
    """What one document asks for: a part of a block, on the local day `start_date`, at the instant `due`. It is for
    the days up to `end_date`, included, and the part `number` of `parts` equal ones of `whole_minor`.

    `occasion` is `commitment:KEY:N`, counted from 1 over all periods of the commitment, or `prepayment:BLOCK`. `clause_id`
    is that of its clause; of a block that a call granted it stands for the call. `cost_basis`: what is paid for a unit of
    the block, of which `granted_minor` then cost `whole_minor`; None: it is paid at its amount.
    """

    kind: Literal["commitment", "prepayment"]
    occasion: str
    block: Block
    clause_id: str
    clause_hash: str
    due: datetime
    start_date: date
    end_date: date
    whole_minor: int
    amount_minor: int
    number: int
    parts: int
    granted_minor: int | None = None
    cost_basis: Decimal | None = None

    @property
    def share(self) -> "Share":
        """What of the block it asks for."""
        return _share_of(self)


class Share(NamedTuple):
    """What of a block a document asks for: the part `number` of `parts` equal ones of the whole, which is what so much of
    it costs where there is a `cost_basis`."""

    key: str
    clause: str
    whole_minor: int
    number: int
    parts: int
    amount_minor: int
    granted_minor: int | None
    cost_basis: Decimal | None

    def steps(self, to: Currency) -> tuple[Step, ...]:
        """Return the steps that lead to the amount."""
        return (
            (self._part(to),)
            if self.cost_basis is None
            else (self._cost(to, self.cost_basis), self._part(to))
        )

    def _cost(self, to: Currency, cost_basis: Decimal) -> Step:
        assert self.granted_minor is not None, "it costs something else"
        said: dict[str, Input] = {
            "block": self.key,
            "granted": to_decimal(self.granted_minor, to),
            "cost_basis": cost_basis,
            "rounding": Rounding.HALF_UP.value,
            "currency": to.code,
        }
        return Step("cost", (self.clause,), said, output=to_decimal(self.whole_minor, to))

    def _part(self, to: Currency) -> Step:
        said: dict[str, Input] = {
            "block": self.key,
            "whole": to_decimal(self.whole_minor, to),
            "number": self.number,
            "parts": self.parts,
            "currency": to.code,
        }
        amount = to_decimal(self.amount_minor, to)
        return Step("part", (self.clause,), said, output=amount, amount=amount)


def _share_of(part: Part) -> Share:
    return made_from(Share, part, key=part.block.key, clause=part.clause_id)


def parts_due(chain: Sequence[VersionInForce], period: ServicePeriod) -> list[Part]:
    """Return what is asked for within a service period, the earliest first."""
    layout = layout_of(chain, period)
    if layout.terms is None:
        return []
    found = [part for promise in layout.agreed.promises for part in _of_promise(promise, layout.terms)]
    found += [part for block in layout.agreed.credits for part in _of_credit(block, layout.terms)]
    within = [part for part in found if period.start <= part.due < period.end]
    return sorted(within, key=lambda part: (part.due, part.kind, part.block.key))


def asked_for(block: Block, terms: Terms) -> bool:
    """Whether documents ask for what a clause of these terms grants of a block."""
    if block.kind == "commitment":
        return any(one.key == block.key and one.schedule != "none" for one in terms.commitments)
    return block.kind == "prepaid" and any(one.key == block.key and one.asked_for for one in terms.credits)


def cost_basis_in(block: Block, terms: Terms) -> Decimal | None:
    """What a clause of these terms says is paid for a unit of a block; None: it is paid at its amount, or given."""
    if block.kind != "prepaid":
        return None
    return next((one.cost_basis for one in terms.credits if one.key == block.key), None)


def _of_promise(promise: Promise, terms: Terms) -> Iterator[Part]:
    """The amount in equal parts, by largest remainder; what fell due before the commitment was agreed is due then."""
    clause, block, window = promise.clause, promise.block, promise.window
    if clause.schedule == "none":
        return
    step = _EVERY.get(clause.schedule)
    dates = [window.start]
    while step and (following := add_months(window.start, step * len(dates))) < window.end:
        dates.append(following)
    before = -(-window.months // step) if step else window.number
    ends = [*dates[1:], window.end]
    for index, minor in enumerate(allocate(block.amount_minor, [1] * len(dates))):
        if not minor:
            continue
        due = max(local_midnight(dates[index], terms.timezone), block.effective)
        yield Part(
            "commitment",
            f"commitment:{clause.key}:{before + index + 1}",
            block,
            block.clauses[0],
            promise.clause_hash,
            due,
            max(dates[index], local_date(due, terms.timezone)),
            ends[index] - timedelta(days=1),
            block.amount_minor,
            minor,
            index + 1,
            len(dates),
        )


def _of_credit(block: Block, terms: Terms) -> Iterator[Part]:
    """The whole amount as it begins, where its document asks for it."""
    credit = next(one for one in terms.credits if one.key == block.key)
    if credit.asked_for:
        yield _prepayment(
            block, block.amount_minor, (block.clauses[0], credit.hash), terms, credit.cost_basis
        )


def prepayment_of(block: Block, granted_minor: int, terms: Terms, cost_basis: Decimal | None) -> Part:
    """Return what is asked for a block that a call granted to a contract of these terms: what it granted, at what is paid for
    a unit of it (None: at its amount), as it begins. Its hash is of the block, and of what is asked for."""
    clause = clause_id(terms.contract, "blocks", block.id)
    part = _prepayment(block, granted_minor, (clause, ""), terms, cost_basis)
    said = hashlib.sha256(msgspec.json.encode((block, part.whole_minor))).hexdigest()[:32]
    return replace(part, clause_hash=said)


def _prepayment(
    block: Block, granted_minor: int, clause: tuple[str, str], terms: Terms, cost_basis: Decimal | None
) -> Part:
    """`clause`: its id and hash."""
    start = local_date(block.effective, terms.timezone)
    last = local_midnight(terms.term.end, terms.timezone) if block.ends is None else block.ends
    minor = granted_minor if cost_basis is None else cost_of(granted_minor, cost_basis)
    return Part(
        "prepayment",
        f"prepayment:{block.id}",
        block,
        *clause,
        block.effective,
        start,
        max(start, local_date(last - timedelta(microseconds=1), terms.timezone)),
        minor,
        minor,
        1,
        1,
        None if cost_basis is None else granted_minor,
        cost_basis,
    )
