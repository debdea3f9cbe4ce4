"""`python examples/recompute.py FILE…` works every amount of exported documents out again, from the steps they hold,
and names the step that does not add up. A file holds one document as `GET /v1/invoices/{id}` answers it. Quotients have
50 digits, percentages 60 decimals, all else is exact. Exits with 1 where something does not add up."""

import decimal
import hashlib
import json
import sys
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

EXACT, QUOTIENT = decimal.Context(prec=200), decimal.Context(prec=50)
FACTS = {"quantity", "handed_on", "commit", "draw"}  # events and blocks prove them
ADD_NOTHING = {*FACTS, "convert", "allowance", "unpriced", "units_off", "escalate", "cost"}  # or move units


class Step:
    """A step of a line; called with the name of an input, it answers that number."""

    def __init__(self, said: dict[str, Any], line: dict[str, Any]) -> None:
        self.line, self.inputs = line, said["inputs"]
        self.unit = Decimal(1).scaleb(int(Decimal(line["amount"]).as_tuple().exponent))

    def __call__(self, name: str, absent: str | None = None) -> Decimal:
        return Decimal(self.inputs[name] if absent is None else self.inputs.get(name, absent))

    def rounded(self, exact: Decimal) -> Decimal:
        step, part = Decimal(self.inputs.get("step", self.unit)), Decimal(self.inputs.get("divide", 1))
        exact = exact * Decimal(self.inputs.get("multiply", 1)) / part
        return (exact / step).quantize(Decimal(1), f"ROUND_{self.inputs['rounding'].upper()}") * step

    def by_day(self, amount_days: Decimal) -> Decimal:
        return amount_days if self("whole_days") == 1 else QUOTIENT.divide(amount_days, self("whole_days"))

    def shares(self, whole: Decimal, weights: list[Decimal], rest: str = "") -> list[Decimal]:
        """The parts of a whole by weight, in minor units; the rest to the largest remainders, or to the last part."""
        divided = [divmod(whole / self.unit * weight, sum(weights)) for weight in weights]
        first = sorted(range(len(weights)), key=lambda at: (-divided[at][1], at))
        first = first if rest != "last" else [max(at for at in first if weights[at])] * len(first)
        over = first[: int(whole / self.unit - sum(part for part, _ in divided))]
        return [(part + over.count(at)) * self.unit for at, (part, _) in enumerate(divided)]

    def cut(self) -> Decimal:
        cuts = [said["inputs"] for said in self.line["steps"] if said["op"] == "cap"]
        own = next(at for at, one in enumerate(cuts) if one is self.inputs)  # two may say the same
        return self.shares(self("beyond"), [Decimal(one["amount"]) for one in cuts])[own]

    def off(self) -> Decimal:
        """What a discount takes of one of its lines: what one has no room for goes to the next that has."""
        rooms = {line: Decimal(room) for line, room in self.inputs["left"].items()}
        rest, parts = min(self("amount"), sum(rooms.values(), self.unit * 0)), [self.unit * 0] * len(rooms)
        if self.inputs["split"] != "in_order" and rest == self("amount"):
            parts = list(map(min, self.shares(rest, [*rooms.values()], self.inputs["split"]), rooms.values()))
        rest -= sum(parts)
        for at, room in enumerate(rooms.values()):
            more = min(rest, room - parts[at])
            parts[at], rest = parts[at] + more, rest - more
        return parts[list(rooms).index(self.inputs["line"])]

    def raised(self) -> Decimal:
        by, times = self("percent") / 100, int(self("times"))
        factor = (1 + by) ** times if self.inputs["kind"] == "compound" else max(1 + by * times, Decimal(0))
        return ((factor - 1) * 100).quantize(Decimal("1e-20"), "ROUND_HALF_UP")


