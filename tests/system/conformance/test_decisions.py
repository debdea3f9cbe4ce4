"""Decisions are found by their number: each has one of its own, and what is referred to is there."""

import re

from u2c.deployment.state import ROOT

DECISIONS = sorted((ROOT / "docs" / "adr").glob("*.md"))


def test_each_decision_has_a_number_of_its_own_and_says_it() -> None:
    assert [path.name[:4] for path in DECISIONS] == [f"{n:04}" for n in range(1, len(DECISIONS) + 1)]
    assert not [path.name for path in DECISIONS if not path.read_text().startswith(f"# {path.name[:4]}: ")]


def test_each_decision_says_when_it_was_taken_and_whether_it_stands() -> None:
    status = re.compile(r"Date: 20\d\d-\d\d-\d\d\. Status: (accepted|replaced by \d{4})\.")
    assert not [path.name for path in DECISIONS if not status.fullmatch(path.read_text().splitlines()[2])]


def test_every_decision_that_is_referred_to_is_there() -> None:
    documents = [path for folder in (".", "docs", "docs/adr") for path in (ROOT / folder).glob("*.md")]
    sources = [path for folder in ("services", "shared", "cli") for path in (ROOT / folder).rglob("*.py")]
    named = {
        number for path in (*documents, *sources) for number in re.findall(r"ADR (\d{4})", path.read_text())
    }
    assert named and named <= {path.name[:4] for path in DECISIONS}
