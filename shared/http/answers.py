"""What an API answers, as types: each answer of a route is a class below `Answer`, so that its OpenAPI
document says what comes, in what format.

An answer is made where it is shown (`answers.py` beside each `api.py`), from values: an amount, a quantity
and an instant write themselves. It is a dataclass, not a model: what we say ourselves is typed when it is
written and need not be validated again for each of a thousand rows.
"""

import ast
import inspect
import operator
import textwrap
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache, reduce
from typing import Annotated, Any, Generic, Literal, Self, TypeVar, cast, dataclass_transform

from pydantic import (
    AwareDatetime,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    PlainSerializer,
    TypeAdapter,
    WithJsonSchema,
)
from pydantic_core import core_schema

from shared.db.filters import COUNTED_MAX
from shared.http.page import Cells, Page, cursor_after
from shared.http.shown_names import CurrencyCode
from shared.values.decimals import plain
from shared.values.money import Money

T = TypeVar("T")
A = TypeVar("A")
DECIMAL = {"type": "string", "pattern": r"^-?[0-9]+(\.[0-9]+)?$"}

#: A decimal string with the currency's own decimals, as `format_minor` writes it.
Amount = Annotated[
    str,
    WithJsonSchema(
        {
            **DECIMAL,
            "description": "Money, with the currency's own number of decimals",
            "examples": ["120.00"],
        }
    ),
]
#: An exact number, written without exponent and trailing zeros.
Quantity = Annotated[
    Decimal,
    PlainSerializer(plain, return_type=str),
    WithJsonSchema({**DECIMAL, "description": "An exact decimal number", "examples": ["1250.5"]}),
]
#: The price of one unit, with the decimals it was written with.
UnitPrice = Annotated[
    Decimal,
    PlainSerializer(lambda price: format(price, "f"), return_type=str),
    WithJsonSchema(
        {
            **DECIMAL,
            "description": "What one unit costs, with the decimals it was written with",
            "examples": ["0.0125"],
        }
    ),
]
#: A point in time, given in UTC: RFC 3339, in microseconds where it has any.
Instant = AwareDatetime
#: JSON whose shape is its sender's own business; where an answer has it, `tests/system/conformance/test_answers.py`
#: says so and why.
SendersOwn = Annotated[Any, WithJsonSchema({"description": "JSON as it was sent"})]
#: The default of what stands in an answer only where it was loaded: absent, not null, where its value is None
#: (`lines: list[Line] | None = ABSENT`).
ABSENT: Any = object()


def described_by(where: str) -> WithJsonSchema:
    """Of an object that another service, or a user's own contract, describes: what it is and where its schema
    is.

    `Events = Annotated[dict[str, Any], described_by("A page of raw events: `GET /v1/…` of rating")]`
    """
    return WithJsonSchema({"type": "object", "description": where, "x-described-elsewhere": True})


def _is_none(value: object) -> bool:
    return value is None


@dataclass_transform(kw_only_default=True, frozen_default=True, eq_default=False)
class Answer:
    """The base of all answers. Every field stands in every answer, null where it has no value, but for those
    whose default is ABSENT.

    A text below a field describes it in the document.
    """

    __pydantic_config__ = ConfigDict(extra="forbid")
    _absent: frozenset[str] = frozenset()

    def __init_subclass__(cls, **more: object) -> None:
        super().__init_subclass__(**more)
        for name, kind in inspect.get_annotations(cls).items():
            if cls.__dict__.get(name) is ABSENT:
                cls.__annotations__[name] = Annotated[kind, Field(exclude_if=_is_none)]
                setattr(cls, name, None)
                cls._absent |= {name}
        dataclass(kw_only=True, eq=False)(cls)

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core_schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        schema: dict[str, Any] = handler(core_schema)
        described = handler.resolve_ref_schema(schema)
        properties = described.get("properties", {})
        described["required"] = [name for name in properties if name not in cls._absent]
        said = {name: text for one in _answers_above(cls) for name, text in _texts_below_fields(one).items()}
        for name, one in properties.items():
            one.pop("default", None)
            one.pop("title", None)
            if name in cls._absent:
                _without_null(one)
            if name in said:
                one["description"] = said[name]
        return schema

    def as_json(self) -> Any:
        """What a caller reads: objects, lists, texts and numbers."""
        kind: Any = type(self)
        return _adapter(kind).dump_python(self, mode="json", by_alias=True)


