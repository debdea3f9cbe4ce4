"""Clients generated from our OpenAPI documents: Python's sends, reads and registers for real; TypeScript's
types compile."""

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from lab.departures.client import Client
from shared.postgres.setup import SERVICES
from tests.cli.backup.test_backup import event, set_up
from tests.needs import NEEDS_NODE, install_packages
from tests.waiting import until
from u2c.deployment.cluster import Cluster, ClusterOptions
from u2c.deployment.state import ROOT

HERE = Path(__file__).parent
GENERATOR = "openapi-python-client==0.29.1"
NEEDS = ("httpx==0.28.1", "attrs==26.1.0", "python-dateutil==2.9.0.post0")
pytestmark = [pytest.mark.long, pytest.mark.timeout(400)]


@pytest.fixture(scope="module")
def documents(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the document of each service, SERVICE.json."""
    folder = tmp_path_factory.mktemp("documents")
    for service in SERVICES:
        (folder / f"{service}.json").write_text(
            json.dumps(import_module(f"services.{service}.main").app.openapi())
        )
    return folder


async def test_a_generated_python_client_sends_events_reads_an_invoice_and_registers_a_webhook(
    documents: Path,
    cluster_options: Callable[..., ClusterOptions],
) -> None:
    for service in SERVICES:
        said = _run(
            _uv(),
            "tool",
            "run",
            "--from",
            GENERATOR,
            "openapi-python-client",
            "generate",
            "--path",
            f"{service}.json",
            "--meta",
            "none",
            "--output-path",
            service,
            cwd=documents,
        )
        assert "WARNING" not in said, said
    async with Cluster(cluster_options(restart=False, clock_at=datetime(2024, 1, 20, tzinfo=UTC))) as cluster:
        client = Client(cluster.urls, cluster.admin_key)
        await set_up(client)
        await client.send_events([event(1)])
        draft = await until(lambda: _first_draft(client))
        needs = [part for need in NEEDS for part in ("--with", need)]
        said = _run(
            _uv(),
            "run",
            "--no-project",
            "--isolated",
            *needs,
            "python",
            str(HERE / "session.py"),
            json.dumps(cluster.urls),
            cluster.admin_key,
            cwd=documents,
            env={"PYTHONPATH": str(documents)},
        )
        await client.close()
    assert json.loads(said.splitlines()[-1]) == {
        "accepted": 1,
        "total": draft["total"],
        "period": draft["period"]["start"],
        "created_at": draft["created_at"].replace("Z", "+00:00"),
        "secret": "whsec_",
        "events": ["renewal.at_risk"],
    }


@NEEDS_NODE
def test_the_four_documents_compile_as_typescript(documents: Path, tmp_path: Path) -> None:
    for name in ("package.json", "package-lock.json"):
        shutil.copy(HERE / "node" / name, tmp_path)
    install_packages(tmp_path, "generator")
    for service in SERVICES:
        _run(
            "npx",
            "openapi-typescript",
            str(documents / f"{service}.json"),
            "-o",
            f"{service}.ts",
            cwd=tmp_path,
        )
    _run("npx", "tsc", "--noEmit", "--strict", *(f"{service}.ts" for service in SERVICES), cwd=tmp_path)


async def _first_draft(client: Client) -> Any:
    found = [row async for row in client.pages("billing", "/v1/invoices")]
    return found[0] if found and found[0]["lines"][0]["quantity"] == "1" else None


def _uv() -> str:
    """The uv that made this environment."""
    found = shutil.which("uv") or str(ROOT / ".u2c" / "bootstrap" / "bin" / "uv")
    assert Path(found).exists(), "no uv: ./u2c fetches it"
    return found


def _run(*command: str, cwd: Path, env: dict[str, str] | None = None) -> str:
    done = subprocess.run(
        command, cwd=cwd, check=False, capture_output=True, text=True, env={**os.environ, **(env or {})}
    )
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    return done.stderr + done.stdout
