"""The figures of the house: a function is read at one glance. Parameters, branches and `Any` are counted by ruff
(pyproject.toml), lines here."""

import ast
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from u2c.deployment.state import ROOT

LINES_MAX = 40
#: What is history or a list of columns is no function that anyone follows.
DECLARED = ("migrations", "tables.py")

#: Longer functions, each for a reason.
LONGER = {
    "services/billing/conservation/checks/k1_transport.py:transport": "a second opinion is read in one piece: "
    "the query, and what each of its findings says",
    "services/billing/conservation/checks/k1_transport.py:_untiled": "one query, and the break it finds",
    "services/billing/conservation/checks/k5_sides.py:sides": "one sentence for each way in which two sides of a "
    "period can differ, in the order in which they are looked for",
    "services/billing/conservation/checks/k5_sides.py:_undocumented": "the same, of what has no document",
    "services/billing/conservation/checks/k5_books.py:books": "the same, of the journal and of numbers",
}


def long_functions(root: Path) -> Iterator[tuple[str, int]]:
    """`path:name` and lines of each function that is longer than LINES_MAX, decorators not counted."""
    for top in ("services", "shared", "cli"):
        for path in sorted((root / top).rglob("*.py")):
            place = path.relative_to(root)
            if any(part in DECLARED for part in place.parts):
                continue
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                    lines = (node.end_lineno or node.lineno) - node.lineno + 1
                    if lines > LINES_MAX:
                        yield f"{place.as_posix()}:{node.name}", lines


def test_a_function_has_at_most_forty_lines() -> None:
    found = dict(long_functions(ROOT))
    named = "\n".join(f"{place} has {found[place]} lines" for place in sorted(found.keys() - LONGER.keys()))
    assert not named, f"{named}\nSplit it by what it does, or let SQL stand in a constant."


def test_an_exception_that_is_none_any_more_goes() -> None:
    assert LONGER.keys() <= dict(long_functions(ROOT)).keys()


def test_a_long_function_is_found(tmp_path: Path) -> None:
    for top in ("services", "shared", "cli"):
        (tmp_path / top).mkdir()
    body = "    ...\n" * LINES_MAX
    (tmp_path / "shared" / "long.py").write_text(f"async def told() -> None:\n{body}")
    (tmp_path / "shared" / "tables.py").write_text(f"def declared() -> None:\n{body}")
    assert dict(long_functions(tmp_path)) == {"shared/long.py:told": LINES_MAX + 1}


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("PLR0913", f"def told({', '.join(f'p{n}: int' for n in range(7))}) -> None: ...\n"),
        (
            "C901",
            "def told(n: int) -> None:\n"
            + "".join(f"    if n == {n}:\n        print(n)\n" for n in range(8)),
        ),
        ("ANN401", "from typing import Any\n\n\ndef told(of: Any) -> None: ...\n"),
    ],
)
def test_ruff_counts_the_rest(tmp_path: Path, code: str, text: str) -> None:
    """A seventh parameter, a ninth way and an `Any` are refused by the configuration as it stands."""
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    (tmp_path / "told.py").write_text(text)
    checked = subprocess.run(
        [ROOT / ".venv/bin/ruff", "check", "--no-cache", "--output-format", "concise", "told.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert f" {code} " in checked.stdout, checked.stdout + checked.stderr
