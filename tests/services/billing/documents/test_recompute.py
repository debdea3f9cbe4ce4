"""`examples/recompute.py` works every document out again, and names the step in which one number was changed."""

import hashlib
import importlib.util
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from types import ModuleType
from typing import Any, get_args

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from services.billing.documents.answers import DocumentAnswer
from services.billing.documents.domain.document import Document as StoredDocument
from services.billing.documents.domain.following import lines_of_draft
from shared.pricing import Balances, PricedPeriod, price_period, usage_needs
from shared.pricing.balances import UnitsHandedOn
from shared.pricing.explanation import Op
from shared.pricing.lines.proration import Proration
from shared.topics.rating import AskedLine, CorrectedOccasion
from tests.services.billing.priced import document_of
from tests.services.billing.statements import statement_of
from tests.shared.pricing.contracts import JANUARY, chain, price, terms, usage_line, usage_of
from tests.shared.pricing.prices import PRICES
from u2c.deployment.state import ROOT

SCRIPT = ROOT / "examples" / "recompute.py"
CONTRACTS = 2_000
LINES_MAX = 150
_DOCUMENTS = TypeAdapter(DocumentAnswer)
Document = dict[str, Any]
Place = tuple[int, int, tuple[str, ...]]
"""A line, a step of it, and where in the step a number stands."""


def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("recompute", SCRIPT)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


recompute = script()


def exported(priced: PricedPeriod, currency: str = "USD") -> Document:
    """The document as `GET /v1/invoices/{id}` answers it."""
    return shown(document_of(priced, currency=currency))


def shown(document: StoredDocument) -> Document:
    answer: Document = json.loads(_DOCUMENTS.dump_json(DocumentAnswer.of(document)))
    return answer


quantities = st.decimals(min_value=-100, max_value=20_000, places=3)


ROUNDINGS = ["half_up", "half_even", "half_down", "up", "down", "ceiling", "floor"]
DECIMALS = {"USD": 2, "JPY": 0, "BHD": 3}
HOLDS: list[Document] = [
    {},
    {"from": "2026-01-09"},
    {"until": "2026-01-21"},
    {"from": "2026-01-09", "until": "2026-01-21"},
]


#: Raised once or several times before January, or within it.
ESCALATORS = st.fixed_dictionaries(
    {
        "percent": st.decimals(min_value=1, max_value=20, places=3).map(str),
        "every_months": st.integers(1, 9),
        "anchor": st.sampled_from(["2025-01-01", "2025-06-11"]),
        "kind": st.sampled_from(["compound", "simple"]),
    }
)


CONVERTED = [
    {"convert": {"divide": "7"}},
    {"convert": {"multiply": "1.25", "round": {"mode": "up", "scale": 0}}},
    {"convert": {"divide": "1000", "round": {"mode": "half_even", "scale": 1}}},
]


@st.composite
def priced_contracts(draw: st.DrawFn) -> tuple[PricedPeriod, str]:
    """A month of a random contract, its price and fee changed within it or not."""
    currency = draw(st.sampled_from(sorted(DECIMALS)))
    money = st.integers(0, 2_000_000).map(lambda minor: str(Decimal(minor).scaleb(-DECIMALS[currency])))
    written: Document = {
        "currency": currency,
        "billing": {"interval": "month", "rounding": draw(st.sampled_from(ROUNDINGS))},
        "phases": draw(st.sampled_from([[], [{"from": "2026-01-01", "minimum_spend": "500"}]])),
        "escalators": draw(st.lists(ESCALATORS, max_size=1)),
        "discounts": draw(st.lists(_discounts(money), max_size=3, unique_by=lambda one: str(one["key"]))),
    }
    if draw(st.booleans()):
        written["cap"] = {"spend_per_period": str(500 + draw(st.integers(0, 20_000)))}
    line: Document = {"on_change": draw(st.sampled_from(["run_through", "restart"]))}
    if draw(st.booleans()):
        line["included"] = str(draw(st.integers(0, 500)))
    line |= draw(
        st.sampled_from([{}, {"minimum": "800"}, {"maximum": "0.02"}, {"maximum": "1"}, {"maximum": "40"}])
    )
    line |= draw(st.sampled_from([{}, {}, *CONVERTED]))
    line |= draw(st.sampled_from([{}, {"rounding": {"step": "5"}}, {"rounding": {"mode": "up", "scale": 0}}]))
    versions = [
        terms(
            **written,
            **at,
            lines=[usage_line(draw(st.one_of(*PRICES.values())), **line), _fee(draw, money)],
        )
        for at in ({}, {"effective": "2026-01-17"})[: draw(st.integers(1, 2))]
    ]
    priced = chain(*versions)
    counted = [str(draw(quantities)) for _ in usage_needs(priced, JANUARY)]
    return price(priced, *counted), currency


