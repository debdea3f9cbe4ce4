"""A clause as it stands in a stretch of a period: all that later steps see of versions, phases and dates."""

from datetime import date, datetime
from decimal import Decimal
from typing import Generic, TypeVar

import msgspec

from shared.pricing.clause import Clause
from shared.pricing.discount import Discount
from shared.pricing.escalator import Escalation
from shared.values.period import ServicePeriod

C_co = TypeVar("C_co", bound=Clause, covariant=True)


class Effective(msgspec.Struct, Generic[C_co], frozen=True, gc=False):
    """A clause between two edges (half-open), with the ids and hashes of every clause that went into it, its own
    first.

    `days` are the local days that begin there, from `first_day` on, `billed_days` those of the period, `whole_days`
    those of the full period that the anchors draw. `discounts` are those of a line, as they are written; `escalated`:
    what has raised the prices of the clause, which are those of that time; `allowance`: the units of a line that cost
    nothing in the period.
    """

    clause: C_co
    version: int
    start: datetime
    end: datetime
    days: int
    billed_days: int
    whole_days: int
    clause_ids: tuple[str, ...]
    hashes: tuple[str, ...]
    first_day: date
    period: ServicePeriod
    discounts: tuple[Discount, ...] = ()
    escalated: tuple[Escalation, ...] = ()
    allowance: Decimal = Decimal(0)
