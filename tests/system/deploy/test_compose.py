"""docker-compose.yml against the code: images, ports, health, order, and every variable."""

import re
import subprocess
import sys
from typing import Any
from xml.etree import ElementTree

import pytest

from shared.postgres.setup import PROCESSES, SERVICES
from shared.runtime.settings import ServiceSettings
from tests.system.deploy.files import compose, dockerfile
from u2c.deployment.service_flags import settings_of
from u2c.deployment.services import PORTS, URL_VARIABLES
from u2c.deployment.state import ROOT
from u2c.settings import CommandSettings

CONTAINERS: dict[str, dict[str, Any]] = compose()["services"]
READ_BY_COMMAND = set(re.findall(r'"(U2C_[A-Z_]+)"', (ROOT / "cli/u2c/verbs/service.py").read_text()))


def _variables(model: Any) -> set[str]:
    return {f"U2C_{name.upper()}" for name in model.model_fields}


def _own(container: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in container["environment"].items() if name.startswith("U2C_")}


def _plain(value: Any) -> str:
    """What a variable is with the defaults of compose's own substitutions."""
    return re.sub(
        r"\$\{[A-Z_0-9]+:?-([^}]*)\}", r"\1", re.sub(r"\$\{[A-Z_0-9]+:?\?[^}]*\}", "given", str(value))
    )


def test_the_containers_are_kafka_postgres_the_job_the_services_and_prometheus() -> None:
    assert CONTAINERS.keys() == {"postgres", "kafka", "migrate", "prometheus", *PROCESSES}


@pytest.mark.parametrize("name", ["migrate", *PROCESSES])
def test_one_image_is_built_for_every_container_of_ours(name: str) -> None:
    container = CONTAINERS[name]
    assert container["image"] == "usage-to-cash"
    assert (ROOT / container["build"]["context"] / container["build"]["dockerfile"]).is_file()
    assert "entrypoint" not in container


def test_kafka_is_the_version_that_is_tested() -> None:
    pom = ElementTree.parse(ROOT / "deploy/kafka/pom.xml")
    versions = {
        found.findtext("{*}artifactId"): found.findtext("{*}version")
        for found in pom.iter()
        if found.find("{*}artifactId") is not None
    }
    assert CONTAINERS["kafka"]["image"] == f"apache/kafka:{versions['kafka_2.13']}"


def test_kafka_is_configured_as_the_broker_that_is_tested() -> None:
    lines = [
        line.split("=", 1)
        for line in (ROOT / "deploy/kafka/server.properties").read_text().splitlines()
        if "=" in line and line[0] != "#"
    ]
    tested = {f"KAFKA_{name.upper().replace('.', '_')}": value for name, value in lines if "{" not in value}
    given = {name: str(value) for name, value in CONTAINERS["kafka"]["environment"].items()}
    assert {name: given[name] for name in tested.keys() & given.keys()} == {
        name: tested[name] for name in tested.keys() & given.keys()
    }
    assert {
        "KAFKA_PROCESS_ROLES",
        "KAFKA_AUTO_CREATE_TOPICS_ENABLE",
        "KAFKA_MESSAGE_MAX_BYTES",
    } <= tested.keys() & given.keys()


def test_what_of_kafka_asks_nobody_is_reached_from_its_own_container_alone() -> None:
    given = CONTAINERS["kafka"]["environment"]
    asks_nobody = {
        name
        for name, protocol in (
            pair.split(":") for pair in given["KAFKA_LISTENER_SECURITY_PROTOCOL_MAP"].split(",")
        )
        if not protocol.startswith("SASL_")
    }
    listeners = dict(each.split("://") for each in given["KAFKA_LISTENERS"].split(","))
    assert (
        {name for name, address in listeners.items() if not address.startswith("127.0.0.1:")}
        == {"CLIENTS"}
        == listeners.keys() - asks_nobody
    )
    assert given["KAFKA_AUTHORIZER_CLASS_NAME"] and "KAFKA_ALLOW_EVERYONE_IF_NO_ACL_FOUND" not in given
    assert listeners["LOCAL"] == CONTAINERS["kafka"]["healthcheck"]["test"][-1]


def test_postgres_is_new_enough_and_keeps_its_data_where_its_image_has_it() -> None:
    version = int(CONTAINERS["postgres"]["image"].removeprefix("postgres:"))
    assert version >= 16
    (volume,) = CONTAINERS["postgres"]["volumes"]
    assert volume.partition(":")[2] == (
        "/var/lib/postgresql" if version >= 18 else "/var/lib/postgresql/data"
    )


@pytest.mark.parametrize("name", CONTAINERS)
def test_what_is_waited_for_is_there_and_can_come_true(name: str) -> None:
    for other, wanted in CONTAINERS[name].get("depends_on", {}).items():
        job = CONTAINERS[other].get("restart") == "no"
        assert wanted["condition"] == ("service_completed_successfully" if job else "service_healthy")
        assert job or "test" in CONTAINERS[other]["healthcheck"]


@pytest.mark.parametrize("service", PROCESSES)
def test_a_service_waits_for_its_database_its_bus_and_the_migrations(service: str) -> None:
    bus = {"kafka"} if service in SERVICES else set()
    assert CONTAINERS[service]["depends_on"].keys() == {"postgres", "migrate", *bus}
    assert CONTAINERS["migrate"]["depends_on"].keys() == {"postgres", "kafka"}


