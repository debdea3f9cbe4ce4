"""A line in a period."""

from typing import Generic, TypeVar

import msgspec

from shared.pricing.effective import Effective
from shared.pricing.lines import LineClause
from shared.pricing.lines.bounds import Bounds
from shared.pricing.needs import Totals

L_co = TypeVar("L_co", bound=LineClause, covariant=True)


class Placed(msgspec.Struct, Generic[L_co], frozen=True, gc=False):
    """The stretches in which a line reads the same, its id, the usage they need (that of each stretch, or none at
    all), and what its amount is held between."""

    key: str
    stretches: tuple[Effective[L_co], ...]
    line_id: str
    needs: tuple[Totals, ...]
    bounds: Bounds | None = None

    @property
    def last(self) -> Effective[L_co]:
        """As it was last in force: what names the whole line."""
        return self.stretches[-1]
