"""What some tests need beyond Python and Postgres. Where it is missing they are skipped with the reason; in
CI they must run."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from u2c.deployment.kafka_broker import missing

KAFKA_REQUIRED, NODE_REQUIRED, PROMTOOL_REQUIRED, BROWSER_REQUIRED = (
    os.environ.get(f"U2C_REQUIRE_{what}") == "1" for what in ("KAFKA", "NODE", "PROMTOOL", "BROWSER")
)
WITHOUT_NODE = (
    None if shutil.which("node") and shutil.which("npm") else "no node or no npm: install Node 20 or newer"
)
WITHOUT_PROMTOOL = (
    None
    if shutil.which("promtool")
    else "no promtool: Debian: apt-get install --no-install-recommends prometheus"
)

#: Debian's browser without a window, as Playwright is told of it: it fetches none of its own.
BROWSER = shutil.which("chromium-headless-shell")
WITHOUT_BROWSER = (
    None
    if BROWSER
    else "no chromium-headless-shell: Debian: apt-get install --no-install-recommends chromium-headless-shell"
)


def _needs(what: str, why_not: str | None, required: bool) -> pytest.MarkDecorator:
    return pytest.mark.skipif(
        why_not is not None and not required, reason=f"{what} cannot run here: {why_not}"
    )


NEEDS_KAFKA = _needs("Kafka", missing(), KAFKA_REQUIRED)
NEEDS_NODE = _needs("Node", WITHOUT_NODE, NODE_REQUIRED)
NEEDS_PROMTOOL = _needs("promtool", WITHOUT_PROMTOOL, PROMTOOL_REQUIRED)
NEEDS_BROWSER = _needs("a browser", WITHOUT_BROWSER, BROWSER_REQUIRED)


def install_packages(folder: Path, what: str) -> None:
    """Install what the package.json in the folder pins; where npm cannot, skip unless Node is required."""
    done = subprocess.run(
        ["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"],
        cwd=folder,
        check=False,
        capture_output=True,
        text=True,
    )
    if done.returncode != 0 and not NODE_REQUIRED:
        pytest.skip(f"npm cannot install the {what} here: {done.stderr[-300:]}")
    assert done.returncode == 0, done.stderr
