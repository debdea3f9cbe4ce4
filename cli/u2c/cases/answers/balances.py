"""Commitments, and blocks that pay: what is drawn, in which order, and what is left."""

from datetime import date
from decimal import Decimal
from typing import Any

from services.rating.paper.domain.question import QuestionInvalid
from shared.pricing.blocks import Block, in_order
from shared.values.decimals import plain
from shared.values.instants import read_instant
from shared.values.money import currency, to_decimal
from shared.values.period import add_months, day_after
from u2c.cases.asking import Priced, ask, document, fee, less, settled, total_of, usage_line, used
from u2c.cases.case import Answer, Answers, Case, Later, NotOffered, Terms, Unknown, known, one_of
from u2c.cases.reasons import not_offered

_UNIT = {"model": "per_unit", "unit": "1"}
_ORDERS = (
    ["priority_asc", "expiry_asc"],
    ["priority_asc", "expiry_asc", "created_asc"],
    ["priority_asc", "expiry_asc", "created_asc", "id_asc"],
)
_CLASSES = {"rollover_first": "first", "normal": "normal", "rollover_last": "last"}
_EVERY = {"1": "day", "7": "week"}
#: What a case calls a fee → the kind of line that is.
_KINDS = {"usage": "usage", "subscription": "recurring"}


def block(one: Terms, **over: Any) -> dict[str, Any]:
    """Return a block of money as a question has it."""
    names = ("effective", "expires", "priority")
    kept = {name: one[name] for name in names if name in one}
    if "priority" in kept:
        kept["priority"] = int(kept["priority"])
    if "voided" in one:
        kept["expires"] = one["voided"]
    return {
        "id": one["id"],
        "contract": "case",
        "kind": "promotional",
        "amount": one.get("opening", one.get("amount")),
        "currency": "USD",
        **kept,
        **over,
    }


def drawdown(case: Case) -> Answer:
    """Usage at one a unit draws on grants by its time; what they do not cover is overage."""
    terms, usage = case.terms, case.usage
    known(terms, "order", "overage", "expiry_boundary")
    one_of(terms, "expiry_boundary", {"exclusive": True}, True)
    by_class = terms.get("order") == "class"
    if not by_class and terms.get("order") not in _ORDERS:
        raise Unknown(f"no order of grants is {terms.get('order')}")
    by_clause = [one for one in usage["grants"] if by_class or "recurs_every_days" in one]
    single = [one for one in usage["grants"] if one not in by_clause]
    start = min([usage["from"], *(one.get("effective", usage["from"]) for one in usage["grants"])])
    priced = ask(
        document(
            term={"start": start[:10], "months": 1200},
            lines=[usage_line(_UNIT)],
            **({"credits": [_credit(one, by_class) for one in by_clause]} if by_clause else {}),
        ),
        until=usage["to"],
        usage=[used(one["quantity"], one["at"]) for one in usage["usage"]],
        **({"blocks": [block(one) for one in single]} if single else {}),
    )
    _beyond(terms, priced)
    balances = {one["id"]: priced.balances.get(one["id"], "0") for one in usage["grants"]}
    return {
        "overage": priced.total,
        "balances": balances,
        "total_balance": total_of(priced.balances.values()),
    }


def _credit(one: Terms, by_class: bool) -> dict[str, Any]:
    """A grant that recurs is a credit with a refill; so is one of a class."""
    written = block(one, **_class(one, by_class))
    kept = ("kind", "amount", "effective", "expires", "priority", "class")
    credit = {"key": one["id"], **{name: written[name] for name in kept if name in written}}
    if "recurs_every_days" not in one:
        return credit
    if one["recurs_every_days"] not in _EVERY:
        raise Later(f"a refill every {one['recurs_every_days']} days")
    every, anchor = _EVERY[one["recurs_every_days"]], one["recurrence_anchor"][:10]
    return {**credit, "refill": {"every": every, "anchor": anchor}}


def _class(one: Terms, by_class: bool) -> dict[str, str]:
    return {"class": _CLASSES[one["class"]]} if by_class and "class" in one else {}


