"""A one-off charge."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field

from shared.pricing.effective import Effective
from shared.pricing.explanation.step import Input, Step, edge
from shared.pricing.fields import StartDay
from shared.pricing.lines.amount import AmountLine
from shared.pricing.reach import Turn
from shared.pricing.results import PricedSegment
from shared.values.fields import Key

_NONE, _ONE = Decimal(0), Decimal(1)


class OneOffLine(AmountLine):
    """An amount that is due once, on a day, by what is in force as the day begins. It is never prorated, and counts
    towards no spending minimum and no cap."""

    is_spend: ClassVar[bool] = False

    key: Key
    kind: Literal["one_off"]
    on: Annotated[StartDay, Field(alias="date")]

    @property
    def due_on(self) -> date:
        return self.on

    @classmethod
    def up_to(cls, stretches: Sequence[Effective[Self]], instant: datetime) -> tuple[Effective[Self], ...]:
        """It counts from its day on."""
        return tuple([one for one in stretches if one.start < instant])

    @classmethod
    def gross(cls, stretches: Sequence[Effective[Self]], turns: Sequence[Turn[Self]]) -> list[PricedSegment]:
        return [
            PricedSegment(
                start=one.start,
                end=one.end,
                version=one.version,
                clause_hash=one.hashes[0],
                group={},
                quantity=_ONE,
                allowance=_NONE,
                priced=_ONE,
                exact=one.clause.amount,
            )
            for one in stretches
        ]

    @classmethod
    def explain(
        cls,
        stretches: Sequence[Effective[Self]],
        turns: Sequence[Turn[Self]],
        segments: Sequence[PricedSegment],
    ) -> Iterator[Step]:
        for one in stretches:
            said: dict[str, Input] = {
                "quantity": _ONE,
                "fee": one.clause.amount,
                "days": 1,
                "whole_days": 1,
                "before": _NONE,
                "version": one.version,
                "start": edge(one.start),
                "end": edge(one.end),
            }
            yield Step("fee", one.clause_ids, said, output=one.clause.amount, amount=one.clause.amount)
