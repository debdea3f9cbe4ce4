"""What each service and the console are told in secret: their own logins, the keys they call others with, what they
seal with. Never the deployment's secret itself.

`u2c migrate --keys --secrets DIR` writes a folder a service, a file a variable; `u2c service NAME` reads the
one that U2C_SECRETS names. So a container holds what is its own, and all that is in it opens nothing of the
others.
"""

import os
from collections.abc import Mapping
from pathlib import Path

from services.console.domain.roles import variable
from shared.environment_fault import EnvironmentFault
from shared.postgres.setup import AUDITOR, CONSOLE, PROCESSES, SERVICES
from shared.postgres.urls import role_url, webhook_key
from u2c.deployment.kafka_users import kafka_login
from u2c.deployment.services import ROLE_KEYS

PREFIX = "U2C_"


def secrets_of(service: str, database_url: str, secret: str, keys: Mapping[str, str]) -> dict[str, str]:
    """Variable → value for one service, or the console. `database_url` is the administrator's, `keys` are API keys by name
    (`u2c.deployment.services.KEY_SCOPES`)."""
    return {
        "U2C_DATABASE_URL": role_url(database_url, service, secret),
        **(kafka_login(service, secret) if service in SERVICES else {}),
        **({"U2C_SERVICE_KEY": keys[service]} if service in keys else {}),
        **(
            {"U2C_AUDITOR_DATABASE_URL": role_url(database_url, AUDITOR, secret)}
            if service == "billing"
            else {}
        ),
        **({"U2C_WEBHOOK_KEY": webhook_key(secret)} if service == "signals" else {}),
        **(
            {variable(role): keys[name] for name, role in ROLE_KEYS.items() if name in keys}
            if service == CONSOLE
            else {}
        ),
    }


def write_secrets(folder: Path, database_url: str, secret: str, keys: Mapping[str, str]) -> None:
    """A folder a service, and the console's, readable by its owner only; each file is replaced whole."""
    for service in PROCESSES:
        own = folder / service
        try:
            own.mkdir(mode=0o700, parents=True, exist_ok=True)
            for name, value in secrets_of(service, database_url, secret, keys).items():
                _write(own / name, value)
        except OSError as error:
            fault = f"Cannot write the secrets of {service} to {own}: {error.strerror}."
            raise EnvironmentFault(fault, "Name a folder you may write: --secrets DIR") from error


def read_secrets(folder: Path) -> dict[str, str]:
    """Variable → value of every file in the folder; EnvironmentFault when there is none."""
    found = (
        {path.name: path.read_text().strip() for path in sorted(folder.glob(f"{PREFIX}*"))}
        if folder.is_dir()
        else {}
    )
    if not found:
        raise EnvironmentFault(
            f"There are no secrets in {folder}.",
            "Write them: u2c migrate --keys --secrets DIR; name one of its folders",
        )
    return found


def _write(path: Path, value: str) -> None:
    aside = path.with_suffix(".new")
    with open(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o400), "w") as handle:
        handle.write(value)
    aside.replace(path)