def _beyond(terms: Terms, priced: Priced) -> None:
    """What exceeds all blocks is asked for; other conventions are those of blocks in units."""
    conventions = {
        "invoice": False,
        "bill": False,
        "reject": True,
        "carry_into_later_grants": True,
        "drop": True,
    }
    if one_of(terms, "overage", conventions, False) and priced.total:
        raise Later(f"what exceeds blocks is not asked for: {terms['overage']}, of blocks in units")


def grant_order(case: Case) -> Answer:
    known(case.terms, "order", "expiry_precision")
    one_of(case.terms, "expiry_precision", {"second": True}, True)
    if case.terms["order"] not in _ORDERS:
        raise Unknown(f"no order of grants is {case.terms['order']}")
    blocks = [
        Block(
            one["id"],
            one["id"],
            "promotional",
            0,
            read_instant(one["created"]),
            read_instant(one["expires"]) if "expires" in one else None,
            read_instant(one["created"]),
            int(one["priority"]) if "priority" in one else None,
        )
        for one in case.usage["grants"]
    ]
    return {"order": [one.id for one in in_order(blocks)]}


def period_reset(case: Case) -> Answer:
    """A refill keeps some of what is left: what it keeps, beside its own amount, is the balance that is carried."""
    terms, usage = case.terms, case.usage
    known(terms, "max_rollover", "min_rollover", "preserve_overage")
    roll_over = {"max": terms["max_rollover"], "min": terms["min_rollover"]}
    credit = {"key": "pool", "amount": usage["balance"], "refill": {"every": "month"}, "roll_over": roll_over}
    asked = document(lines=[usage_line(_UNIT)], credits=[credit])
    priced = ask(asked, usage=[used(usage["used"])])
    if terms.get("preserve_overage") and priced.total:
        raise Later("what exceeds a block is taken from its next refill (overage: carry)")
    kept = (to_decimal(row.amount_minor, currency("USD")) for row in priced.periods[0].closing.kept)
    return {"balance_after_reset": total_of(kept), "overage_after_reset": priced.total}


def apply_credits(case: Case) -> Answer:
    terms, usage = case.terms, case.usage
    known(terms, "must_consume_all")
    lines = [fee(amount, key=key) for key, amount in usage["lines"]]
    priced = ask(document(lines=lines), blocks=[block(one) for one in usage["credits"]])
    left = total_of(priced.balances.values())
    if terms.get("must_consume_all") and left:
        raise NotOffered(not_offered("all_or_nothing"))
    draws = priced.statements[0]["draws"]
    return {
        "applied": [
            {draw["block"]: draw["amount"] for draw in draws if draw["line"] == key}
            for key, _ in usage["lines"]
        ],
        "due": priced.total,
        "unused_credit": left,
        "rejected": False,
    }


def settlement(case: Case) -> Answer:
    known(case.terms, "mode")
    only = one_of(case.terms, "mode", {"credits_then_invoice": False, "credits_only": True})
    line = fee(case.usage["charge"], **({"settle_by": "credits_only"} if only else {}))
    priced = ask(document(lines=[line]), blocks=[block({"id": "credits", "amount": case.usage["credits"]})])
    draws = total_of(map(_amount, priced.statements[0]["draws"]))
    return {"credits_used": draws, "invoiced": priced.total, "blocked": False}


def _amount(draw: Terms) -> Decimal:
    return Decimal(draw["amount"])


def debit(case: Case) -> Answer:
    """What is taken off a block by a call: refused beyond its balance, which it then leaves as it was."""
    known(case.terms, "allow_negative")
    taken = {
        "amount": f"-{case.usage['debit']}",
        "allow_negative": bool(case.terms.get("allow_negative", False)),
    }
    asked, before = (
        document(lines=[usage_line(_UNIT)]),
        block({"id": "wallet", "amount": case.usage["balance"]}),
    )
    try:
        priced, rejected = ask(asked, blocks=[{**before, "adjustments": [taken]}]), False
    except QuestionInvalid as fault:
        if {one["code"] for one in fault.errors} != {"balance_too_small"}:
            raise
        priced, rejected = ask(asked, blocks=[before]), True
    return {"rejected": rejected, "balance": priced.balances["wallet"]}


