"""Decisions about late usage as the API is asked for them."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from shared.values.fields import Label

BATCH_MAX = 2**63 - 1
PARTITIONS_MAX = 1024


class LateUsageDecision(BaseModel):
    """Bill or waive what is held of a final period."""

    model_config = ConfigDict(extra="forbid")

    decision: Literal["bill", "waive"]
    reason: Label
    up_to: Annotated[
        dict[
            Annotated[str, Field(pattern=r"^[0-9]{1,5}$")],
            Annotated[int, Field(strict=True, ge=0, le=BATCH_MAX)],
        ],
        Field(
            max_length=PARTITIONS_MAX,
            description="The watermark that GET /v1/late-usage showed: partition → last batch",
            examples=[{"0": 17}],
        ),
    ]
