"""A matrix by dimensions."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from functools import cached_property
from itertools import combinations, product
from math import prod
from typing import Annotated, Any, ClassVar, Final, Literal, Self

from pydantic import ConfigDict, Discriminator, Field, Tag, model_validator

from shared.errors import AppError
from shared.pricing.clause import Clause
from shared.pricing.escalator import Raise
from shared.pricing.faults import Fault, refuse
from shared.pricing.fields import UnitPrice
from shared.pricing.models.model import ByTotal, Part
from shared.pricing.models.per_unit import PerUnit
from shared.values.fields import DataText, Dimension
from shared.values.groups import Group
from shared.values.names import DIMENSIONS_MAX, dimension_value

GROUPS_MAX: Final = 100_000
"""Sets of values that the rows of a matrix name together."""


#: Groups whose price one matrix remembers.
KNOWN_MAX: Final = 1000


class NoRateForGroup(AppError):
    """The matrix has no rate for these dimension values; add a row for them or a row without dimensions."""


def _one_or_many(said: object) -> str:
    return "values" if isinstance(said, list | tuple) else "value"


RowValues = Annotated[
    Annotated[DataText, Tag("value")]
    | Annotated[tuple[DataText, ...], Field(min_length=1, max_length=GROUPS_MAX), Tag("values")],
    Discriminator(_one_or_many),
]


class Rate(Clause):
    """One row: values of some dimensions, and what a unit costs where they hold; a list of values is a row for each. A
    row without dimensions is the default."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, RowValues] = Field(init=False)

    unit: UnitPrice

    @property
    def values(self) -> dict[str, tuple[str, ...]]:
        """Dimension → values as usage is kept apart by them."""
        return {
            name: tuple(map(dimension_value, (said,) if isinstance(said, str) else said))
            for name, said in (self.__pydantic_extra__ or {}).items()
        }

    def groups(self) -> Iterator[Group]:
        """Yield each set of values that the row prices."""
        yield from product(
            *([(name, value) for value in found] for name, found in sorted(self.values.items()))
        )


#: Of what is left unpriced.
_NOTHING: Final = PerUnit.model_construct(model="per_unit", unit=Decimal(0))


class Matrix(ByTotal):
    """The price of a unit depends on its dimensions. The row that names most of them wins; among equals, the
    one written first. Usage that no row prices holds the statement, or with `unmatched: leave` is stated as unpriced."""

    example: ClassVar[Mapping[str, Any]] = {
        "model": "matrix",
        "dimensions": ["region"],
        "rates": [{"region": "eu", "unit": "0.0011"}, {"unit": "0.0007"}],
    }

    model: Literal["matrix"]
    dimensions_: Annotated[
        tuple[Dimension, ...], Field(alias="dimensions", min_length=1, max_length=DIMENSIONS_MAX)
    ]
    rates: Annotated[tuple[Rate, ...], Field(min_length=1, max_length=10_000)]
    unmatched: Literal["hold", "leave"] = "hold"

    @model_validator(mode="after")
    def _rows_fit_the_dimensions(self) -> Self:
        refuse(self._too_many() or [*self._unknown_dimensions(), *self._repeated_rows()])
        return self

    @cached_property
    def dimensions(self) -> tuple[str, ...]:
        return tuple(sorted(set(self.dimensions_)))

    @cached_property
    def named_values(self) -> frozenset[tuple[str, str]]:
        return frozenset(
            (name, value) for rate in self.rates for name, values in rate.values.items() for value in values
        )

    def escalated(self, price_now: Raise) -> Self:
        return self.having(rates=tuple([rate.having(unit=price_now(rate.unit)) for rate in self.rates]))

    def for_group(self, group: Group) -> PerUnit:
        return self._known.get(group) or self._price_of(group)

    def _price_of(self, group: Group) -> PerUnit:
        row = self.rank(group)
        price = self._prices[row] if row < len(self._prices) else _NOTHING
        if len(self._known) < KNOWN_MAX:
            self._known[group] = price
        return price

    @cached_property
    def _known(self) -> dict[Group, PerUnit]:
        """The prices of groups that were asked for."""
        return {}

    @property
    def leaves_some(self) -> bool:
        return self.unmatched == "leave"

    def leaves(self, group: Group) -> bool:
        return self.leaves_some and self._row(group) is None

    def rank(self, group: Group) -> int:
        """Return the index of the row that prices this group: groups draw the allowance in the order of the rows, what
        is left unpriced last."""
        row = self._row(group)
        if row is not None:
            return row
        if self.leaves_some:
            return len(self.rates)
        raise NoRateForGroup(
            f"No rate for {', '.join(f'{name}={value}' for name, value in group) or 'usage without dimensions'}."
        )

    def _row(self, group: Group) -> int | None:
        row = self._rows.get(group)
        if row is None and len(group) > 1:
            row = self._row_of_some(group)
        return self._rows.get(()) if row is None else row

    def _row_of_some(self, group: Group) -> int | None:
        """Return the row that names most of the group's values, but not all."""
        for named in range(len(group) - 1, 0, -1):
            rows = [self._rows[subset] for subset in combinations(group, named) if subset in self._rows]
            if rows:
                return min(rows)
        return None

    def cost(self, quantity: Decimal) -> Decimal:
        return self.for_group(()).cost(quantity)

    def parts(self, quantity: Decimal) -> tuple[Part, ...]:
        return self.for_group(()).parts(quantity)

    @cached_property
    def _prices(self) -> tuple[PerUnit, ...]:
        return tuple(PerUnit.model_construct(model="per_unit", unit=rate.unit) for rate in self.rates)

    @cached_property
    def _rows(self) -> dict[Group, int]:
        """The row of each set of values: found by look-up, as a matrix may have thousands of rows and
        groups."""
        return {
            group: index for index, rate in reversed(list(enumerate(self.rates))) for group in rate.groups()
        }

    def _unknown_dimensions(self) -> list[Fault]:
        return [
            Fault(
                ("rates", index, name),
                "unknown_key",
                f"{name} is not one of the dimensions {', '.join(self.dimensions_)}.",
            )
            for index, rate in enumerate(self.rates)
            for name in rate.values
            if name not in self.dimensions_
        ]

    def _too_many(self) -> list[Fault]:
        named = sum(prod(len(values) for values in rate.values.values()) for rate in self.rates)
        said = f"The rows name {named} sets of values, at most {GROUPS_MAX} are priced; leave out what the default row prices."
        return [Fault(("rates",), "too_many_values", said)] if named > GROUPS_MAX else []

    def _repeated_rows(self) -> list[Fault]:
        """A row prices nothing where rows before it, which win, name all of its values."""
        return [
            Fault(("rates", index), "duplicate_rate", "An earlier row names the same values.")
            for index, rate in enumerate(self.rates)
            if all(self._rows[group] < index for group in rate.groups())
        ]
