"""What an API answers, as types: each answer of a route is a class below `Answer`, so that its OpenAPI document says what comes, in what format.

An answer is made where it is shown (`answers.py` beside each `api.py`), from values: an amount, a quantity and an instant write themselves.
"""

from collections.abc import Callable, Sequence
from datetime import UTC
from decimal import Decimal
from typing import Annotated, Any, Generic, Literal, Self, TypeVar

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, PlainSerializer, WithJsonSchema

from shared.decimals import plain
from shared.http.paging import Page, cursor_after

T = TypeVar("T")
A = TypeVar("A")
DECIMAL = {"type": "string", "pattern": r"^-?[0-9]+(\.[0-9]+)?$"}


def _absent(value: Any) -> bool:
    return value is None


#: A decimal string with the currency's own decimals, as `format_minor` writes it.
Amount = Annotated[str, WithJsonSchema({**DECIMAL, "description": "Money, with the currency's own number of decimals", "examples": ["120.00"]})]
#: An exact number, written without exponent and trailing zeros.
Quantity = Annotated[
    Decimal, PlainSerializer(plain, return_type=str), WithJsonSchema({**DECIMAL, "description": "An exact decimal number", "examples": ["1250.5"]})]
#: A point in time: RFC 3339 in UTC, in microseconds where it has any.
Instant = Annotated[AwareDatetime, AfterValidator(lambda moment: moment.astimezone(UTC))]
#: The default of what stands in an answer only where it was loaded: absent, not null, where its value is None (`lines: list[Line] | None = ABSENT`).
ABSENT: Any = Field(None, exclude_if=_absent)


def _without_null(described: dict[str, Any]) -> None:
    kinds = [kind for kind in described.pop("anyOf") if kind != {"type": "null"}]
    described.update(kinds[0] if len(kinds) == 1 else {"anyOf": kinds})


class Answer(BaseModel):
    """The base of all answers. Every field stands in every answer, null where it has no value, but for those whose default is ABSENT."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: Any, handler: Any) -> dict[str, Any]:
        schema: dict[str, Any] = handler(core_schema)
        described = handler.resolve_ref_schema(schema)
        properties = described.get("properties", {})
        sometimes = {name for name, field in cls.model_fields.items() if field.exclude_if is not None}
        described["required"] = [name for name in properties if name not in sometimes]
        for name, one in properties.items():
            one.pop("default", None)
            one.pop("title", None)
            if name in sometimes:
                _without_null(one)
        return schema


class Listed(Answer, Generic[T]):
    """One page of a list."""

    object: Literal["list"] = "list"
    data: list[T]
    has_more: bool
    next_cursor: str | None
    """`?cursor=` of the next page; null on the last one"""

    @classmethod
    def model_parametrized_name(cls, params: tuple[Any, ...]) -> str:
        """As the OpenAPI document names it, and a generated client its class."""
        return f"{params[0].__name__}List"

    @classmethod
    def page(cls, rows: Sequence[A], page: Page, key: Callable[[A], Sequence[str | int]], show: Callable[[A], T]) -> Self:
        """Answer one page. Callers fetch `page.limit + 1` rows; `key` gives a row's sort key as strings and ints."""
        shown = rows[: page.limit]
        more = len(rows) > page.limit
        return cls(data=[show(row) for row in shown], has_more=more, next_cursor=cursor_after(key(shown[-1])) if more else None)
