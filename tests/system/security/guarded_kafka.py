"""A broker that asks who speaks, configured as docker-compose.yml configures it."""

import re
from pathlib import Path

import pytest

from shared.bus.kafka_access import KafkaAccess
from shared.postgres.urls import kafka_password
from tests.system.deploy.files import compose
from u2c.deployment.kafka_broker import DEPLOY, KafkaBroker
from u2c.deployment.ports import first_free_ports

PASSWORD = "administrators0"
SEPARATORS = {1: ".", 2: "_", 3: "-"}  # what the image makes of one, two and three underscores


def guarded_broker(folder: Path) -> KafkaBroker:
    """What compose says, on free ports of this machine and as small as the broker of the other tests; not
    started yet."""
    given = compose()["services"]["kafka"]["environment"]
    settings = {_property(name): str(value) for name, value in given.items() if name.startswith("KAFKA_")}
    lines = [
        line.split("=", 1)
        for line in (DEPLOY / "server.properties").read_text().splitlines()
        if "=" in line and line[0] != "#"
    ]
    template = folder / "guarded.properties"
    folder.mkdir(parents=True, exist_ok=True)
    template.write_text(
        "".join(f"{name}={_here(value)}\n" for name, value in {**dict(lines), **settings}.items()).replace(
            ":9094", f":{first_free_ports(1)[0]}"
        )
    )
    return KafkaBroker(folder / "broker", properties=template)


def administrator(brokers: str) -> KafkaAccess:
    return KafkaAccess(brokers, "SASL_PLAINTEXT", "PLAIN", "admin", PASSWORD)


def access_of(speaker: str, brokers: str, secret: str) -> KafkaAccess:
    """As a service, or as `products`."""
    user = f"u2c_{speaker}"
    return KafkaAccess(brokers, "SASL_PLAINTEXT", username=user, password=kafka_password(secret, user))


def speak_as_administrator(patch: pytest.MonkeyPatch, brokers: str) -> None:
    """Let the verbs of this process, and what they start, speak to the broker as `migrate` of compose
    does."""
    given = compose()["services"]["migrate"]["environment"]
    for name, value in given.items():
        if name.startswith("U2C_KAFKA_"):
            patch.setenv(name, _here(value))
    patch.setenv("U2C_KAFKA_BROKERS", brokers)


def _property(name: str) -> str:
    return re.sub("_+", lambda found: SEPARATORS[len(found[0])], name.removeprefix("KAFKA_").lower())


def _here(value: str) -> str:
    moved = (
        re.sub(r"\$\{KAFKA_PASSWORD[^}]*\}", PASSWORD, value)
        .replace("kafka:9092", "127.0.0.1:{port}")
        .replace("://:", "://127.0.0.1:")
    )
    return (
        moved.replace(":9092", ":{port}")
        .replace(":9093", ":{controller_port}")
        .replace("/var/lib/kafka/data", "{data}")
    )
