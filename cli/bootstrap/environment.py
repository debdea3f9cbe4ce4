"""The locked environment in `.venv`: whether it is what the lock says, and making it so."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import index
import uv
from fault import Fault

MIRROR_HINT = "Check that this machine reaches its package index (PIP_INDEX_URL or UV_INDEX_URL name another one), then run the command again."


def python_of(root: Path) -> Path:
    return folder(root) / "bin" / "python"


def folder(root: Path) -> Path:
    return Path(os.environ.get("UV_PROJECT_ENVIRONMENT") or root / ".venv").absolute()


def current(root: Path, development: bool) -> bool:
    """Whether the environment was made from this very lock, for this place, with the development tools if
    they are needed."""
    stamp = _stamp_file(root)
    if not stamp.is_file() or not python_of(root).exists():
        return False
    lines = stamp.read_text().splitlines()
    return lines[:1] == [fingerprint(root)] and (not development or "development" in lines)


def fingerprint(root: Path) -> str:
    """Changes with the lock, the project file, the clone's place and the environment's."""
    digest = hashlib.sha256(f"{root}\0{folder(root)}\0".encode())
    for name in ("uv.lock", "pyproject.toml"):
        digest.update((root / name).read_bytes())
    return digest.hexdigest()


def synchronise(root: Path, state: Path, development: bool) -> None:
    """Make the environment what the lock says. Only the first time, and after a change of the lock, this
    takes long."""
    stamp = _stamp_file(root)
    development = development or (stamp.is_file() and "development" in stamp.read_text())
    environ = _environ(root, state)
    program = uv.find(state, environ)
    print("u2c: installing the locked environment (only after a change of the lock) …", file=sys.stderr)
    # What a developer has added stays: only the tests need the tools, and only their absence is mended.
    groups = [] if development else ["--no-dev"]
    mirror = index.mirror()
    if mirror is None:
        _run([program, "sync", "--locked", "--inexact", "--python", sys.executable, *groups], root, environ)
    else:
        _from_mirror(program, root, state, groups, environ, mirror)
    stamp.write_text(f"{fingerprint(root)}\n" + ("development\n" if development else ""))


def _from_mirror(
    program: str, root: Path, state: Path, groups: list[str], environ: dict[str, str], mirror: str
) -> None:
    """The lock names files of the public index, so a mirror gets the same versions and hashes as a list."""
    listed = state / "requirements.txt"
    export = [
        "export",
        "--frozen",
        "--quiet",
        "--no-emit-project",
        "--format",
        "requirements-txt",
        "--output-file",
        str(listed),
    ]
    _run([program, *export, *groups], root, environ)
    if not python_of(root).exists():
        _run([program, "venv", "--python", sys.executable, str(folder(root))], root, environ)
    into = ["--python", str(python_of(root)), "--default-index", mirror]
    _run([program, "pip", "install", *into, "--require-hashes", "--requirements", str(listed)], root, environ)
    _run([program, "pip", "install", *into, "--no-deps", "--editable", str(root)], root, environ)


def _environ(root: Path, state: Path) -> dict[str, str]:
    """The caller's environment, with the machine's certificates for uv, and a cache where the home has no
    place for one."""
    environ = {
        name: value
        for name, value in os.environ.items()
        if name not in ("VIRTUAL_ENV", "PYTHONPATH", "PYTHONHOME")
    }
    environ.update(
        {
            "UV_PYTHON_DOWNLOADS": "never",
            "UV_PROJECT_ENVIRONMENT": str(folder(root)),
            "UV_LINK_MODE": environ.get("UV_LINK_MODE", "copy"),
        }
    )
    if not {"UV_CACHE_DIR", "XDG_CACHE_HOME"} & environ.keys() and not os.access(
        environ.get("HOME") or "/nonexistent", os.W_OK
    ):
        environ["UV_CACHE_DIR"] = str(state / "cache")
    environ.setdefault("HOME", str(state))
    return index.with_certificates(environ)


def _run(command: list[str], root: Path, environ: dict[str, str]) -> None:
    """Run uv: on a terminal it shows its progress, else it is heard only when it fails."""
    terminal = sys.stderr.isatty()
    done = subprocess.run(
        command,
        cwd=root,
        env=environ,
        stdin=subprocess.DEVNULL,
        stdout=sys.stderr if terminal else subprocess.PIPE,
        stderr=None if terminal else subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode == 0:
        return
    said = "" if terminal else f"\n{done.stdout.strip()}"
    raise Fault(f"`{' '.join(command)}` failed with {done.returncode}.{said}\n{_remedy(said)}")


def _remedy(said: str) -> str:
    if "No space left" in said:
        return "Free some 700 MB on this disk, then run the command again."
    if "needs to be updated" in said:
        return "uv.lock does not match pyproject.toml: run `uv lock`, or restore both: git checkout uv.lock pyproject.toml"
    return MIRROR_HINT


def _stamp_file(root: Path) -> Path:
    """In the environment itself, which may serve several state folders."""
    return folder(root) / "u2c.stamp"
