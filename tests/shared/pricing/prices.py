"""Prices of every model, drawn from what the model says of itself: its example, with whatever its types let
vary drawn anew."""

from collections.abc import Mapping
from typing import Any, Literal, get_args, get_origin

from hypothesis import strategies as st
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from shared.pricing.fields import PositiveQuantity
from shared.pricing.fields import UnitPrice as Amount
from shared.pricing.models import Price
from shared.pricing.models.model import ByTotal
from shared.pricing.models.tiers import Tiers
from shared.pricing.unions import members

Written = st.SearchStrategy[dict[str, Any]]
MODELS = members(Price, ByTotal)
units = st.decimals(min_value=0, max_value=100, places=6).map(str)


@st.composite
def tiers(draw: st.DrawFn) -> list[dict[str, str]]:
    bounds = sorted(draw(st.sets(st.integers(1, 5000), max_size=4)))
    return [
        *({"up_to": str(bound), "unit": draw(units), "flat": draw(units)} for bound in bounds),
        {"unit": draw(units), "flat": draw(units)},
    ]


@st.composite
def capped_tiers(draw: st.DrawFn) -> list[dict[str, str]]:
    return [{**row, **({"cap": draw(units)} if draw(st.booleans()) else {})} for row in draw(tiers())]


class Varied(BaseModel):
    """The types that a field may have to be drawn anew."""

    tiers: Tiers
    amount: Amount
    size: PositiveQuantity


#: What a field that is typed as the one of Varied is drawn from.
DRAWN = {"tiers": capped_tiers(), "amount": units, "size": st.integers(1, 500).map(str)}


def like(kind: type[BaseModel], example: Mapping[str, Any]) -> Written:
    """Return documents of this kind: the example, with choices and numbers drawn. What no type here knows
    stays as the example has it."""
    fields = {field.alias or name: field for name, field in kind.model_fields.items()}
    written = {name: _drawn(fields.get(name), value) for name, value in example.items()}
    choices = {
        name: _choice(field) for name, field in fields.items() if name not in example and _is_choice(field)
    }
    return st.fixed_dictionaries(written, optional=choices)


def _drawn(field: FieldInfo | None, value: Any) -> st.SearchStrategy[Any]:
    if field is None:
        return st.just(value)
    for name, known in Varied.model_fields.items():
        if (field.annotation, field.metadata) == (known.annotation, known.metadata):
            return DRAWN[name]
    if _is_choice(field):
        return _choice(field)
    rows = [one for one in get_args(field.annotation) if isinstance(one, type) and issubclass(one, BaseModel)]
    return st.tuples(*(like(rows[0], row) for row in value)).map(list) if rows else st.just(value)


def _is_choice(field: FieldInfo) -> bool:
    return get_origin(field.annotation) is Literal


def _choice(field: FieldInfo) -> st.SearchStrategy[Any]:
    return st.sampled_from(get_args(field.annotation))


PRICES: dict[str, Written] = {name: like(kind, kind.example) for name, kind in MODELS.items()}
