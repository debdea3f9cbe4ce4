"""The image: what it copies exists, its Python and uv are the project's, it runs as nobody special and starts
`u2c`."""

import re
import tomllib
from fnmatch import fnmatch

from tests.system.deploy.files import Instruction, dockerfile
from u2c.deployment.services import PORTS
from u2c.deployment.state import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def _all(name: str) -> list[Instruction]:
    return [found for found in dockerfile() if found.name == name]


def _runs() -> str:
    return "\n".join(" ".join(found.words) for found in _all("RUN"))


def _copied() -> set[str]:
    return {path for found in _all("COPY") for path in found.words[:-1]}


def test_it_has_the_python_the_project_asks_for() -> None:
    (base,) = _all("FROM")
    assert base.words == (f"python:{PROJECT['project']['requires-python'].removeprefix('>=')}-slim",)


def test_what_it_copies_is_there_and_not_ignored() -> None:
    ignored = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line]
    for path in _copied():
        assert (ROOT / path).exists(), path
        assert not any(fnmatch(path, pattern) for pattern in ignored), path


def test_it_copies_all_that_the_wheel_holds_and_the_build_needs() -> None:
    assert set(PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]) <= _copied()
    assert {"pyproject.toml", "uv.lock", PROJECT["project"]["readme"]} <= _copied()


def test_it_copies_where_the_command_line_and_migrations_look() -> None:
    """`ROOT` of the code is two folders above its modules: the image keeps the clone's layout."""
    assert all(found.words[0] == found.words[1] for found in _all("COPY") if len(found.words) == 2)
    assert [found.words for found in _all("WORKDIR")] == [("/app",)]


def test_dependencies_are_the_locked_ones_without_those_of_development() -> None:
    syncs = [line for line in _runs().splitlines() if "uv sync" in line]
    assert len(syncs) == 2
    assert all("--locked" in line and "--no-dev" in line for line in syncs)


def test_uv_is_the_one_that_bootstraps_a_clone() -> None:
    version = re.search(r'^VERSION = "(.+)"$', (ROOT / "cli/bootstrap/uv.py").read_text(), re.MULTILINE)
    assert version and f"uv=={version[1]} " in f"{_runs()} "


def test_it_runs_as_an_ordinary_user_that_it_makes() -> None:
    instructions = dockerfile()
    (user,) = _all("USER")
    assert user.words[0] not in ("root", "0")
    assert f" {user.words[0]}" in next(line for line in _runs().splitlines() if "useradd" in line)
    assert not [
        found for found in instructions[instructions.index(user) :] if found.name in ("RUN", "COPY")
    ], "nothing is built as that user"


def test_it_starts_the_command_line_on_an_address_others_reach() -> None:
    assert [found.words for found in _all("ENTRYPOINT")] == [("u2c",)]
    assert "u2c" in PROJECT["project"]["scripts"]
    assert "U2C_HOST=0.0.0.0" in {word for found in _all("ENV") for word in found.words}


def test_it_exposes_the_services_ports_and_asks_readyz_for_its_health() -> None:
    assert [found.words for found in _all("EXPOSE")] == [tuple(str(port) for port in PORTS.values())]
    (health,) = _all("HEALTHCHECK")
    assert (
        health.words[0] == "CMD"
        and "/readyz" in " ".join(health.words)
        and "U2C_PORT" in " ".join(health.words)
    )
