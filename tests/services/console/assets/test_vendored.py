"""What others made is what it says it is."""

import hashlib
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from u2c.deployment.state import ROOT

LISTS = sorted(path for top in ("services", "tests") for path in (ROOT / top).rglob("VENDOR.toml"))
#: Beside the files themselves: the list, and what their authors ask to be passed on.
BESIDE = ("VENDOR.toml", "LICENSE")


def faults(folder: Path) -> Iterator[str]:
    """Each way in which what lies in the folder is not what its list says."""
    listed = tomllib.loads((folder / "VENDOR.toml").read_text())["vendored"]
    for one in listed:
        missing = {"file", "name", "version", "licence", "from", "sha256"} - one.keys()
        if missing:
            yield f"{one}: says no {', '.join(sorted(missing))}"
        elif not (folder / one["file"]).exists():
            yield f"{one['file']} is not there"
        elif hashlib.sha256((folder / one["file"]).read_bytes()).hexdigest() != one["sha256"]:
            yield f"{one['file']} is not the one that is listed"
    for path in sorted(folder.iterdir()):
        if path.name not in {one["file"] for one in listed} and not any(word in path.name for word in BESIDE):
            yield f"{path.name} is not listed"


def test_both_folders_are_looked_at() -> None:
    assert [path.parent.relative_to(ROOT).as_posix() for path in LISTS] == [
        "services/console/static/vendor",
        "tests/system/console/vendor",
    ]


@pytest.mark.parametrize("path", LISTS, ids=lambda path: path.parents[1].name)
def test_every_file_of_others_is_listed_and_unchanged(path: Path) -> None:
    assert list(faults(path.parent)) == []


def test_a_changed_a_missing_and_a_strange_file_are_found(tmp_path: Path) -> None:
    entry = (
        '[[vendored]]\nfile = "{}"\nname = "n"\nversion = "1"\nlicence = "0BSD"\nfrom = "f"\nsha256 = "{}"\n'
    )
    (tmp_path / "VENDOR.toml").write_text(
        entry.format("changed.js", hashlib.sha256(b"a").hexdigest())
        + entry.format("missing.js", "0")
        + '[[vendored]]\nfile = "unsaid.js"\n'
    )
    (tmp_path / "changed.js").write_text("b")
    (tmp_path / "strange.js").write_text("c")
    assert list(faults(tmp_path)) == [
        "changed.js is not the one that is listed",
        "missing.js is not there",
        "{'file': 'unsaid.js'}: says no from, licence, name, sha256, version",
        "strange.js is not listed",
    ]
