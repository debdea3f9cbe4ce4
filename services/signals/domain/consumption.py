"""How much of what the contract includes or guarantees is consumed, against the time that has passed."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from services.signals.domain.statement import Statement, StatementLine
from shared.pricing.language import Terms
from shared.pricing.lines import KINDS, NO_SPEND, UsageLine

#: What a meter counted in the period so far, as of the evaluated instant; None where that cannot be said from
#: days.
QuantityAt = Callable[[str], Decimal | None]


@dataclass(frozen=True)
class Consumption:
    """`share` = used ÷ capacity and `elapsed` = passed ÷ length of the period, both 1 = all; None where the
    capacity is zero.

    `pace` = share ÷ elapsed: above 1, the capacity is used up before the period ends.
    """

    kind: str  # allowance (units) | minimum (money)
    line: str | None
    unit: str  # the meter, or the currency's minor unit
    capacity: Decimal
    used: Decimal
    share: Decimal | None
    elapsed: Decimal
    pace: Decimal | None


SHARE_PLACES = Decimal("0.0001")


def consumptions(
    statement: Statement, terms: Terms, now: datetime, quantity_at: QuantityAt | None = None
) -> list[Consumption]:
    """Return one Consumption for each line with an allowance, and one for the spending minimum, if any.

    A statement says what is known when it was priced; with `quantity_at` each usage line is brought to the
    evaluated instant: its quantity exactly, its amount in proportion (an estimate for prices that change with
    the quantity). What a line converts is converted as a whole, whatever groups it is of.
    """
    elapsed = _elapsed(now, statement.start, statement.end)
    # what pricing adds to the lines of the terms is neither usage nor spend, and may be called as one of them
    lines = {line.key: line for line in statement.lines if line.kind in KINDS}
    come_to = {key: _brought_to(line, quantity_at) for key, line in lines.items()}
    found = [
        _consumption("allowance", line.key, line.meter, _capacity(line, statement), used, elapsed)
        for line in terms.usage_lines
        if line.included_units is not None
        for used in line.converted({(): come_to.get(line.key, _NOTHING)[0]}).values()
    ]
    if statement.minimum_minor is not None:
        spent = sum((come_to[key][1] for key, line in lines.items() if line.kind not in NO_SPEND), Decimal())
        unit = f"{statement.currency} minor"
        found.append(_consumption("minimum", None, unit, statement.minimum_minor, spent, elapsed))
    return found


_NOTHING = (Decimal(), Decimal())


def _capacity(line: UsageLine, statement: Statement) -> Decimal:
    """What the period includes, with what was rolled over to it; what a whole one does where the statement does not
    say."""
    return statement.included(line.key) or line.included_units or Decimal()


def _brought_to(line: StatementLine, quantity_at: QuantityAt | None) -> tuple[Decimal, Decimal]:
    """A line's quantity and settled amount, in minor units."""
    quantity, amount = line.quantity, Decimal(line.amount_minor)
    now = quantity_at(line.meter) if quantity_at is not None and line.meter else None
    if now is None or line.kind != "usage":
        return quantity, amount
    return now, (amount * now / quantity).quantize(Decimal(1)) if quantity else amount


def _consumption(
    kind: str, line: str | None, unit: str, capacity: Decimal, used: Decimal, elapsed: Decimal
) -> Consumption:
    share = (used / capacity).quantize(SHARE_PLACES) if capacity else None
    pace = (share / elapsed).quantize(SHARE_PLACES) if share is not None and elapsed else None
    return Consumption(kind, line, unit, capacity, used, share, elapsed, pace)


def _elapsed(now: datetime, start: datetime, end: datetime) -> Decimal:
    """Elapsed time is subtracted in UTC and never leaves 0…1."""
    passed = min(max(now - start, timedelta()), end - start)
    whole = (end - start) // timedelta(microseconds=1)
    return (Decimal(passed // timedelta(microseconds=1)) / Decimal(whole)).quantize(SHARE_PLACES)
