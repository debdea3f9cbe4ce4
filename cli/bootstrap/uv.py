"""Finds uv, or fetches the pinned one into the state folder: by venv and pip, by pip alone, or by a plain
download."""

import hashlib
import html
import platform
import re
import shutil
import stat
import subprocess
import sys
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urldefrag, urljoin

import index
from fault import Fault

VERSION = "0.13.8"
OLDEST = (0, 9)  # reads this lock's format
TIMEOUT_S = 60
PLATFORMS = {
    ("Linux", "x86_64"): ("manylinux_2_17_x86_64", "musllinux_1_1_x86_64"),
    ("Linux", "aarch64"): ("manylinux_2_17_aarch64", "manylinux_2_28_aarch64", "musllinux_1_1_aarch64"),
    ("Darwin", "x86_64"): ("macosx_10_12_x86_64",),
    ("Darwin", "arm64"): ("macosx_11_0_arm64",),
}


def find(state: Path, environ: dict[str, str]) -> str:
    """The path of a uv that reads the lock: the machine's, the one fetched before, or one fetched now."""
    folder = state / "bootstrap"
    for candidate in (shutil.which("uv"), str(folder / "bin" / "uv")):
        if candidate and _works(candidate):
            return candidate
    print(f"u2c: fetching uv {VERSION} into {folder} …", file=sys.stderr)
    told = []
    ways: tuple[Callable[[Path, dict[str, str]], str], ...] = (_by_venv, _by_pip, _by_download)
    for way in ways:
        try:
            program = way(folder, environ)
            if _works(program):
                return program
            told.append(f"{way.__name__.strip('_')}: {program} does not run")
        except (OSError, subprocess.CalledProcessError, LookupError, ValueError, zipfile.BadZipFile) as error:
            told.append(f"{way.__name__.strip('_')}: {_said(error)}")
    raise Fault(
        "could not fetch uv:\n  " + "\n  ".join(told) + "\nCheck that this machine reaches its package index "
        f"(PIP_INDEX_URL names another one), or put uv {'.'.join(map(str, OLDEST))} or newer on the PATH."
    )


def _works(program: str) -> bool:
    try:
        said = subprocess.run(
            [program, "--version"], capture_output=True, text=True, check=True, timeout=TIMEOUT_S
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return False
    found = re.search(r"(\d+)\.(\d+)", said)
    return found is not None and (int(found[1]), int(found[2])) >= OLDEST


def _by_venv(folder: Path, environ: dict[str, str]) -> str:
    _quiet([sys.executable, "-m", "venv", "--clear", str(folder)], environ)
    _quiet([str(folder / "bin" / "python"), "-m", "pip", *_pip_arguments()], environ)
    return str(folder / "bin" / "uv")


def _by_pip(folder: Path, environ: dict[str, str]) -> str:
    """For Pythons without `ensurepip` (Debian without python3-venv) but with pip."""
    shutil.rmtree(folder, ignore_errors=True)
    _quiet([sys.executable, "-m", "pip", *_pip_arguments(), "--target", str(folder)], environ)
    return str(folder / "bin" / "uv")


def _by_download(folder: Path, environ: dict[str, str]) -> str:
    """For Pythons without both: the wheel from the index, checked against the index's hash, its program taken
    out."""
    page = (index.named_index() or index.PUBLIC).rstrip("/") + "/uv/"
    url, digest = _wheel(page, _read(page).decode())
    content = _read(url)
    if hashlib.sha256(content).hexdigest() != digest:
        raise ValueError(f"{url} has not the hash that the index tells")
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "bin").mkdir(parents=True)
    wheel = folder / "uv.whl"
    wheel.write_bytes(content)
    with (
        zipfile.ZipFile(wheel) as archive,
        archive.open(f"uv-{VERSION}.data/scripts/uv") as source,
        open(folder / "bin" / "uv", "wb") as target,
    ):
        shutil.copyfileobj(source, target)
    wheel.unlink()
    (folder / "bin" / "uv").chmod(stat.S_IRWXU | stat.S_IRGRP | stat.S_IXGRP | stat.S_IROTH | stat.S_IXOTH)
    return str(folder / "bin" / "uv")


def _wheel(page: str, text: str) -> tuple[str, str]:
    """The wheel of this platform on a PEP 503 page, and its SHA-256."""
    kinds = PLATFORMS.get((platform.system(), platform.machine()), ())
    links = [html.unescape(link) for link in re.findall(r'href="([^"]+)"', text)]
    for kind in kinds:
        for link in links:
            if f"/uv-{VERSION}-" in urldefrag(link)[0] and kind in link and ".whl#sha256=" in link:
                address, fragment = urldefrag(urljoin(page, link))
                return address, fragment.removeprefix("sha256=")
    raise LookupError(
        f"{index.without_login(page)} has no uv {VERSION} for {platform.system()} {platform.machine()}"
    )


def _read(url: str) -> bytes:
    request = urllib.request.Request(
        url, headers={"Accept": "text/html, */*;q=0.1", "User-Agent": "usage-to-cash"}
    )
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_S, context=index.ssl_context()) as answer:
            content: bytes = answer.read()
            return content
    except urllib.error.URLError as error:
        raise OSError(f"{index.without_login(url)}: {error.reason}") from error


def _pip_arguments() -> list[str]:
    return [
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--no-input",
        "--only-binary",
        ":all:",
        f"uv=={VERSION}",
    ]


def _quiet(command: list[str], environ: dict[str, str]) -> None:
    named = index.named_index()
    environ = {**environ, **({"PIP_INDEX_URL": named} if named else {})}
    subprocess.run(command, env=environ, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True)


def _said(error: Exception) -> str:
    if isinstance(error, subprocess.CalledProcessError):
        lines = (error.stderr or error.stdout or "").strip().splitlines()
        return lines[-1] if lines else str(error)
    return str(error)
