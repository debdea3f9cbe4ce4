"""What conservation is told by people."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from shared.values.fields import AMOUNT, CURRENCIES_MAX, AskedEventType, AskedSubject, Label

COUNT_MAX = 2**63 - 1


class AcceptanceBody(BaseModel):
    """That usage in suspense is known and may stay there: whose, of which type and why it waits, and what it came to when
    somebody looked at it, over all months."""

    model_config = ConfigDict(extra="forbid")

    customer: Annotated[
        AskedSubject,
        Field(description="External id of a customer, or a subject without one", examples=["EV"]),
    ]
    type: AskedEventType
    reason: Literal["no_customer", "no_meter", "no_contract"]
    events: Annotated[int, Field(strict=True, ge=1, le=COUNT_MAX, description="How many were seen")]
    value: Annotated[
        dict[
            Annotated[str, Field(pattern="^[A-Z]{3}$")],
            Annotated[str, Field(pattern=AMOUNT)],
        ],
        Field(
            max_length=CURRENCIES_MAX,
            description="Currency → what they are worth at list price, as it was shown",
            examples=[{"USD": "4800000.00"}],
        ),
    ]
    because: Annotated[
        Label, Field(min_length=3, description="Why it may wait", examples=["contract comes in May"])
    ]
