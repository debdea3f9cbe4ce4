"""CONTRIBUTING.md shows code that parses, names errors and verbs there are, and files where they lie."""

import ast
import re

from u2c.deployment.state import ROOT

TEXT = (ROOT / "CONTRIBUTING.md").read_text()
BLOCKS = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
SOURCES = "\n".join(
    path.read_text() for folder in ("services", "shared") for path in (ROOT / folder).rglob("*.py")
)


def test_the_files_shown_as_right_exist_and_those_shown_as_wrong_do_not() -> None:
    shown = re.findall(r"^(✅|❌) (\S+\.py)", TEXT, re.MULTILINE)
    assert {mark for mark, _ in shown} == {"✅", "❌"}
    assert not [path for mark, path in shown if (ROOT / path).exists() is not (mark == "✅")]


def test_the_code_shown_parses() -> None:
    assert BLOCKS
    for block in BLOCKS:
        ast.parse(block)


def test_what_is_shown_as_right_is_there() -> None:
    right = "\n".join(block.partition("# ❌")[0] for block in BLOCKS)
    names = {
        node.id
        for node in ast.walk(ast.parse(right))
        if isinstance(node, ast.Name) and node.id[0].isupper() and node.id != "None"
    }
    defined = {
        name for name in names if re.search(rf"\b(class {name}\b|{name} = |import .*\\b{name}\\b)", SOURCES)
    }
    assert names - defined == set()