def _discounts(money: st.SearchStrategy[str]) -> st.SearchStrategy[Document]:
    of = st.sampled_from([["api"], ["fee"], ["api", "fee"], ["usage"]])
    percent = st.decimals(min_value=1, max_value=100, places=3).map(str)
    measures = st.one_of(
        st.fixed_dictionaries({"percent": percent, "applies_to": of}),
        st.fixed_dictionaries(
            {
                "amount": money.filter(lambda amount: Decimal(amount) > 0),
                "applies_to": of,
                "split": st.sampled_from(["largest_remainder", "last", "in_order"]),
            }
        ),
        st.fixed_dictionaries({"units": st.integers(1, 900).map(str), "applies_to": st.just(["api"])}),
    )
    named = st.fixed_dictionaries({"key": st.sampled_from(["d1", "d2", "d3"])})
    return st.builds(
        lambda *parts: {k: v for part in parts for k, v in part.items()},
        named,
        measures,
        st.sampled_from(HOLDS),
    )


def _fee(draw: st.DrawFn, money: st.SearchStrategy[str]) -> Document:
    proration = draw(st.sampled_from(get_args(Proration)))
    return {"key": "fee", "kind": "recurring", "amount": draw(money), "proration": proration}


#: Operations that random contracts of usage, fees, discounts, escalators and bounds lead to.
OF_OTHERS = {
    "commit",
    "uplift",
    "shortfall",
    "draw",
    "part",
    "cost",
    "asked",
    "unpriced",
    "credit",
    "handed_on",
}
OFTEN = set(get_args(Op)) - OF_OTHERS


@pytest.mark.long
def test_random_contracts_are_worked_out_again() -> None:
    seen: Counter[str] = Counter()

    @settings(max_examples=CONTRACTS, deadline=None, derandomize=True)
    @given(contract=priced_contracts())
    def worked_out(contract: tuple[PricedPeriod, str]) -> None:
        document = exported(*contract)
        assert recompute.check(document) == []
        seen.update(step["op"] for line in document["lines"] for step in line["steps"])

    worked_out()
    print(seen)
    assert {op for op, count in seen.items() if count >= 50} >= OFTEN, seen


def test_units_that_corrections_hand_on_and_credits_of_units_are_worked_out_again() -> None:
    tiers = {"model": "graduated", "tiers": [{"up_to": "10", "unit": "2"}, {"unit": "1"}]}
    versions = chain(terms(lines=[usage_line(tiers, included=None, negative="credit")]))
    opening = Balances(handed_on=(UnitsHandedOn("api", (), Decimal(-30)),))
    found = price_period(versions, JANUARY, usage_of(versions, "12"), opening, explain=True)
    assert found.subtotal_minor == -2800
    document = exported(found)
    assert {"handed_on", "credit"} <= {step["op"] for line in document["lines"] for step in line["steps"]}
    assert recompute.check(document) == []


@settings(max_examples=60)
@given(contract=priced_contracts(), data=st.data())
def test_a_number_that_was_changed_is_named_by_its_step(
    contract: tuple[PricedPeriod, str], data: st.DataObject
) -> None:
    document = exported(*contract)
    assert recompute.check(document) == []
    changed(
        document, data.draw(st.sampled_from(list(numbers(document)))), data.draw(st.sampled_from([1, -1]))
    )


def test_every_kind_of_number_of_every_operation_is_named() -> None:
    """Each number of documents in which every operation occurs, one after the other."""
    tiers = {"model": "graduated", "tiers": [{"up_to": "10", "unit": "2", "flat": "1"}, {"unit": "1.505"}]}
    cheaper = {**tiers, "tiers": [{"up_to": "100", "unit": "0.5"}, {"unit": "0.25"}]}
    fee = {"key": "fee", "kind": "recurring", "amount": "33.33"}
    phases = [{"from": "2026-01-01", "minimum_spend": "500"}]
    versions = chain(
        terms(lines=[usage_line(tiers, included="5"), fee], phases=phases),
        terms(
            lines=[usage_line(cheaper, included="5"), {**fee, "amount": "44.44"}],
            phases=phases,
            effective="2026-01-17",
        ),
    )
    document = exported(price(versions, "20.5", "90"))
    named = set()
    for place in numbers(document):
        changed(document, place, 1)
        at_line, at_step, path = place
        named.add((document["lines"][at_line]["steps"][at_step]["op"], path))
    assert {op for op, _ in named} >= {"quantity", "allowance", "fee", "price", "before", "settle", "minimum"}
    assert {path[-1] for op, path in named if op == "price"} == {
        "quantity", "count", "at", "flat", "bound", "output", "amount"
    }  # fmt: skip


