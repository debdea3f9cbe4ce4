"""The words of a step."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Final

from shared.pricing.explanation.step import Op, Step
from shared.values.decimals import plain


def text_of(step: Step) -> str:
    """Return what a step did, for a reader."""
    return WORDS[step.op](step)


def _quantity(step: Step) -> str:
    group = step.inputs["group"]
    assert isinstance(group, Mapping)
    named = "".join(f", {name} {value}" for name, value in sorted(group.items()))
    return f"{step.inputs['meter']}{named}: {plain(step.output)} under version {step.inputs['version']}"


def _allowance(step: Step) -> str:
    if step.output > 0:
        return f"{plain(step.output)} below zero: negative quantity carried"
    return f"{plain(-step.output)} covered by the allowance or units carried"


def _fee(step: Step) -> str:
    days, whole_days = step.inputs["days"], step.inputs["whole_days"]
    part = "" if days == whole_days else f" × {days} of {whole_days} days"
    return f"{plain(step.number('fee'))}{part}"


def _price(step: Step) -> str:
    reach, bound = step.inputs["reach"], _bound(step)
    count, at, flat = (plain(step.number(name)) for name in ("count", "at", "flat"))
    if reach in ("packs of", "blocks of"):
        return f"{count} {reach}{bound} at {at}"
    most = step.number_or_none("cap")
    charged = (
        f"{count} at {at}"
        + (f" plus {flat}" if flat != "0" else "")
        + (f", at most {plain(most)}" if most is not None else "")
    )
    if isinstance(reach, str) and reach.startswith("in "):
        return f"{charged}, {reach.removeprefix('in ')}{bound}"
    return (f"{reach}{bound}: " if reach else "") + charged


def _bound(step: Step) -> str:
    bound = step.number_or_none("bound")
    return "" if bound is None else f" {plain(bound)}"


def _before(step: Step) -> str:
    return f"less {plain(-step.number('quantity'))} before the change"


def _units_off(step: Step) -> str:
    return f"{step.inputs['discount']}: {plain(-step.output)} units off"


def _percent_off(step: Step) -> str:
    return f"{step.inputs['discount']}: {plain(step.number('percent'))} % off {plain(step.number('left'))}"


def _amount_off(step: Step) -> str:
    left, amount = step.inputs["left"], _money(step, step.number("amount"))
    assert isinstance(left, Mapping)
    others = (
        f", shared with {', '.join(key for key in left if key != step.inputs['line'])}"
        if len(left) > 1
        else ""
    )
    return f"{step.inputs['discount']}: {plain(-step.output)} of {amount} off{others}"


def _line_minimum(step: Step) -> str:
    return f"up to the line's minimum: {plain(step.output)} more than {plain(step.number('charged'))}"


def _line_maximum(step: Step) -> str:
    return f"down to the line's maximum: {plain(-step.output)} less than {plain(step.number('charged'))}"


def _settle(step: Step) -> str:
    return f"{step.inputs['line']} rounded {step.inputs['rounding']} to {_money(step, step.output)}"


def _minimum(step: Step) -> str:
    return f"top-up to the minimum of {_money(step, step.number('minimum'))}"


def _cap(step: Step) -> str:
    return f"{_money(step, -step.output)} of {step.inputs['line']}, to the spending cap of {_money(step, step.number('cap'))}"


def _commit(step: Step) -> str:
    commitment, left = step.inputs["commitment"], _money(step, step.number("left"))
    return f"{_money(step, step.output)} covered by the commitment {commitment}, of which {left} were left"


def _uplift(step: Step) -> str:
    excess, percent = _money(step, step.number("excess")), plain(step.number("percent"))
    return f"{excess} beyond the commitment {step.inputs['commitment']} at {percent} %: {_money(step, step.output)} more"


def _shortfall(step: Step) -> str:
    counted, committed = _money(step, step.number("counted")), _money(step, step.number("committed"))
    return f"{counted} of the {committed} committed as {step.inputs['commitment']} were used"


def _part(step: Step) -> str:
    whole, number, parts = _money(step, step.number("whole")), step.inputs["number"], step.inputs["parts"]
    of = "" if parts == 1 else f"part {number} of {parts} of "
    return f"{of}{whole} agreed as {step.inputs['block']}"


def _draw(step: Step) -> str:
    block, left = step.inputs["block"], _money(step, step.number("left"))
    if step.output < 0:
        return f"{_money(step, -step.output)} returned to {block}"
    return f"{_money(step, step.output)} paid by {block}, of which {left} were left"


def _money(step: Step, amount: Decimal) -> str:
    return f"{amount:f} {step.inputs['currency']}"


WORDS: Final[Mapping[Op, Callable[[Step], str]]] = {
    "quantity": _quantity,
    "allowance": _allowance,
    "fee": _fee,
    "price": _price,
    "before": _before,
    "line_minimum": _line_minimum,
    "line_maximum": _line_maximum,
    "settle": _settle,
    "minimum": _minimum,
    "cap": _cap,
    "commit": _commit,
    "uplift": _uplift,
    "shortfall": _shortfall,
    "draw": _draw,
    "part": _part,
    "units_off": _units_off,
    "percent_off": _percent_off,
    "amount_off": _amount_off,
}
