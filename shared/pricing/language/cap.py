"""The spending cap."""

from typing import Final, Literal

from shared.pricing.clause import Clause
from shared.pricing.fields import Amount

CAP_CLAUSE: Final[tuple[Literal["cap"], str]] = ("cap", "spend_per_period")
"""The section and the key of the terms' cap among the clauses."""


class SpendCap(Clause):
    """The most that a service period is charged, one-off charges and tax aside."""

    spend_per_period: Amount
