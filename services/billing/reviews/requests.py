"""What people say of drafts, as the API takes it."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError

from services.billing.reviews.domain.policy import VERSION_MAX
from shared.pricing.fields import Amount, Percent
from shared.values.fields import AMOUNT, CURRENCIES_MAX, GivenId, Label
from shared.values.money import AmountNotOfCurrency, UnknownCurrency, currency, exactly

#: Drafts that one call may decide about.
ACTS_MAX = 100
STATEMENTS_MAX = 1000
REVISION_MAX = 2**63 - 1
_UUID = "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"


def _said(reason: str) -> str:
    if not reason.strip():
        raise PydanticCustomError("blank", "Say why in words.")
    return reason


def _in_minor(written: dict[str, Decimal]) -> dict[str, Decimal]:
    for code, amount in written.items():
        try:
            exactly(amount, currency(code))
        except (UnknownCurrency, AmountNotOfCurrency) as fault:
            raise PydanticCustomError(fault.code, "{detail}", {"detail": fault.detail}) from None
    return written


Revisions = Annotated[
    dict[Annotated[str, Field(pattern=_UUID)], Annotated[int, Field(strict=True, ge=0, le=REVISION_MAX)]],
    Field(
        min_length=1,
        max_length=STATEMENTS_MAX,
        description="What was looked at: `revisions` of the document, statement → revision",
        examples=[{"8a524ac7-f984-5fe2-bac9-982530b3401c": 1775275200000000}],
    ),
]
Reason = Annotated[
    Label, AfterValidator(_said), Field(description="Why, in one line", examples=["price in dispute"])
]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class LookedAt(_Body):
    """Which revisions were looked at."""

    revisions: Revisions


class SeenBody(LookedAt):
    """Which revisions of an open draft were looked at, and what they came to."""

    total: Annotated[
        str,
        Field(
            pattern=AMOUNT,
            description="`total` as it was shown; the mark falls when the final one differs",
            examples=["120.00"],
        ),
    ]


class HoldBody(_Body):
    """Why the draft must not become an invoice."""

    reason: Reason


class ApproveAct(LookedAt):
    act: Literal["approve"]
    document: GivenId


class SeenAct(SeenBody):
    act: Literal["seen"]
    document: GivenId


class HoldAct(HoldBody):
    act: Literal["hold"]
    document: GivenId


class ReleaseAct(_Body):
    act: Literal["release"]
    document: GivenId


Act = Annotated[ApproveAct | SeenAct | HoldAct | ReleaseAct, Field(discriminator="act")]


class ActsBody(_Body):
    """What is done to many drafts, in this order."""

    acts: Annotated[list[Act], Field(min_length=1, max_length=ACTS_MAX)]


class PolicyBody(_Body):
    """When a final draft waits for an approval. Nothing in `above` and no `changed_percent`: none does."""

    replaces: Annotated[
        int, Field(strict=True, ge=0, lt=VERSION_MAX, description="The version in force; 0 before the first")
    ]
    above: Annotated[
        dict[Annotated[str, Field(pattern="^[A-Z]{3}$")], Amount],
        Field(
            max_length=CURRENCIES_MAX,
            description="Currency → a total, whatever its sign, beyond which a draft waits; a currency that is left out has none",
            examples=[{"USD": "10000.00"}],
        ),
        AfterValidator(_in_minor),
    ]
    changed_percent: Annotated[
        Percent | None,
        Field(
            description="A draft waits where its total differs by more than this from the last period's; null: however much it differs",
            examples=["30"],
        ),
    ]
    reason: Reason

    def above_minor(self) -> Mapping[str, int]:
        """Currency → minor units."""
        return {code: exactly(amount, currency(code)) for code, amount in self.above.items()}
