"""Blocks as the API takes them."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema, model_validator
from pydantic.functional_validators import PlainValidator
from pydantic_core import PydanticCustomError

from shared.errors import AppError
from shared.pricing.blocks.cost import CostBasis, misfit, without_usual_cost
from shared.pricing.fields import CurrencyCode, Effective, PositiveAmount
from shared.values.decimals import PRICE_PATTERN, parse_price
from shared.values.fields import AskedSubject, Key, Label

CONTRACTS_MAX = 20
#: What the design of blocks has, and no block has yet.
_NOT_PRICED = ("unit", "meter", "overdraft")


class BlockDocument(BaseModel):
    """An amount of money that contracts draw on: the one of `contract`, or, in their order, those of `contracts`, all
    of one `customer`. A date of `effective` (default: now) or `expires` is of the first contract's time zone, and
    includes its local day.

    A document of the first contract asks for a prepaid block as it begins, unless `document` is none: `cost_basis` for each
    unit of it, which is at most 1.
    """

    model_config = ConfigDict(extra="forbid")

    customer: AskedSubject | None = None
    contract: Key | None = None
    contracts: Annotated[list[Key], Field(max_length=1000)] = Field(default_factory=list)
    kind: Literal["prepaid", "promotional"]
    amount: PositiveAmount
    currency: CurrencyCode
    effective: Effective | None = None
    expires: Effective | None = None
    priority: Annotated[int, Field(strict=True, ge=0, le=1_000_000)] | None = None
    applies_to: Annotated[list[Key], Field(min_length=1, max_length=1000)] | None = None
    document: Literal["none", "prepayment"] | None = None
    cost_basis: CostBasis | None = None
    reason: Label

    @model_validator(mode="before")
    @classmethod
    def _priced(cls, written: object) -> object:
        for name in _NOT_PRICED:
            if isinstance(written, Mapping) and name in written:
                raise PydanticCustomError(
                    "clause_not_priced_yet",
                    "{name} of a block is not priced yet; remove it, or write an amount of money.",
                    {"name": name},
                )
        return without_usual_cost(written, written.get("kind")) if isinstance(written, Mapping) else written

    @model_validator(mode="after")
    def _holds_together(self) -> Self:
        if (self.contract is None) == (self.customer is None) or bool(self.contracts) == bool(self.contract):
            raise PydanticCustomError(
                "whose", "Name one contract, or a customer and, in the order they draw in, its contracts."
            )
        if len(self.contracts) > CONTRACTS_MAX:
            raise PydanticCustomError(
                "too_many_contracts",
                "{count} contracts would share it, and at most {most} may; grant several blocks.",
                {"count": len(self.contracts), "most": CONTRACTS_MAX},
            )
        if len(set(self.contracts)) < len(self.contracts):
            raise PydanticCustomError("named_twice", "A contract is named twice; each draws in its own turn.")
        return self

    @model_validator(mode="after")
    def _is_paid_if_prepaid(self) -> Self:
        if self.kind == "promotional" and self.document == "prepayment":
            raise PydanticCustomError(
                "of_another_kind",
                "A promotional block is given, not paid for; remove document, or write kind: prepaid.",
            )
        if wrong := misfit(self.kind, self.cost_basis):
            raise PydanticCustomError(wrong[0], "cost_basis: {detail}", {"detail": wrong[1]})
        return self

    @property
    def asked_for(self) -> bool:
        """Whether a document asks for it."""
        return self.kind == "prepaid" and self.document != "none"

    @property
    def draws(self) -> list[str]:
        """The contracts that draw on it, in order."""
        return self.contracts or [self.contract or ""]


def _signed(value: object) -> Decimal:
    if not isinstance(value, str):
        raise PydanticCustomError("not_a_decimal", 'An amount is written as a string, such as "-12.50".')
    try:
        found = parse_price(value)
    except AppError as fault:
        raise PydanticCustomError("not_a_decimal", "{detail}", {"detail": fault.detail}) from None
    if not found:
        raise PydanticCustomError("zero", "An adjustment of zero changes nothing.")
    return found


class AdjustmentDocument(BaseModel):
    """What is added to a block, or, below zero, taken off it: at most what is left, unless the balance may be negative
    by it. What is missing then pays nothing: it is made up for by what is added, or returns."""

    model_config = ConfigDict(extra="forbid")

    amount: Annotated[
        Decimal,
        PlainValidator(_signed),
        WithJsonSchema({"type": "string", "pattern": f"^{PRICE_PATTERN}$", "examples": ["-12.50"]}),
    ]
    allow_negative: Annotated[bool, Field(strict=True)] = False
    reason: Label


class EndDocument(BaseModel):
    """Why a block is voided, or refunded."""

    model_config = ConfigDict(extra="forbid")

    reason: Label
