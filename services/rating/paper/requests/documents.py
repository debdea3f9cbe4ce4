"""What a question is written as, and its bounds."""

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PlainValidator,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import PydanticCustomError

from services.rating.blocks.requests import AdjustmentDocument, BlockDocument
from services.rating.catalogue.requests import MeterDocument
from shared.errors import AppError
from shared.pricing.fields import Effective, Instant
from shared.values.decimals import QUANTITY_PATTERN, parse_quantity
from shared.values.fields import AskedEventId, Dimension, GivenEventType, Key, Label
from shared.values.names import DIMENSIONS_MAX, dimension_value, unstorable

VERSIONS_MAX, METERS_MAX, BLOCKS_MAX = 100, 100, 200


def _read_counted(value: object) -> Decimal:
    """Usage may be below zero: it takes back."""
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if not isinstance(text, str):
        raise PydanticCustomError(
            "not_a_decimal", 'A quantity is written as a string in quotes, such as "1250.5".'
        )
    try:
        return parse_quantity(text)
    except AppError as fault:
        raise PydanticCustomError("not_a_decimal", "{detail}", {"detail": fault.detail}) from None


def _storable(value: str) -> str:
    if unstorable(value):
        raise PydanticCustomError("text_not_storable", "It holds a NUL character or half a surrogate pair.")
    return dimension_value(value)


Counted = Annotated[
    Decimal,
    PlainValidator(_read_counted),
    WithJsonSchema({"anyOf": [{"type": "string", "pattern": f"^{QUANTITY_PATTERN}$"}, {"type": "integer"}]}),
]
Value = Annotated[str, AfterValidator(_storable)]


class EventDocument(BaseModel):
    """An event of the contract's customer."""

    model_config = ConfigDict(extra="forbid")

    id: AskedEventId
    type: GivenEventType
    time: Instant
    data: dict[str, Any] = {}


class UsageDocument(BaseModel):
    """What a usage line counts at an instant, or between two (half-open); a day means its local midnight.
    `full_quantity`: what it was before it was prorated, for a price by that. No meter prorates so far, so a statement is
    priced as a question that leaves it out."""

    model_config = ConfigDict(extra="forbid")

    line: Key
    at: Effective | None = None
    from_: Annotated[Effective | None, Field(alias="from")] = None
    to: Effective | None = None
    quantity: Counted
    full_quantity: Counted | None = None
    group: Annotated[dict[Dimension, Value], Field(max_length=DIMENSIONS_MAX)] = {}

    @property
    def begins(self) -> date | datetime:
        begins = self.at if self.from_ is None else self.from_
        assert begins is not None
        return begins

    @model_validator(mode="after")
    def _when(self) -> Self:
        spans = self.from_ is not None and self.to is not None
        if spans == (self.at is not None) or (self.from_ is None) != (self.to is None):
            raise PydanticCustomError("when_misfit", "Usage has either `at`, or `from` and `to`.")
        return self

    @model_validator(mode="after")
    def _full_is_no_less(self) -> Self:
        if self.full_quantity is not None and self.full_quantity < self.quantity:
            raise PydanticCustomError(
                "full_below_quantity",
                "Proration takes off a quantity: write a full_quantity of at least that, or none.",
            )
        return self


class AdjustedDocument(AdjustmentDocument):
    """An adjustment as a call makes it; nobody asks why."""

    reason: Label | None = None  # type: ignore[assignment]


class GrantedDocument(BlockDocument):
    """A block as a call grants it, with an id; nobody asks why. Its adjustments follow at once, before anything is
    drawn."""

    id: Key
    reason: Label | None = None  # type: ignore[assignment]
    adjustments: Annotated[list[AdjustedDocument], Field(max_length=BLOCKS_MAX, default_factory=list)]


class QuestionDocument(BaseModel):
    """Terms, usage, and until when to price. A version known only since a later instant says when: `recorded`."""

    model_config = ConfigDict(extra="forbid")

    versions: Annotated[list[dict[str, Any]], Field(min_length=1, max_length=VERSIONS_MAX)]
    meters: Annotated[list[MeterDocument], Field(max_length=METERS_MAX)] = []
    cards: list[Any] = []
    blocks: Annotated[list[GrantedDocument], Field(max_length=BLOCKS_MAX)] = []
    events: list[EventDocument] | None = None
    usage: list[UsageDocument] | None = None
    until: Effective
    as_known_at: Effective | None = None
    thresholds: Annotated[bool, Field(strict=True)] = False

    @model_validator(mode="after")
    def _one_kind_of_usage(self) -> Self:
        if self.events is not None and self.usage is not None:
            raise PydanticCustomError(
                "usage_misfit", "Usage comes as `events` or as `usage` by line, not both."
            )
        return self


class RecordedDocument(BaseModel):
    """When a version was recorded: a key of the question, beside those of its terms."""

    recorded: Effective | None = None
