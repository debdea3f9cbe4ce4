"""Settings of the command line. Each is an environment variable with the prefix U2C_ and a flag of the verbs
that need it."""

from pathlib import Path
from typing import Any, Literal

import typer
from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from u2c.deployment.services import BASE_PORT

PREFIX = "U2C_"


class CommandSettings(BaseSettings):
    """What the command line itself needs to know; the services' settings are in `shared.runtime.settings` and beside
    each service."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="ignore", frozen=True)

    admin_url: str | None = Field(
        None, description="URL of a Postgres server with an administrator's login; empty: the embedded server"
    )
    database: str = Field(
        "u2c",
        pattern="^[A-Za-z_][A-Za-z0-9_-]{0,62}$",
        description="Name of the deployment's database on that server",
    )
    base_port: int = Field(
        BASE_PORT,
        ge=0,
        le=65531,
        description="First of five ports, the last the console's; 0 takes free ones",
    )
    clock_at: str | None = Field(
        None, description="Instant (RFC 3339) at which the business clock of a fresh deployment starts"
    )
    restart: bool = Field(True, description="Start again what dies")
    key: str | None = Field(
        None, description="API key the command line uses; empty: the one kept in the state folder"
    )
    secrets: Path | None = Field(
        None, description="Folder of the secrets of one service, as `u2c migrate --keys --secrets` writes it"
    )
    secret: str | None = Field(
        None,
        description="Secret the roles' database passwords are derived from; empty: made once, kept in the state folder",
    )
    state: Path | None = Field(None, description="State folder; empty: .u2c in the clone")
    pg_user: str | None = Field(
        None, description="Unprivileged user that root runs the embedded server as; empty: nobody"
    )
    python: str | None = Field(
        None,
        description="Python that ./u2c starts with; empty: the first of python3.11 … python3.14, python3",
    )


#: Settings that say where this very process finds its things, so they are read before flags are.
ENVIRONMENT_ONLY = frozenset({"secrets", "secret", "state", "pg_user", "python"})
Bus = Literal["postgres", "kafka"]


def flag(name: str, *aliases: str, **more: Any) -> Any:
    """The Typer option of a setting: its flag, its variable, its description."""
    field = CommandSettings.model_fields[name]
    dashed = name.replace("_", "-")
    names = aliases or ((f"--{dashed}/--no-{dashed}",) if field.annotation is bool else (f"--{dashed}",))
    return typer.Option(*names, envvar=f"{PREFIX}{name.upper()}", help=field.description, **more)


def default(name: str) -> Any:
    return CommandSettings.model_fields[name].default