@pytest.mark.parametrize("service", PROCESSES)
def test_a_service_answers_on_its_port_and_is_asked_there(service: str) -> None:
    container, port = CONTAINERS[service], PORTS[service]
    assert container["command"] == ["service", service]
    assert container["ports"] == [f"127.0.0.1:{port}:{port}"]
    assert container["environment"]["U2C_PORT"] == port
    assert f"http://127.0.0.1:{port}/readyz" in container["healthcheck"]["test"][-1]
    compile(container["healthcheck"]["test"][-1], service, "exec")
    assert str(port) in next(found.words for found in dockerfile() if found.name == "EXPOSE")


def test_a_health_check_fails_where_nothing_answers() -> None:
    _, _, *command = CONTAINERS["signals"]["healthcheck"]["test"]
    asked = [part.replace(":8104", ":1") for part in command]
    assert subprocess.run([sys.executable, *asked], capture_output=True).returncode != 0


@pytest.mark.parametrize("service", PROCESSES)
def test_every_variable_of_a_service_is_one_it_reads_and_takes(service: str) -> None:
    model, given = settings_of(service), _own(CONTAINERS[service])
    assert given.keys() <= _variables(model) | READ_BY_COMMAND
    values = {name.removeprefix("U2C_").lower(): _plain(value) for name, value in given.items()}
    settings = model.model_validate(
        {name: value for name, value in values.items() if name in model.model_fields}
    )
    assert settings.host == "0.0.0.0"
    assert getattr(settings, "bus", None) == ("kafka" if service in SERVICES else None)


@pytest.mark.parametrize("service", PROCESSES)
def test_a_service_finds_the_others_the_broker_and_the_database(service: str) -> None:
    given = CONTAINERS[service]["environment"]
    assert "U2C_SECRETS" in READ_BY_COMMAND & given.keys()
    assert {variable: given[variable] for variable in URL_VARIABLES.values()} == {
        variable: f"http://{other}:{PORTS[other]}" for other, variable in URL_VARIABLES.items()
    }
    listeners = CONTAINERS["kafka"]["environment"]["KAFKA_ADVERTISED_LISTENERS"].split(",")
    assert service not in SERVICES or f"CLIENTS://{given['U2C_KAFKA_BROKERS']}" in listeners


def test_every_variable_of_the_job_is_one_the_command_line_reads_and_takes() -> None:
    job = CONTAINERS["migrate"]
    assert _own(job).keys() <= _variables(CommandSettings) | _variables(ServiceSettings)
    given = {
        name.removeprefix("U2C_").lower(): _plain(value)
        for name, value in _own(job).items()
        if name.startswith("U2C_KAFKA_")
    }
    assert ServiceSettings.model_validate(given).kafka.asks
    assert CommandSettings.model_validate(
        {name.removeprefix("U2C_").lower(): _plain(value) for name, value in _own(job).items()}
    ).admin_url
    assert job["command"][:2] == ["migrate", "--keys"] and job["command"][2] == "--secrets"


@pytest.mark.parametrize("service", PROCESSES)
def test_a_service_holds_its_own_secrets_and_sees_no_others(service: str) -> None:
    """Neither the deployment's secret, from which everything follows, nor the administrator's password, nor
    another's folder."""
    given, job = CONTAINERS[service], CONTAINERS["migrate"]
    assert not [
        value
        for value in given["environment"].values()
        if "U2C_SECRET" in str(value) or "PASSWORD" in str(value)
    ]
    assert {"U2C_SECRET", "POSTGRES_PASSWORD", "U2C_KAFKA_PASSWORD"}.isdisjoint(given["environment"])
    assert given["volumes"] == [f"secrets-{service}:{given['environment']['U2C_SECRETS']}:ro"]
    assert f"secrets-{service}:{job['command'][3]}/{service}" in job["volumes"]
    owned = next(found.words for found in dockerfile() if found.name == "RUN" and "useradd" in found.words)
    assert service in owned or f"{service};" in owned, "a volume takes its owner from the image's folder"


@pytest.mark.parametrize("name", CONTAINERS)
def test_ports_are_for_this_machine_alone(name: str) -> None:
    assert all(port.startswith("127.0.0.1:") for port in CONTAINERS[name].get("ports", []))


def test_whose_proxy_headers_the_console_believes_is_said_from_outside() -> None:
    """Nobody's but this machine's own; uvicorn reads it by this name."""
    said = CONTAINERS["console"]["environment"]["FORWARDED_ALLOW_IPS"]
    assert said == "${FORWARDED_ALLOW_IPS:-127.0.0.1}"


def test_no_secret_has_a_default() -> None:
    text = (ROOT / "docker-compose.yml").read_text()
    for name in ("U2C_SECRET", "POSTGRES_PASSWORD", "KAFKA_PASSWORD"):
        uses = re.findall(rf"\$\{{{name}([^}}]*)\}}", text)
        assert uses and all(use.startswith(":?") for use in uses)


def test_every_volume_is_declared_and_every_mounted_folder_is_there() -> None:
    for name, container in CONTAINERS.items():
        for volume in container.get("volumes", []):
            source = volume.partition(":")[0]
            assert (ROOT / source).is_dir() if source.startswith(".") else source in compose()["volumes"], (
                name,
                volume,
            )


def test_no_two_containers_want_one_port() -> None:
    published = [
        port.split(":")[1] for container in CONTAINERS.values() for port in container.get("ports", [])
    ]
    assert len(published) == len(set(published))