OPERATIONS: dict[str, Callable[[Step], Decimal]] = {
    "convert": lambda s: s.rounded(s("counted")) - s.rounded(s("before")),
    "allowance": lambda s: s("priced") - s("counted"),
    "unpriced": lambda s: -s("counted"),
    "escalate": lambda s: s.raised(),
    "units_off": lambda s: -min(s("has"), s("left")),
    "fee": lambda s: s.by_day(s("before") + s("fee") * s("days")) - s.by_day(s("before")),
    "price": lambda s: min(s("count") * s("at") + s("flat"), s("cap", "Infinity")),
    **dict.fromkeys(["before", "credit"], lambda s: -OPERATIONS["price"](s)),
    "percent_off": lambda s: -(s("left") * s("percent") / 100).quantize(Decimal("1e-60"), "ROUND_HALF_UP"),
    "amount_off": lambda s: -s.off(),
    **dict.fromkeys(["line_minimum", "line_maximum"], lambda s: s.by_day(s("amount_days")) - s("charged")),
    "settle": lambda s: s.rounded(s("exact")),
    "minimum": lambda s: s("minimum") - s("charged"),
    "cap": lambda s: -s.cut(),
    "uplift": lambda s: min(s.rounded(s("excess") * (s("percent") - 100) / 100), s("at_most", "Infinity")),
    "shortfall": lambda s: s("committed") - s("counted"),
    "asked": lambda s: s("exact") - s("before"),
    "cost": lambda s: s.rounded(s("granted") * s("cost_basis")),
    "part": lambda s: s.shares(s("whole"), [Decimal(1)] * int(s("parts")))[int(s("number")) - 1],
}


def check_step(said: dict[str, Any], line: dict[str, Any]) -> Decimal:
    """Return what the step adds to the charge, or raise ValueError."""
    op, output, amount = said["op"], Decimal(said["output"]), said["amount"]
    if op not in {*FACTS, *OPERATIONS}:
        raise ValueError("an unknown operation: take the script of the version that made the document")
    if op not in FACTS and (again := OPERATIONS[op](Step(said, line))) != output:
        raise ValueError(f"its inputs come to {again:f}, its output is {output:f}")
    if op == "part" and {s["output"] for s in line["steps"] if s["op"] == "cost"} - {said["inputs"]["whole"]}:
        raise ValueError("what it is a part of is not the output of the step of the cost")
    adds = None if op in ADD_NOTHING else output - Decimal(said["inputs"].get("exact", 0))
    if adds != (None if amount is None else Decimal(amount)):
        raise ValueError(f"it adds {adds}, and says {amount}")
    shown = {name: value for name, value in said.items() if name not in ("text", "digest")}
    written = json.dumps(shown, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    if hashlib.sha256(written.encode()).hexdigest()[:16] != said["digest"]:
        raise ValueError("its arithmetic holds, but it was changed since it was shown: its digest is another")
    return adds or Decimal(0)


def check_line(line: dict[str, Any]) -> str | None:
    name = f"line {line['key']} ({line['id']})"
    if line.get("steps") is None:
        return f"{name}, how its amount came about was not kept, or it is a draft's"
    so_far, said = Decimal(0), {"op": "none"}
    for place, said in enumerate(line["steps"], 1):
        try:
            so_far += check_step(said, line)
        except (ArithmeticError, LookupError, TypeError, ValueError) as fault:
            return f"{name}, step {place} ({said['op']}): {fault}"
    counted = sum(Decimal(said["output"]) for said in line["steps"] if said["op"] == "quantity")
    fees = [step["inputs"] for step in line["steps"] if step["op"] == "fee"]
    counted += round(sum(Decimal(fee["days"]) / int(fee["whole_days"]) for fee in fees), 12)
    says = line["kind"] in ("usage", "recurring", "one_off") and said["op"] != "asked"
    if so_far != Decimal(line["amount"]) or (says and counted != Decimal(line["quantity"])):
        return f"{name}, its steps come to {so_far:f} for {counted:f}, not {line['amount']} for {line['quantity']}"
    return None


def check(document: dict[str, Any]) -> list[str]:
    with decimal.localcontext(EXACT):
        found = [fault for line in document["lines"] if (fault := check_line(line))]
        subtotal = sum((Decimal(line["amount"]) for line in document["lines"]), Decimal(0))
        if subtotal != Decimal(document["subtotal"]):
            found.append(f"its lines come to {subtotal:f}, its subtotal is {document['subtotal']}")
        total = Decimal(document["subtotal"]) - sum(Decimal(draw["amount"]) for draw in document["draws"])
        if total != Decimal(document["total"]):
            found.append(f"its subtotal less its draws is {total:f}, its total is {document['total']}")
        return found


def main(paths: list[str]) -> int:
    faults = [(path, fault) for path in paths for fault in check(json.loads(Path(path).read_text()))]
    print(*(f"{path}: {fault}\n" for path, fault in faults), sep="", end="")
    print(f"{len(paths)} documents, {len({path for path, _ in faults})} of them do not add up")
    return 1 if faults or not paths else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
