"""What is asked for beforehand: the documents of prepaid commitments and credits, each on its date."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final, Literal, NamedTuple

import msgspec

from shared.pricing.blocks.agreed import Promise
from shared.pricing.blocks.block import Block
from shared.pricing.explanation.step import Input, Step
from shared.pricing.inputs import VersionInForce
from shared.pricing.language.terms import Terms
from shared.pricing.layout import layout_of
from shared.values.ids import clause_id
from shared.values.money import Currency, allocate, to_decimal
from shared.values.period import ServicePeriod, add_months, local_date, local_midnight

#: Schedule of a commitment → the months between two of its documents.
_EVERY: Final = {"monthly": 1, "quarterly": 3, "yearly": 12}


@dataclass(frozen=True, slots=True)
class Part:
    """What one document asks for: a part of a block, on the local day `start_date`, at the instant `due`. It is for
    the days up to `end_date`, included, and the part `number` of `parts` equal ones of `whole_minor`.

    `occasion` is `commitment:KEY:N`, counted from 1 over all periods of the commitment, or `prepayment:BLOCK`. `clause_id`
    is that of its clause; of a block that a call granted it stands for the call.
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

    @property
    def share(self) -> "Share":
        """What of the block it asks for."""
        return Share(
            self.block.key,
            self.clause_id,
            self.whole_minor,
            self.number,
            self.parts,
            self.amount_minor,
        )


class Share(NamedTuple):
    """What of a block a document asks for: the part `number` of `parts` equal ones of the whole."""

    key: str
    clause: str
    whole_minor: int
    number: int
    parts: int
    amount_minor: int

    def step(self, to: Currency) -> Step:
        """Return the step that leads to the amount."""
        said: dict[str, Input] = {
            "block": self.key,
            "whole": to_decimal(self.whole_minor, to),
            "number": self.number,
            "parts": self.parts,
            "currency": to.code,
        }
        amount = to_decimal(self.amount_minor, to)
        return Step("part", (self.clause,), said, output=amount, amount=amount)


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
        yield _prepayment(block, block.clauses[0], credit.hash, block.amount_minor, terms)


def prepayment_of(block: Block, cost_minor: int, terms: Terms) -> Part:
    """Return what is asked for a block that a call granted to a contract of these terms: what it costs, as it begins. Its
    hash is of the block and its cost."""
    said = hashlib.sha256(msgspec.json.encode((block, cost_minor))).hexdigest()[:32]
    return _prepayment(block, clause_id(terms.contract, "blocks", block.id), said, cost_minor, terms)


def _prepayment(block: Block, clause: str, clause_hash: str, cost_minor: int, terms: Terms) -> Part:
    start = local_date(block.effective, terms.timezone)
    last = local_midnight(terms.term.end, terms.timezone) if block.ends is None else block.ends
    return Part(
        "prepayment",
        f"prepayment:{block.id}",
        block,
        clause,
        clause_hash,
        block.effective,
        start,
        max(start, local_date(last - timedelta(microseconds=1), terms.timezone)),
        cost_minor,
        cost_minor,
        1,
        1,
    )