class WorthAnswer(Answer):
    """An amount of one currency; currencies are never added."""

    currency: CurrencyCode
    amount: Amount

    @classmethod
    def of(cls, money: Money) -> Self:
        return cls(currency=money.currency.code, amount=str(money))

    @classmethod
    def each(cls, values: Iterable[Money]) -> list[Self]:
        return [cls.of(money) for money in values]


class StoredAs:
    """What was told or found earlier, shown as it was stored and described by its types: no later version of
    a type changes or refuses history.

    `data: Annotated[Mapping[str, Any], StoredAs(RenewalData, TrendData)]`
    """

    def __init__(self, *types: type[Any]) -> None:
        self._types = types

    def __get_pydantic_core_schema__(
        self, _source: object, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        described = handler.generate_schema(reduce(operator.or_, self._types))
        return core_schema.any_schema(
            metadata={"pydantic_js_annotation_functions": [lambda _schema, describe: describe(described)]},
            serialization=core_schema.wrap_serializer_function_ser_schema(
                lambda value, _next: value, schema=described
            ),
        )


class CountAnswer(Answer):
    """How many rows a list has, counted up to 10,000."""

    rows: Annotated[int, Field(examples=[412])]
    more: bool
    """There are more than so many"""

    @classmethod
    def of(cls, found: int | None) -> Self | None:
        """Of a count that went one beyond COUNTED_MAX; None where nothing was counted."""
        return None if found is None else cls(rows=min(found, COUNTED_MAX), more=found > COUNTED_MAX)


class Listed(Answer, Generic[T]):
    """One page of a list."""

    object: Literal["list"] = "list"
    data: list[T]
    has_more: bool
    next_cursor: Annotated[str | None, Field(examples=[None])]
    """`?cursor=` of the next page; null on the last one"""
    count: CountAnswer | None = ABSENT
    """All rows of the list, where `count=true` asked for it"""

    @classmethod
    def page(
        cls,
        rows: Sequence[A],
        page: Page,
        key: Callable[[A], Sequence[str | int]],
        show: Callable[[A], T | Cells],
        count: CountAnswer | None = None,
    ) -> Self:
        """Answer one page. Callers fetch `page.limit + 1` rows; `key` gives a row's sort key as strings and
        ints. Rows of a download go to who writes them, and may be Cells."""
        shown = rows[: page.limit]
        more = len(rows) > page.limit
        data = [show(row) for row in shown]
        if page.handed is not None:
            page.handed.extend(data)
            data = []
        return cls(
            data=cast(list[T], data),
            has_more=more,
            next_cursor=cursor_after(key(shown[-1]), page.of) if more else None,
            count=count,
        )


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


def _without_null(described: dict[str, Any]) -> None:
    kinds = [kind for kind in described.pop("anyOf") if kind != {"type": "null"}]
    described.update(kinds[0] if len(kinds) == 1 else {"anyOf": kinds})


def _answers_above(kind: type[Answer]) -> list[Any]:
    return [one for one in reversed(kind.__mro__) if issubclass(one, Answer)]


@cache
def _texts_below_fields(kind: Any) -> dict[str, str]:
    """Field → the text that stands below it in the class."""
    (stated,) = ast.parse(textwrap.dedent(inspect.getsource(kind))).body
    assert isinstance(stated, ast.ClassDef)
    found: dict[str, str] = {}
    for field, below in zip(stated.body, stated.body[1:], strict=False):
        if (
            isinstance(field, ast.AnnAssign)
            and isinstance(field.target, ast.Name)
            and isinstance(below, ast.Expr)
            and isinstance(below.value, ast.Constant)
            and isinstance(below.value.value, str)
        ):
            found[field.target.id] = inspect.cleandoc(below.value.value)
    return found