def unit_bundle(case: Case) -> Answer:
    """A block in units of a meter, drawn in whole increments."""
    known(case.terms, "increment")
    credit = {
        "key": "bundle",
        "amount": case.usage["balance"],
        "unit": "usage",
        "increment": case.terms["increment"],
    }
    ask(document(lines=[usage_line(_UNIT)], credits=[credit]))
    raise Later("blocks in units of a meter")


def wallets(case: Case) -> Answer:
    """Blocks that pay some kinds of lines, or some lines."""
    terms, usage = case.terms, case.usage
    known(terms, "rounding")
    if any("tax" in one for one in usage["fees"]):
        raise Later("blocks that pay tax")
    lines = [
        fee(one["net"], key=f"fee{n}") if one["type"] != "usage" else usage_line(_UNIT, key=f"fee{n}")
        for n, one in enumerate(usage["fees"])
    ]
    rows = [used(one["net"], line=f"fee{n}") for n, one in enumerate(usage["fees"]) if one["type"] == "usage"]
    money = settled(terms)
    blocks = [
        block({**one, "amount": one["balance"]}, currency=money["currency"], **_pays(one, usage["fees"]))
        for one in usage["wallets"]
        if one.get("currency", usage["currency"]) == usage["currency"]
    ]
    priced = ask(document(lines=lines, **money), blocks=blocks, usage=rows)
    draws = priced.statements[0]["draws"]
    consumed = {
        one["id"]: total_of(_amount(draw) for draw in draws if draw["block"] == one["id"])
        for one in usage["wallets"]
    }
    return {"consumed": {name: amount for name, amount in consumed.items() if amount}, "due": priced.total}


def _pays(wallet: Terms, fees: list[Terms]) -> dict[str, list[str]]:
    kinds = [_KINDS[kind] for kind in wallet.get("types", ())]
    keys = [f"fee{n}" for n, one in enumerate(fees) if one.get("metric") in wallet.get("metrics", ())]
    return {"applies_to": [*kinds, *keys]} if kinds or keys else {}


def window_commitment(case: Case) -> Answer:
    """A promise of one line in each window, and other prices by time of day."""
    known(case.terms, "default", "time_of_day_rules")
    line = usage_line(
        {"model": "per_unit", "unit": case.terms["default"]["unit_price"]},
        per_bucket={"window": "hour", "aggregate": "sum"},
        commit=case.terms["default"]["commitment"],
    )
    ask(document(lines=[line]))
    raise Later("commitments of one line")


def cumulative_commitment(case: Case) -> Answer:
    """A commitment of the term that months use up; what exceeds it costs a multiple."""
    terms, usage = case.terms, case.usage
    known(terms, "commitment", "overage_factor", "allocation_rounding")
    current = list(usage["current_base"])
    commitment = {
        "key": "commitment",
        "amount": terms["commitment"],
        "overage_percent": plain(Decimal(terms["overage_factor"]).scaleb(2)),
        "spread": "pro_rata",
    }
    months = [date(2026, 1, 1)]
    rows = []
    for base in usage["prior_base"]:
        rows.append(used(base, months[-1].isoformat(), line=current[0]))
        months.append(add_months(months[-1], 1))
    rows.extend(used(base, months[-1].isoformat(), line=key) for key, base in usage["current_base"].items())
    asked = document(lines=[usage_line(_UNIT, key=key) for key in current], commitments=[commitment])
    priced = ask(asked, until=day_after(months[-1]).isoformat(), usage=rows)
    last = priced.periods[-1]
    covered = {
        key: total_of(
            step.output for step in last.steps if step.op == "commit" and step.inputs["line"] == key
        )
        for key in current
    }
    within, total = total_of(covered.values()), Decimal(priced.statements[-1]["total"])
    return {"total": total, "within": within, "overage": less(total, within), "allocation": covered}


ANSWERS: Answers = {
    "drawdown": drawdown,
    "grant_order": grant_order,
    "period_reset": period_reset,
    "apply_credits": apply_credits,
    "settlement": settlement,
    "debit": debit,
    "unit_bundle": unit_bundle,
    "wallets": wallets,
    "window_commitment": window_commitment,
    "cumulative_commitment": cumulative_commitment,
}
