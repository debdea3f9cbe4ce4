"""What becomes of usage that comes after the final statement of its period."""

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field

from shared.pricing.clause import Clause
from shared.pricing.fields import Amount


class LateUsage(Clause):
    """A final period is corrected by what comes until `accept_days` after its end (business clock). A correction
    whose total, without its sign, is below `waive_below` is carried to the next one, and what is still carried
    after `accept_days` is waived. Usage that comes later than that is held for a decision (`after`).

    A period goes by the version in force at its end, as it was known when its statement became final.
    """

    accept_days: Annotated[int, Field(strict=True, ge=0, le=3650)] = 90
    waive_below: Annotated[Amount, Field(description="In units of the currency")] = Decimal(0)
    after: Literal["hold"] = "hold"
