"""What finalized documents settle of a contract's service periods: revenue, before tax and whatever pays it. Pure.

A draw is how a line is paid, so it takes nothing away, with two exceptions: what was given was never revenue, nor is what of
a block nobody paid for that was sold below its amount, and what is paid from a shortfall is revenue already.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from typing import Final

from shared.topics.billing import DocumentLine, DocumentMessage

#: Kinds of documents that ask for a block beforehand: what is used of it is a line of another document.
BEFOREHAND: Final = frozenset({"commitment", "prepayment"})
#: Kind of a line that comes once: it is neither fee nor usage, and does not come again.
ONE_OFF: Final = "one_off"
#: Kind of a line, and of a block: what is short of a commitment at its end.
SHORTFALL: Final = "shortfall"
#: Kind of a block: what was given.
PROMOTIONAL: Final = "promotional"


@dataclass(frozen=True, slots=True)
class Settled:
    """What a document settles of one line of the terms, in a contract's service period. The dates are local and both
    inclusive; amounts are minor units, below zero where the document gives back.

    `settled_minor`: fees and usage; `shortfall_minor`: what is short of a commitment, less what late use pays from it.
    """

    document_id: str
    contract: str
    start_date: date
    key: str
    end_date: date
    customer_id: str
    currency: str
    settled_minor: int
    shortfall_minor: int

    @property
    def is_money(self) -> bool:
        return bool(self.settled_minor or self.shortfall_minor)


def settles(message: DocumentMessage) -> bool:
    """Whether what the document asks for is settled: it is history, and not asked for beforehand."""
    return message.status == "finalized" and message.kind not in BEFOREHAND


def settled_by(message: DocumentMessage) -> list[Settled]:
    """Return what a document settles, by contract, period and line of the terms; nothing is left out."""
    lines = sorted(message.lines, key=lambda line: _place(message, line))
    return [
        _settled(message, place, list(group))
        for place, group in groupby(lines, key=lambda line: _place(message, line))
    ]


def _place(message: DocumentMessage, line: DocumentLine) -> tuple[str, str, str, str]:
    """The contract and the period of a line, and its key. A message of before names them of the document alone."""
    if not line.contract:
        return message.contract, message.period_start_date, message.period_end_date, line.key
    return line.contract, line.period_start_date, line.period_end_date, line.key


def _settled(
    message: DocumentMessage, place: tuple[str, str, str, str], lines: list[DocumentLine]
) -> Settled:
    contract, start, end, key = place
    comes_again = [line for line in lines if line.kind != ONE_OFF]
    short = [line for line in comes_again if line.kind == SHORTFALL]
    used = [line for line in comes_again if line.kind != SHORTFALL]
    return Settled(
        message.document_id,
        contract,
        date.fromisoformat(start),
        key,
        date.fromisoformat(end),
        message.customer_id,
        message.currency,
        _amount(used) - _given(used),
        _amount(short) - _given(short) - _drawn(comes_again, SHORTFALL),
    )


def _amount(lines: Iterable[DocumentLine]) -> int:
    return sum(line.amount_minor for line in lines)


def _given(lines: Sequence[DocumentLine]) -> int:
    """What of them is paid by what nobody paid for."""
    below_its_amount = sum(draw.given_minor for line in lines for draw in line.draws)
    return _drawn(lines, PROMOTIONAL) + below_its_amount


def _drawn(lines: Iterable[DocumentLine], kind: str) -> int:
    return sum(draw.amount_minor for line in lines for draw in line.draws if draw.kind == kind)