def numbers(document: Document) -> Iterator[Place]:
    """Where the numbers of all steps stand."""
    for at_line, line in enumerate(document["lines"]):
        for at_step, step in enumerate(line["steps"]):
            for path in (("output",), ("amount",), *(("inputs", name) for name in step["inputs"])):
                value = step[path[0]] if len(path) == 1 else step["inputs"][path[1]]
                if isinstance(value, int) or (isinstance(value, str) and _is_number(value)):
                    yield at_line, at_step, path


def _is_number(text: str) -> bool:
    return text.removeprefix("-").replace(".", "", 1).isdigit()


def changed(document: Document, place: Place, by: int) -> None:
    """Change one number, by one in its last digit: the first fault names its step, and is in its line. The caps of a line
    are shares of one sum by their amounts, so where one has another amount it is the first of them that no longer holds."""
    at_line, at_step, path = place
    altered = deepcopy(document)
    step = altered["lines"][at_line]["steps"][at_step]
    inside = step if len(path) == 1 else step["inputs"]
    value = inside[path[-1]]
    inside[path[-1]] = value + by if isinstance(value, int) else _next(value, by)
    (fault, *_) = recompute.check(altered)
    line = document["lines"][at_line]
    together = [at for at, one in enumerate(line["steps"]) if one["op"] == "cap" == step["op"]]
    named = [
        f"line {line['key']} ({line['id']}), step {at + 1} ({step['op']}): " for at in (at_step, *together)
    ]
    assert fault.startswith(tuple(named)), fault


def _next(text: str, by: int) -> str:
    number = Decimal(text)
    exponent = number.as_tuple().exponent
    assert isinstance(exponent, int)
    return f"{number + Decimal(by).scaleb(exponent):f}"


@pytest.mark.parametrize("name", ["amount", "quantity"])
@pytest.mark.parametrize(
    "line",
    [
        usage_line(),
        {"key": "fee", "kind": "recurring", "amount": "3"},
        {"key": "setup", "kind": "one_off", "amount": "3", "date": "2026-01-07"},
    ],
)
def test_a_changed_line_and_changed_totals_are_named(name: str, line: Document) -> None:
    document = exported(price(chain(terms(lines=[line])), *(["3"] if line["kind"] == "usage" else [])))
    document["lines"][0][name] = "4"
    assert recompute.check(document)[0].partition(",")[0].startswith(f"line {line['key']}")
    document = exported(price(chain(terms()), "3"))
    document["subtotal"] = "4.00"
    assert recompute.check(document) == [
        "its lines come to 3.00, its subtotal is 4.00",
        "its subtotal less its draws is 4.00, its total is 3.00",
    ]


def test_what_was_not_kept_and_what_is_not_known_is_said() -> None:
    document = exported(price(chain(terms()), "3"))
    document["lines"][0]["steps"][0]["op"] = "conjure"
    assert "an unknown operation" in recompute.check(document)[0]
    del document["lines"][0]["steps"]
    assert "was not kept" in recompute.check(document)[0]


def test_files_are_read_and_the_verdict_is_the_exit_code(tmp_path: Path) -> None:
    good, bad = exported(price(chain(terms()), "3")), exported(price(chain(terms()), "3"))
    bad["lines"][0]["steps"][1]["inputs"]["at"] = "2"
    (tmp_path / "good.json").write_text(json.dumps(good))
    assert run(tmp_path / "good.json") == (0, "1 documents, 0 of them do not add up\n")
    (tmp_path / "bad.json").write_text(json.dumps(bad))
    code, said = run(tmp_path / "good.json", tmp_path / "bad.json")
    assert (
        code == 1
        and "bad.json: line api" in said
        and "step 2 (price): its inputs come to 6, its output is 3" in said
    )


def run(*paths: Path) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-I", str(SCRIPT), *map(str, paths)], capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout


def note(*, whole: int, asked: int, invoice: str | None = "inv_0") -> Document:
    """A note that asks for so much of a line that comes to `whole` now; the period may have left no invoice."""
    statement = statement_of(final=True, occasion="note:1", amounts=(whole,))
    (line,) = statement.lines
    said = {name: getattr(line, name) for name in line.__struct_fields__}
    said |= {
        "amount_minor": asked,
        "quantity": Decimal(0),
        "corrects": CorrectedOccasion("period", line.line_id),
    }
    statement = msgspec.structs.replace(statement, asked=(AskedLine(**said),))
    lines = tuple(lines_of_draft(statement, {"period": invoice} if invoice else {}, segments=True))
    of = document_of(price(chain(terms()), "3"))
    return shown(replace(of, lines=lines, subtotal_minor=asked, total_minor=asked))


