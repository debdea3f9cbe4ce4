"""A plan of the catalogue."""

from typing import Annotated

from pydantic import Field

from shared.pricing.clause import Clause
from shared.pricing.fields import CurrencyCode
from shared.pricing.lines import Line
from shared.values.fields import Key, Label


class Plan(Clause):
    """A plan of the catalogue: lines that contracts naming it start from."""

    plan: Key
    name: Label | None = None
    currency: CurrencyCode | None = None
    lines: Annotated[tuple[Line, ...], Field(min_length=1, max_length=1000)]
