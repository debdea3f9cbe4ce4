"""What the API of several of rating's folders shows alike."""

from typing import Annotated

from pydantic import Field

from shared.pricing.lines import ASKED_BEFOREHAND, PRICED_KINDS

LineKind = Annotated[
    str, Field(examples=["usage"], json_schema_extra={"enum": [*PRICED_KINDS, *ASKED_BEFOREHAND]})
]
ClauseHash = Annotated[str, Field(examples=["9f0c1b6f2f0f4b0e8d3a5c7e1b2d4f60"])]
