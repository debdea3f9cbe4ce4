"""The command line's promises: exit codes, --json alone on stdout, paths relative to the caller."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from rich.console import Console

from shared.postgres.setup import SERVICES
from u2c.deployment.service_flags import settings_of
from u2c.deployment.services import PORTS
from u2c.deployment.state import ROOT
from u2c.verbs.up import _show
from u2c.verbs.verify import SABOTAGES


def u2c(*arguments: str, cwd: Path = ROOT, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("U2C_")}
    return subprocess.run(
        [sys.executable, "-m", "u2c", *arguments],
        cwd=cwd,
        env={**environment, **variables},
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize(
    "arguments",
    [
        ("nonsense",),
        ("service", "nonsense"),
        ("service", "billing", "--no-such-flag", "1"),
        ("service", "billing", "--port", "many"),
        ("clock", "advance", "tomorrow"),
        ("clock", "advance", "2013-01-01T00:00:00"),
        ("events", "send", "no-such-file.csv"),
        ("test", "no-such-path"),
    ],
)
def test_wrong_usage_is_2(arguments: tuple[str, ...]) -> None:
    done = u2c(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert "Traceback" not in done.stderr


def test_a_deployment_that_does_not_run_is_3_with_the_remedy() -> None:
    done = u2c("clock", "show", U2C_KEY="u2c_live_x", U2C_RATING_URL="http://127.0.0.1:1")
    assert done.returncode == 3
    assert "./u2c up" in done.stderr


def test_a_server_that_does_not_answer_is_3_and_its_password_is_not_printed(tmp_path: Path) -> None:
    done = u2c(
        "migrate",
        "--database-url",
        "postgresql://someone:secret-word@127.0.0.1:1/postgres",
        U2C_STATE=str(tmp_path),
    )
    assert done.returncode == 3
    assert "U2C_ADMIN_URL" in done.stderr
    assert "secret-word" not in done.stderr + done.stdout


def test_json_is_one_object_alone(tmp_path: Path) -> None:
    done = u2c("doctor", "--json", U2C_STATE=str(tmp_path))
    assert json.loads(done.stdout)["good"] is (done.returncode == 0)


def test_a_state_folder_that_cannot_be_made_is_3(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    done = u2c("migrate", U2C_STATE=str(tmp_path / "file" / "state"))
    assert done.returncode == 3
    assert "U2C_STATE" in done.stderr


def test_paths_are_the_callers_and_the_exit_code_is_pytests(tmp_path: Path) -> None:
    (tmp_path / "test_fine.py").write_text("def test_fine(): pass\n")
    (tmp_path / "test_wrong.py").write_text("def test_wrong(): assert False\n")
    assert u2c("test", "test_fine.py", cwd=tmp_path).returncode == 0
    assert u2c("test", "test_wrong.py", cwd=tmp_path).returncode == 1
    assert u2c("test", "test_fine.py::test_fine", "--", "-q", cwd=tmp_path).returncode == 0
    assert u2c("test", "test_fine.py", "--", "-k", "nothing", cwd=tmp_path).returncode == 5


def test_what_is_compiled_is_kept_where_the_environment_forbids_it_beside_its_source(tmp_path: Path) -> None:
    compiled = tmp_path / "state" / "compiled"
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "U2C_STATE": str(tmp_path / "state")}
    environment.pop("PYTHONPYCACHEPREFIX", None)
    subprocess.run([ROOT / "u2c", "--version"], env=environment, check=True, capture_output=True)
    assert list(compiled.rglob("u2c/main.*.pyc"))


def test_up_prints_every_address_whole_on_a_narrow_terminal() -> None:
    urls = {process: f"http://127.0.0.1:{port}" for process, port in PORTS.items()}
    cluster = SimpleNamespace(
        urls=urls,
        admin_key="u2c_live_" + "x" * 60,
        database_url="postgresql://u:p@127.0.0.1:5432/u2c",
        options=SimpleNamespace(
            state=SimpleNamespace(logs=lambda: "/a/long/way/to/the/logs/of/a/deployment")
        ),
    )
    screen = io.StringIO()
    _show(cluster, Console(file=screen, width=60))  # type: ignore[arg-type]
    told = screen.getvalue()
    assert urls["console"] in told and all(f"{urls[service]}/docs" in told for service in SERVICES)
    assert "/a/long/way/to/the/logs/of/a/deployment" in told
    assert cluster.admin_key not in told and ":p@" not in told, "secrets are printed when asked for: u2c env"


def test_what_is_to_be_copied_is_whole_at_80_columns(tmp_path: Path) -> None:
    settings = u2c("service", "rating", "--list-settings", COLUMNS="80").stdout
    assert all(
        f"--{name.replace('_', '-')}  U2C_{name.upper()}  [default: " in settings
        for name in settings_of("rating").model_fields
    )
    told = u2c("verify", "--help", COLUMNS="80").stdout
    assert all(kind in told for kind in SABOTAGES)
    assert "…" not in u2c("doctor", COLUMNS="80", U2C_STATE=str(tmp_path)).stdout