@pytest.mark.parametrize(("whole", "asked"), [(5_000, 1_200), (5_000, -300), (0, -5_000)])
def test_a_note_asks_for_what_its_line_comes_to_less_what_others_ask_for(whole: int, asked: int) -> None:
    document = note(whole=whole, asked=asked)
    assert recompute.check(document) == []
    *_, step = document["lines"][0]["steps"]
    assert step["op"] == "asked" and "other documents ask for" in step["text"]
    for place in numbers(document):
        changed(document, place, 1)


def test_a_note_of_a_period_without_an_invoice_has_the_difference_too() -> None:
    document = note(whole=5_000, asked=1_200, invoice=None)
    assert document["lines"][0]["corrects"] is None
    steps = document["lines"][0]["steps"]
    counted: dict[str, Any] = {"op": "quantity", "clauses": [], "inputs": {}, "output": "13", "amount": None}
    written = json.dumps(counted, sort_keys=True, separators=(",", ":"))
    steps.insert(0, {**counted, "digest": hashlib.sha256(written.encode()).hexdigest()[:16]})
    assert recompute.check(document) == []


def test_units_that_are_left_unpriced_are_those_counted() -> None:
    """Under a digest of its own, as whoever makes a document has it."""
    document = exported(price(chain(terms()), "3"))
    steps = document["lines"][0]["steps"]
    steps.insert(1, signed("unpriced", {"counted": "3"}, "-3", None))
    assert recompute.check(document) == []
    steps[1] = signed("unpriced", {"counted": "3"}, "-2", None)
    (fault,) = recompute.check(document)
    assert fault.endswith("step 2 (unpriced): its inputs come to -3, its output is -2")


def test_two_lines_of_one_name_and_amount_have_each_its_own_share_of_a_cap() -> None:
    """Both of 10.00, and 5.01 beyond the cap: the first gives the cent that is left over."""
    own = {"key": "own", "kind": "recurring", "amount": "10", "every": {"months": 1}}
    versions = chain(
        terms(
            term={"start": "2026-01-31", "months": 12},
            billing={"anchor_day": 30},
            lines=[own],
            cap={"spend_per_period": "14.99"},
        )
    )
    april = next(one for one in versions[0].terms.calendar.periods() if str(one.start_date) == "2026-03-30")
    priced = price_period(versions, april, {}, explain=True)
    assert [step.output for step in priced.steps if step.op == "cap"] == [Decimal("-2.51"), Decimal("-2.50")]
    assert recompute.check(exported(priced)) == []


def test_a_part_is_of_what_the_step_of_its_cost_comes_to() -> None:
    """Each number changed alone, and one that holds by itself: a part of twice as much, under a digest of its own."""
    document = exported(price(chain(terms()), "3"))
    (line,) = document["lines"]
    cost: dict[str, str] = {
        "block": "b",
        "granted": "10.00",
        "cost_basis": "0.8",
        "rounding": "half_up",
        "currency": "USD",
    }
    part: dict[str, Any] = {"block": "b", "whole": "8.00", "number": 1, "parts": 2, "currency": "USD"}
    steps = [signed("cost", cost, "8.00", None), signed("part", part, "4.00", "4.00")]
    line |= {"kind": "prepayment", "amount": "4.00", "steps": steps}
    document |= {"subtotal": "4.00", "total": "4.00"}
    assert recompute.check(document) == []
    for place in numbers(document):
        changed(document, place, 1)
    steps[1] = signed("part", {**part, "whole": "16.00", "parts": 4}, "4.00", "4.00")
    (fault,) = recompute.check(document)
    assert fault.endswith("step 2 (part): what it is a part of is not the output of the step of the cost")


def signed(op: str, inputs: Document, output: str, amount: str | None) -> Document:
    """A step with the digest of what it says."""
    said: Document = {"op": op, "clauses": [], "inputs": inputs, "output": output, "amount": amount}
    written = json.dumps(said, sort_keys=True, separators=(",", ":"))
    return {**said, "digest": hashlib.sha256(written.encode()).hexdigest()[:16]}


def test_it_knows_every_operation() -> None:
    assert {*recompute.OPERATIONS, *recompute.FACTS} == set(get_args(Op))


def test_it_is_short_and_needs_nothing_but_python() -> None:
    text = SCRIPT.read_text()
    assert len(text.splitlines()) <= LINES_MAX
    imported = {
        line.split()[1].split(".")[0] for line in text.splitlines() if line.startswith(("import ", "from "))
    }
    assert imported <= sys.stdlib_module_names
