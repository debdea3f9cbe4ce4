"""The words of a step."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from shared.pricing.explanation.step import Op, Step
from shared.values.decimals import plain


@dataclass(frozen=True, slots=True)
class Shown:
    """How numbers are written: units, prices and exact amounts, and settled money with its currency."""

    units: Callable[[Decimal], str]
    price: Callable[[Decimal], str]
    money: Callable[[Decimal, str], str]


PLAIN: Final = Shown(plain, plain, lambda amount, currency: f"{amount:f} {currency}")


def text_of(step: Step, shown: Shown = PLAIN) -> str:
    """Return what a step did, for a reader."""
    return WORDS[step.op](step, shown)


def _quantity(step: Step, shown: Shown) -> str:
    group = step.inputs["group"]
    assert isinstance(group, Mapping)
    named = "".join(f", {name} {value}" for name, value in sorted(group.items()))
    return f"{step.inputs['meter']}{named}: {shown.units(step.output)} under version {step.inputs['version']}"


def _convert(step: Step, shown: Shown) -> str:
    times, part = step.number("multiply"), step.number("divide")
    by = f"× {shown.units(times)}" if part == 1 else f"÷ {shown.units(part)}"
    counted, before = shown.units(step.number("counted")), step.number("before")
    more = f", of which {shown.units(before)} were converted before" if before else ""
    return f"{counted} {by}{more}: {shown.units(step.output)}"


def _allowance(step: Step, shown: Shown) -> str:
    if step.output > 0:
        return f"{shown.units(step.output)} below zero: negative quantity carried"
    rolled = step.number_or_none("rolled_over")
    more = "" if rolled is None else f", {shown.units(rolled)} rolled over among them"
    if rolled is not None and rolled < 0:
        more = f", of which corrections of earlier periods take {shown.units(-rolled)}"
    return (
        f"{shown.units(step.number('counted'))} used, {shown.units(-step.output)} included or carried{more}"
    )


def _handed_on(step: Step, shown: Shown) -> str:
    units = shown.units(abs(step.output))
    return f"{units} {'more' if step.output > 0 else 'less'}, handed on by corrections of earlier periods"


def _unpriced(step: Step, shown: Shown) -> str:
    return f"{shown.units(-step.output)} left unpriced, as no rate of the terms is theirs"


def _fee(step: Step, shown: Shown) -> str:
    days, whole_days = step.inputs["days"], step.inputs["whole_days"]
    what = "seconds" if step.inputs.get("counted") == "second" else "days"
    part = "" if days == whole_days else f" × {days} of {whole_days} {what}"
    return f"{shown.price(step.number('fee'))}{part}"


def _price(step: Step, shown: Shown) -> str:
    reach, bound = step.inputs["reach"], _bound(step, shown)
    count, at, flat = shown.units(step.number("count")), shown.price(step.number("at")), step.number("flat")
    if reach in ("packs of", "blocks of"):
        return f"{count} {reach}{bound} at {at}"
    most = step.number_or_none("cap")
    charged = (
        f"{count} at {at}"
        + (f" plus {shown.price(flat)}" if flat else "")
        + (f", at most {shown.price(most)}" if most is not None else "")
    )
    if isinstance(reach, str) and reach.startswith("in "):
        full = step.number_or_none("full")
        of = "" if full is None else f", of {shown.units(full)} before proration"
        return f"{charged}, {reach.removeprefix('in ')}{bound}{of}"
    return (f"{reach}{bound}: " if reach else "") + charged


def _bound(step: Step, shown: Shown) -> str:
    bound = step.number_or_none("bound")
    return "" if bound is None else f" {shown.units(bound)}"


def _before(step: Step, shown: Shown) -> str:
    return f"less {_price(step, shown)}, before the change"


def _credit(step: Step, shown: Shown) -> str:
    return f"less {_price(step, shown)}, as units below zero"


def _units_off(step: Step, shown: Shown) -> str:
    return f"{step.inputs['discount']}: {shown.units(-step.output)} units off"


def _percent_off(step: Step, shown: Shown) -> str:
    return f"{step.inputs['discount']}: {shown.units(step.number('percent'))} % off {shown.price(step.number('left'))}"


def _amount_off(step: Step, shown: Shown) -> str:
    left, amount = step.inputs["left"], _money(step, shown, step.number("amount"))
    assert isinstance(left, Mapping)
    others = (
        f", shared with {', '.join(key for key in left if key != step.inputs['line'])}"
        if len(left) > 1
        else ""
    )
    return f"{step.inputs['discount']}: {shown.price(-step.output)} of {amount} off{others}"


def _line_minimum(step: Step, shown: Shown) -> str:
    return f"up to the line's minimum: {shown.price(step.output)} more than {shown.price(step.number('charged'))}"


def _line_maximum(step: Step, shown: Shown) -> str:
    return f"down to the line's maximum: {shown.price(-step.output)} less than {shown.price(step.number('charged'))}"


def _settle(step: Step, shown: Shown) -> str:
    rounding, unit = str(step.inputs["rounding"]).replace("_", " "), step.number_or_none("step")
    rounding += "" if unit is None else f" by {shown.units(unit)}"
    return f"{shown.price(step.number('exact'))} rounded {rounding} to {_money(step, shown, step.output)}"


def _escalate(step: Step, shown: Shown) -> str:
    percent, by = shown.units(step.number("percent")), shown.units(step.output)
    return f"prices of {step.inputs['times']} × {percent} %, {step.inputs['kind']}: {by} % on those written"


def _minimum(step: Step, shown: Shown) -> str:
    return f"top-up to the minimum of {_money(step, shown, step.number('minimum'))}"


def _cap(step: Step, shown: Shown) -> str:
    return f"{_money(step, shown, -step.output)} of {step.inputs['line']}, to the spending cap of {_money(step, shown, step.number('cap'))}"


def _commit(step: Step, shown: Shown) -> str:
    commitment, left = step.inputs["commitment"], _money(step, shown, step.number("left"))
    return f"{_money(step, shown, step.output)} covered by the commitment {commitment}, of which {left} were left"


def _uplift(step: Step, shown: Shown) -> str:
    excess, percent = _money(step, shown, step.number("excess")), shown.units(step.number("percent"))
    capped = ", as much as the spending cap leaves" if "at_most" in step.inputs else ""
    more = _money(step, shown, step.output)
    return f"{excess} beyond the commitment {step.inputs['commitment']} at {percent} %: {more} more{capped}"


def _shortfall(step: Step, shown: Shown) -> str:
    counted, committed = (
        _money(step, shown, step.number("counted")),
        _money(step, shown, step.number("committed")),
    )
    return f"{counted} of the {committed} committed as {step.inputs['commitment']} were used"


def _part(step: Step, shown: Shown) -> str:
    whole, number, parts = (
        _money(step, shown, step.number("whole")),
        step.inputs["number"],
        step.inputs["parts"],
    )
    of = "" if parts == 1 else f"part {number} of {parts} of "
    return f"{of}{whole} agreed as {step.inputs['block']}"


def _cost(step: Step, shown: Shown) -> str:
    granted, basis = _money(step, shown, step.number("granted")), shown.units(step.number("cost_basis"))
    return f"{granted} granted as {step.inputs['block']}, at {basis} for each unit of it"


def _draw(step: Step, shown: Shown) -> str:
    block, left = step.inputs["block"], _money(step, shown, step.number("left"))
    if step.output < 0:
        return f"{_money(step, shown, -step.output)} returned to {block}"
    return f"{_money(step, shown, step.output)} paid by {block}, of which {left} were left"


def _asked(step: Step, shown: Shown) -> str:
    exact, before = (_money(step, shown, step.number(name)) for name in ("exact", "before"))
    return f"comes to {exact}, of which other documents ask for {before}"


def _money(step: Step, shown: Shown, amount: Decimal) -> str:
    currency = step.inputs["currency"]
    assert isinstance(currency, str)
    return shown.money(amount, currency)


WORDS: Final[Mapping[Op, Callable[[Step, Shown], str]]] = {
    "quantity": _quantity,
    "convert": _convert,
    "handed_on": _handed_on,
    "allowance": _allowance,
    "unpriced": _unpriced,
    "fee": _fee,
    "price": _price,
    "before": _before,
    "credit": _credit,
    "line_minimum": _line_minimum,
    "line_maximum": _line_maximum,
    "settle": _settle,
    "minimum": _minimum,
    "cap": _cap,
    "commit": _commit,
    "uplift": _uplift,
    "shortfall": _shortfall,
    "draw": _draw,
    "asked": _asked,
    "cost": _cost,
    "part": _part,
    "escalate": _escalate,
    "units_off": _units_off,
    "percent_off": _percent_off,
    "amount_off": _amount_off,
}
