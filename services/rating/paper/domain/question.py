"""A question: terms and usage, and until when they are priced."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Protocol

from shared.errors import AppError
from shared.pricing.blocks import Block
from shared.pricing.blocks.parts import Part
from shared.pricing.inputs import VersionInForce
from shared.pricing.needs import Totals, TotalsRead
from shared.values.groups import Group


class QuestionInvalid(AppError):
    """The question cannot be priced; `errors` names every fault with its path."""


def fault(path: str, code: str, detail: str) -> dict[str, str]:
    return {"path": path, "code": code, "detail": detail}


def told(faults: Sequence[Mapping[str, str]]) -> str:
    """Return the first of them as a sentence."""
    return "; ".join(f"{one['path']}: {one['detail']}" for one in faults[:5])


def refused(*faults: dict[str, str]) -> QuestionInvalid:
    return QuestionInvalid(told(faults), errors=list(faults))


class UsageRead(Protocol):
    """Usage of whatever kind: one answer a need, in order."""

    def quantities(self, needs: Sequence[Totals]) -> Sequence[TotalsRead]: ...


@dataclass(frozen=True, slots=True)
class UsageRow:
    """A quantity that a usage line counts at an instant, or between two (half-open), and what it was before it was
    prorated."""

    path: str
    line: str
    start: datetime
    end: datetime | None
    quantity: Decimal
    full_quantity: Decimal
    group: Group


@dataclass(frozen=True, slots=True)
class Question:
    """The versions known, in the order they were recorded, and their usage before `until`. `blocks` are granted beside
    those of clauses, and `prepayments` is what documents ask for them."""

    chain: tuple[VersionInForce, ...]
    usage: UsageRead
    until: datetime
    blocks: tuple[Block, ...] = ()
    prepayments: tuple[Part, ...] = ()
