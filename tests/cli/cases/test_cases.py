"""The shipped cases, run once through the product: nothing fails, and what has no answer says why by its model and
terms."""

import ast
import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from u2c.cases import reasons
from u2c.cases.answers import ANSWERS
from u2c.cases.case import SHIPPED, Case, cases_in, cases_of
from u2c.cases.comparing import comparable
from u2c.cases.runner import Outcome, counts, outcome_of, run
from u2c.deployment.state import ROOT

CASES = cases_in(SHIPPED)
ANSWERED_MIN = 288
"""Of the shipped cases; it rises as terms come, and never falls."""


@pytest.fixture(scope="module")
def outcomes() -> list[Outcome]:
    return run(CASES)


def case(model: str, terms: dict[str, Any], usage: dict[str, Any], expect: dict[str, Any]) -> Case:
    return Case("made", "MADE-1", "made here", model, terms, usage, expect)


def test_nothing_that_is_shipped_fails(outcomes: list[Outcome], record_property: Any) -> None:
    for verdict, number in counts(outcomes).items():
        record_property(verdict, number)
    assert len(CASES) == len({one.id for one in CASES}) == 491
    assert not [
        (one.case.id, one.expected, one.got, one.reason) for one in outcomes if one.verdict == "failed"
    ]
    assert counts(outcomes)["passed"] >= ANSWERED_MIN


def test_few_are_declined_for_good_and_each_by_a_reason_of_the_page(outcomes: list[Outcome]) -> None:
    declined = [one for one in outcomes if one.verdict == "not_offered"]
    assert len(declined) <= len(CASES) // 20
    assert {one.reason for one in declined} <= set(reasons.REASONS.values())


def test_whatever_is_later_says_what_it_waits_for(outcomes: list[Outcome]) -> None:
    assert all(len(one.reason) > 2 for one in outcomes if one.verdict == "later")


def test_the_page_of_conventions_lists_every_reason_in_the_same_words() -> None:
    page = " ".join((ROOT / "docs" / "conventions.md").read_text().split())
    assert not [reason for reason in reasons.REASONS.values() if reason not in page]


def test_every_model_that_is_shipped_is_known() -> None:
    assert {one.model for one in CASES} <= ANSWERS.keys()


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        (case("per_diem", {}, {}, {"amount": "1"}), "no rule is called per_diem"),
        (case("per_unit", {"unit_price": "1", "moon": "full"}, {"quantity": "1"}, {"amount": "1"}), "moon"),
        (
            case(
                "package",
                {"package_size": "2", "package_price": "1", "partial_package": "half"},
                {"quantity": "1"},
                {},
            ),
            "half",
        ),
        (case("aggregate", {"aggregation": "median"}, {"events": []}, {"value": "0"}), "median"),
        (
            case("round", {"rounding": {"mode": "sideways", "scale": 2}}, {"value": "1"}, {"value": "1"}),
            "sideways",
        ),
        (case("per_unit", {"unit_price": "1e9"}, {"quantity": "1"}, {"amount": "1"}), "unit"),
    ],
)
def test_what_nobody_knows_fails(changed: Case, told: str) -> None:
    outcome = outcome_of(changed)
    assert outcome.verdict == "failed" and told in outcome.reason, outcome


def test_words_that_no_shipped_case_uses_are_understood_too() -> None:
    """Each with its verdict: passed by an answer, later or not offered by its terms, failed where nobody knows a value."""
    path = Path(__file__).parent / "vocabulary.json"
    verdicts = {one["id"]: one["verdict"] for one in json.loads(path.read_text())}
    found = {one.case.id: one for one in run(cases_of(path))}
    wrong = {
        name: (found[name], verdict) for name, verdict in verdicts.items() if found[name].verdict != verdict
    }
    assert not wrong


def test_what_is_later_is_so_by_its_terms_and_never_by_its_name() -> None:
    other = case("percentage", {"rate_pct": "1", "fixed_fee": "2"}, {"transactions": ["5"]}, {"amount": "0"})
    assert outcome_of(other).verdict == "later"
    assert (
        outcome_of(case("percentage", {"rate_pct": "1"}, {"transactions": ["5"]}, {"amount": "0.05"})).verdict
        == "passed"
    )


def test_a_wrong_figure_is_found_in_whatever_key_it_stands() -> None:
    """Each expected number of each answered case, changed: none goes unseen."""
    seen: Counter[str] = Counter()
    for one in CASES[::7]:
        if one.model in ("aggregate", "windowed_sum") or outcome_of(one).verdict != "passed":
            continue
        for key in one.expect:
            wrong = Case(one.group, one.id, one.title, one.model, one.terms, one.usage, {key: "0.123456789"})
            outcome = outcome_of(wrong)
            assert outcome.verdict == "failed" and outcome.expected == {key: "0.123456789"}, (one.id, key)
            assert comparable(outcome.got[key]) == comparable(one.expect[key])
            seen[one.model] += 1
    assert len(seen) > 10


def test_the_runner_has_no_arithmetic_of_its_own() -> None:
    """What adds and subtracts answered figures stands in one file, a function each."""
    found = []
    for path in (ROOT / "cli/u2c/cases").rglob("*.py"):
        if path.name in ("asking.py", "store.py", "case.py"):
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.BinOp | ast.AugAssign) and not isinstance(node.op, ast.BitOr):
                found.append(f"{path.name}:{node.lineno}")
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Name)
                and node.func.id in ("sum", "round", "abs")
            ):
                found.append(f"{path.name}:{node.lineno}")
    assert not found


def verb(folder: Path, *flags: str) -> tuple[int, str]:
    ended = subprocess.run(
        [sys.executable, "-m", "u2c", "cases", *flags],
        env={**os.environ, "U2C_CASES": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert not ended.stderr, ended.stderr
    return ended.returncode, ended.stdout


def written(path: Path, *cases: Case) -> None:
    keys = ("id", "title", "model", "terms", "usage", "expect")
    path.write_text(json.dumps([{key: getattr(one, key) for key in keys} for one in cases]))


def test_the_verb_tells_failures_then_groups_then_counts(tmp_path: Path) -> None:
    good = case("per_unit", {"unit_price": "2"}, {"quantity": "3"}, {"amount": "6.0"})
    wrong = case("per_unit", {"unit_price": "2"}, {"quantity": "3"}, {"amount": "7"})
    tax = case("compound_tax", {}, {}, {"total_tax": "1"})
    worst = case("capacity_tier", {}, {}, {"amount": "1"})
    written(tmp_path / "a.json", good, tax, worst)
    assert verb(tmp_path) == (
        0,
        "a: 1 passed, 0 failed, 1 not offered, 1 later\n1 later\n1 passed, 0 failed, 1 not offered\n",
    )
    written(tmp_path / "b.json", wrong)
    code, told = verb(tmp_path)
    assert code == 1 and told.splitlines() == [
        "MADE-1 expected amount: 7 got amount: 6",
        "a: 1 passed, 0 failed, 1 not offered, 1 later",
        "b: 0 passed, 1 failed, 0 not offered, 0 later",
        "1 later",
        "1 passed, 1 failed, 1 not offered",
    ]
    code, told = verb(tmp_path, "--json")
    assert code == 1 and json.loads(told) == {
        **json.loads(told),
        "failed": 1,
        "failures": [{"id": "MADE-1", "expected": {"amount": "7"}, "got": {"amount": "6"}}],
    }
