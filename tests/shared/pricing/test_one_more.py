"""One more price model or kind of line is one file and its name in the union, one more milestone a class and its
name: everything else follows.

Shown on a copy of the code, in a process of its own.
"""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from u2c.deployment.state import ROOT

TOY = '''
"""Beyond some free units every unit costs the same."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, ClassVar, Literal

from shared.pricing.fields import PositiveQuantity, UnitPrice
from shared.pricing.models.model import ByTotal, Part


class Toy(ByTotal):
    """Beyond some free units every unit costs the same."""

    example: ClassVar[Mapping[str, Any]] = {"model": "toy", "free": "10", "unit": "0.5"}

    model: Literal["toy"]
    free: PositiveQuantity
    unit: UnitPrice

    def cost(self, quantity: Decimal) -> Decimal:
        return max(quantity - self.free, Decimal(0)) * self.unit

    def parts(self, quantity: Decimal) -> tuple[Part, ...]:
        return (Part(quantity, self.cost(quantity), quantity, self.unit),)
'''
STAMP = '''
"""A stamp a stretch."""

from collections.abc import Iterator, Sequence
from typing import Literal, Self

from shared.pricing.effective import Effective
from shared.pricing.explanation.step import Step
from shared.pricing.fields import Amount
from shared.pricing.lines.line import LineClause
from shared.pricing.reach import Turn
from shared.pricing.results import PricedSegment
from shared.values.fields import Key


class StampLine(LineClause):
    """What each amendment costs."""

    key: Key
    kind: Literal["stamp"]
    amount: Amount

    @property
    def shown_as(self) -> str:
        return "Stamps"

    @classmethod
    def gross(cls, stretches: Sequence[Effective[Self]], turns: Sequence[Turn[Self]]) -> list[PricedSegment]:
        return [
            PricedSegment(one.start, one.end, one.version, one.hashes[0], {}, 1, 0, 1, one.clause.amount)
            for one in stretches
        ]

    @classmethod
    def explain(cls, stretches, turns, segments: Sequence[PricedSegment]) -> Iterator[Step]:
        for one in stretches:
            yield Step("fee", one.clause_ids, {"fee": one.clause.amount, "days": 1, "whole_days": 1}, one.clause.amount, one.clause.amount)
'''
SHARE = '''class ShareMilestone(Clause):
    """Reached when this much of a commitment is used."""

    key: Key
    commitment_share: Weight
    weight: Weight


'''
TOLD = """
import json
from services.rating.main import app
from shared.pricing import parse_terms, terms_json_schema
from shared.pricing.faults import TermsInvalid
from shared.pricing.unions import members
from shared.pricing.models import Price
from shared.pricing.models.model import Model
from tests.shared.pricing.contracts import chain, document, price, terms, usage_line

def faults(**over):
    try:
        parse_terms(document(**over))
    except TermsInvalid as refused:
        return {error["path"]: error["code"] for error in refused.errors}
    return {}

def stamped(amount, **over):
    return terms(lines=[usage_line(), {"key": "paper", "kind": "stamp", "amount": amount}], **over)

def statement():
    priced = price(chain(stamped("5"), stamped("7", effective="2026-01-16")), "1")
    return [[line.kind, line.amount_minor, len(line.segments)] for line in priced.lines]

def milestone(**said):
    return {"deadline_days": 30, "milestones": [{"key": "used", "weight": "1", **said}]}

print(json.dumps({
    "toy": faults(lines=[usage_line({"model": "toy", "free": "0", "unit": 0.5, "colour": "red"})]),
    "share": faults(activation=milestone(commitment_share="0.10")),
    "too large": faults(activation=milestone(commitment_share="2", colour="red")),
    "stamp": faults(lines=[{"key": "paper", "kind": "stamp", "amount": 0.5}]),
    "statement": statement(),
    "models": list(members(Price, Model)),
    "terms": list(terms_json_schema()["$defs"]),
    "openapi": list(app.openapi()["components"]["schemas"]),
}))
"""


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The code with a toy model, a toy kind of line, and with the milestone that is known and not offered yet."""
    folder = tmp_path_factory.mktemp("copy")
    for part in ("shared", "services", "examples", "tests/shared/pricing"):
        shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
    for file in ("pyproject.toml", "tests/__init__.py", "tests/shared/__init__.py"):
        shutil.copy(ROOT / file, folder / file)
    models = folder / "shared" / "pricing" / "models"
    (models / "toy.py").write_text(TOY)
    _change(models / "__init__.py", "    PerUnit |", "    Toy | PerUnit |")
    _change(models / "__init__.py", "\nPrice =", "\nfrom shared.pricing.models.toy import Toy\n\nPrice =")
    lines = folder / "shared" / "pricing" / "lines"
    (lines / "stamp.py").write_text(STAMP)
    _change(
        lines / "__init__.py",
        "Line = Annotated[Rec",
        "from shared.pricing.lines.stamp import StampLine\n\nLine = Annotated[StampLine | Rec",
    )
    activation = folder / "shared" / "pricing" / "language" / "activation.py"
    _change(activation, "def _milestone_kind", f"{SHARE}def _milestone_kind")
    member = 'Annotated[TeamMilestone, Tag("team_milestone")]'
    _change(activation, member, f'{member} | Annotated[ShareMilestone, Tag("share_milestone")]')
    return folder


def _change(file: Path, before: str, after: str) -> None:
    text = file.read_text()
    assert text.count(before) == 1
    file.write_text(text.replace(before, after))


@pytest.fixture(scope="module")
def told(copy: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(_run(copy, "-c", TOLD))
    return found


def _run(folder: Path, *arguments: str) -> str:
    done = subprocess.run([sys.executable, *arguments], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_faults_within_it_have_their_path_and_code(told: dict[str, Any]) -> None:
    assert told["toy"] == {
        "lines[0].price.free": "not_positive",
        "lines[0].price.unit": "float_refused",
        "lines[0].price.colour": "unknown_key",
    }


def test_a_kind_of_line_is_parsed_priced_and_explained_by_its_file_alone(told: dict[str, Any]) -> None:
    assert told["stamp"] == {"lines[0].amount": "float_refused"}
    assert told["statement"] == [["stamp", 1200, 2], ["usage", 100, 1]]


def test_the_schema_of_terms_and_the_openapi_document_show_it(told: dict[str, Any]) -> None:
    assert "toy" in told["models"]
    assert {"Toy", "StampLine", "ShareMilestone"} <= set(told["terms"])
    assert {"Toy", "StampLine", "ShareMilestone"} <= set(told["openapi"])


def test_a_milestone_that_is_offered_is_no_longer_refused_by_its_name(told: dict[str, Any]) -> None:
    assert told["share"] == {}
    assert told["too large"] == {
        "activation.milestones[0].commitment_share": "too_large",
        "activation.milestones[0].colour": "unknown_key",
    }


@pytest.mark.long
def test_the_laws_hold_it_to_what_they_hold_every_model_to(copy: Path) -> None:
    laws = _run(copy, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/shared/pricing/test_laws.py")
    named = _run(
        copy, "-m", "pytest", "-q", "--collect-only", "tests/shared/pricing/test_laws.py", "-k", "toy"
    )
    assert "failed" not in laws
    assert named.count("[toy]") == 3
