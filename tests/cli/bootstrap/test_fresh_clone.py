"""A fresh clone on a machine with nothing but git and a Python: as root, as an ordinary user, with a closed
clone, with an empty home."""

import json
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from u2c.deployment.state import ROOT

LEFT_OUT = shutil.ignore_patterns(
    ".git", ".venv", ".u2c", "__pycache__", ".mypy_cache", ".pytest_cache", ".ruff_cache", ".hypothesis"
)
KEPT = (
    "SSL_CERT_",
    "PIP_",
    "UV_",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "REQUESTS_CA_BUNDLE",
)
INSTALL_TIMEOUT_S = 600

pytestmark = [pytest.mark.long, pytest.mark.timeout(INSTALL_TIMEOUT_S + 60)]


class Machine:
    """A clone in a folder of its own, closed to others, with an empty home and a PATH of two programs; `user`
    is whose it is."""

    def __init__(self, folder: Path, python: str, user: str | None) -> None:
        self.clone, self.home, path = folder / "clone", folder / "home", folder / "path"
        self.user = user
        shutil.copytree(ROOT, self.clone, ignore=LEFT_OUT)
        self.home.mkdir()
        path.mkdir()
        for name, target in (("git", shutil.which("git")), ("python3.11", python)):
            assert target is not None
            (path / name).symlink_to(target)
        self.environment = {name: value for name, value in os.environ.items() if name.startswith(KEPT)}
        self.environment |= {"HOME": str(self.home), "PATH": str(path)}
        if user is not None:
            for item in (folder, *folder.rglob("*")):
                shutil.chown(item, user) if not item.is_symlink() else None
        self.clone.chmod(0o700)

    def u2c(self, *arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(self.clone / "u2c"), *arguments],
            cwd=cwd or self.home,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=INSTALL_TIMEOUT_S,
            user=self.user,
            group=self._group(),
            extra_groups=None if self.user is None else [],
        )

    def _group(self) -> int | None:
        return None if self.user is None else (self.clone.stat().st_gid)


@pytest.fixture
def folder() -> Iterator[Path]:
    """Outside pytest's own temporary folder, which other users may not enter."""
    made = Path(
        subprocess.run(
            ["mktemp", "-d", "/var/tmp/fresh-clone-XXXXXX"], capture_output=True, text=True, check=True
        ).stdout.strip()
    )
    made.chmod(0o755)
    yield made
    shutil.rmtree(made)
    for home in Path("/var/tmp").glob("u2c-*/home"):
        if home.is_file() and home.read_text().startswith(str(made)):
            shutil.rmtree(home.parent)


def _python_for(user: str | None) -> str:
    """A Python 3.11 or newer that this user may run; the one of these tests may lie in somebody's home."""
    own = str(Path(sys.base_prefix) / "bin" / "python3.11")
    for candidate in (
        own,
        "/usr/bin/python3.11",
        "/usr/bin/python3.12",
        "/usr/bin/python3.13",
        "/usr/bin/python3",
    ):
        check = "import sys; sys.exit(sys.version_info < (3, 11))"
        try:
            done = subprocess.run(
                [candidate, "-I", "-c", check],
                user=user,
                extra_groups=None if user is None else [],
                cwd="/",
                capture_output=True,
            )
        except OSError:
            continue
        if done.returncode == 0:
            return candidate
    pytest.skip(f"no Python 3.11 that {user} may run")


def _check(machine: Machine) -> None:
    """Install, migrate on the embedded server, leave nothing running, and be quick the second time."""
    done = machine.u2c("migrate", "--json")
    assert done.returncode == 0, done.stderr
    assert set(json.loads(done.stdout)["revisions"]) >= {"bus", "rating", "billing"}
    again = machine.u2c("migrate", "--json")
    assert (again.returncode, again.stdout, again.stderr) == (0, done.stdout, "")
    assert not [
        process
        for process in psutil.process_iter(["cmdline"])
        if str(machine.clone) in " ".join(process.info["cmdline"] or [])
    ]
    password = machine.clone / ".u2c" / "postgres" / "password"
    assert stat.S_IMODE(password.stat().st_mode) == 0o600


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be root")
def test_root_with_a_clone_nobody_else_may_enter(folder: Path) -> None:
    machine = Machine(folder, _python_for(None), None)
    _check(machine)
    place = Path((machine.clone / ".u2c" / "postgres" / "place").read_text().splitlines()[1])
    assert not place.is_relative_to(machine.clone)
    assert (place / "data").stat().st_uid != 0


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_an_ordinary_user(folder: Path) -> None:
    machine = Machine(folder, _python_for("nobody"), "nobody")
    _check(machine)
    assert (machine.clone / ".u2c" / "postgres" / "data").stat().st_uid == machine.clone.stat().st_uid


@pytest.mark.parametrize("way", ["_by_venv", "_by_pip", "_by_download"])
def test_each_way_to_fetch_uv(tmp_path: Path, way: str) -> None:
    program = f"import os, uv; from pathlib import Path; print(uv.{way}(Path({str(tmp_path / 'bootstrap')!r}), dict(os.environ)))"
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "cli" / "bootstrap"), "HOME": str(tmp_path)}
    done = subprocess.run([_python_for(None), "-c", program], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert subprocess.run(
        [done.stdout.strip(), "--version"], capture_output=True, text=True
    ).stdout.startswith("uv ")


def test_without_a_python_the_remedy_is_named(tmp_path: Path) -> None:
    done = subprocess.run(
        [str(ROOT / "u2c"), "doctor"], env={"PATH": str(tmp_path)}, capture_output=True, text=True
    )
    assert done.returncode == 3
    assert "U2C_PYTHON" in done.stderr
