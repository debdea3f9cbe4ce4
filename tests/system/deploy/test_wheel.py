"""The wheel holds the product alone: its command line starts without the lab, and names what needs a checkout."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from u2c.deployment.state import ROOT

#: With the uv, the index and the certificates that the bootstrap finds on this machine.
BUILD = """
import index, os, pathlib, subprocess, sys, uv
root, folder = map(pathlib.Path, sys.argv[1:])
environ, mirror = index.with_certificates(dict(os.environ)), index.mirror()
of_mirror = ["--default-index", mirror] if mirror else []
build = [uv.find(root / ".u2c", environ), "build", "--wheel", *of_mirror, "--out-dir", folder, root]
sys.exit(subprocess.run(build, env=environ).returncode)
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout, built as anybody builds it."""
    folder = tmp_path_factory.mktemp("wheel")
    built = subprocess.run(
        [sys.executable, "-c", BUILD, str(ROOT), str(folder)],
        env={**os.environ, "PYTHONPATH": str(ROOT / "cli/bootstrap")},
        capture_output=True,
        text=True,
    )
    assert built.returncode == 0, built.stderr
    (path,) = folder.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the wheel is unpacked, as an installer does it."""
    folder = tmp_path_factory.mktemp("site-packages")
    with zipfile.ZipFile(wheel) as packed:
        packed.extractall(folder)
    return folder


def u2c(installed: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the unpacked command line; only libraries come from elsewhere."""
    program = "import sys; sys.path[:0] = [sys.argv.pop(1)]; from u2c.main import run; run()"
    return subprocess.run(
        [sys.executable, "-c", program, str(installed), *arguments],
        cwd=installed,
        env={name: value for name, value in os.environ.items() if not name.startswith("U2C_")},
        capture_output=True,
        text=True,
    )


def test_it_holds_the_product_and_no_lab(wheel: Path) -> None:
    tops = {Path(name).parts[0] for name in zipfile.ZipFile(wheel).namelist()}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"services", "shared", "u2c"}


def test_it_holds_what_the_console_shows(wheel: Path) -> None:
    shown = {
        path.relative_to(ROOT).as_posix()
        for folder in ("templates", "static")
        for path in (ROOT / "services/console" / folder).rglob("*")
        if path.is_file()
    }
    assert len(shown) > 10 and shown <= set(zipfile.ZipFile(wheel).namelist())


def test_the_command_line_starts_without_the_lab(installed: Path) -> None:
    told = u2c(installed, "--help")
    assert told.returncode == 0, told.stderr
    assert all(verb in told.stdout for verb in ("up", "verify", "demo", "bench", "chaos"))


@pytest.mark.parametrize(
    "line", ["demo --once", "bench door --rounds 2", "chaos", "backtest", "backtest --panel routes", "test"]
)
def test_what_needs_a_checkout_says_so(installed: Path, line: str) -> None:
    told = u2c(installed, *line.split())
    assert (told.returncode, told.stdout) == (3, "")
    assert "installed package" in told.stderr and "in a clone" in told.stderr, told.stderr
