"""Where a service of a running deployment answers, and which of the kept API keys is its administrator's."""

import os
from dataclasses import dataclass

from shared.environment_fault import EnvironmentFault
from u2c.deployment.running import Running, running
from u2c.deployment.services import ADMIN_KEY, BASE_PORT, PORTS, URL_VARIABLES
from u2c.deployment.state import State
from u2c.settings import CommandSettings


@dataclass(frozen=True)
class Address:
    """`keys` in the order to try; `deployment` where the address is that of one which runs from this
    clone."""

    url: str
    keys: list[str]
    deployment: Running | None = None


def address(service: str, database: str | None = None) -> Address:
    """What is named holds: U2C_…_URL, then U2C_BASE_PORT; else the deployment that runs, by its database
    where several do."""
    settings, state = CommandSettings(), State.default()
    if url := os.environ.get(URL_VARIABLES[service]):
        return Address(url.rstrip("/"), _keys(settings, state, None))
    if "base_port" in settings.model_fields_set:
        return Address(_local(service, settings.base_port), _keys(settings, state, None))
    deployment = chosen(
        running(state), database or (settings.database if "database" in settings.model_fields_set else None)
    )
    if deployment is None:
        return Address(_local(service, BASE_PORT), _keys(settings, state, None))
    return Address(deployment.urls[service], _keys(settings, state, deployment.database), deployment)


def named() -> bool:
    """Whether the environment says where services answer or which key opens them, as for containers."""
    return bool({"base_port", "key"} & CommandSettings().model_fields_set) or any(
        os.environ.get(variable) for variable in URL_VARIABLES.values()
    )


def deployment(database: str | None) -> Running:
    """The deployment that runs from this clone, or EnvironmentFault."""
    found = chosen(running(State.default()), database)
    if found is None:
        raise EnvironmentFault("No deployment of this clone runs.", "Start one: ./u2c up")
    return found


def chosen(there: list[Running], database: str | None) -> Running | None:
    """The one on this database, or the only one; None where none runs. EnvironmentFault where it is not clear
    which is meant."""
    if not there:
        return None
    named = [one for one in there if database in (None, one.database)]
    if len(named) == 1:
        return named[0]
    listed = ", ".join(f"{one.database} ({one.urls['usage_ingest']})" for one in there)
    if named:
        raise EnvironmentFault(
            f"{len(there)} deployments of this clone run: {listed}.", "Name the one you mean: --database NAME"
        )
    raise EnvironmentFault(
        f"No deployment on the database {database} runs; there is {listed}.",
        "Name that one, or start it: ./u2c up --database NAME",
    )


def unanswered(url: str) -> EnvironmentFault:
    """Nothing answers there. The remedy is a deployment that does run, where there is one."""
    others = [one for one in running(State.default()) if url not in one.urls.values()]
    if not others:
        return EnvironmentFault(f"Nothing answers at {url}.", "Start the services: ./u2c up")
    there = ", ".join(f"{one.database} at {' '.join(one.urls.values())}" for one in others)
    return EnvironmentFault(
        f"Nothing answers at {url}; a deployment of this clone runs: {there}.",
        "To use it, leave U2C_BASE_PORT and the U2C_…_URL variables out.",
    )


def _local(service: str, base_port: int) -> str:
    return f"http://127.0.0.1:{base_port + PORTS[service] - min(PORTS.values())}"


def _keys(settings: CommandSettings, state: State, database: str | None) -> list[str]:
    """U2C_KEY, else those kept in the state folder: this database's first, then the newest."""
    if settings.key:
        return [settings.key]
    files = sorted(
        (state.folder / "keys").glob("*.json"),
        key=lambda path: (path.stem == database, path.stat().st_mtime),
        reverse=True,
    )
    kept = [key for path in files if (key := state.keys(path.stem).get(ADMIN_KEY))]
    if not kept:
        raise EnvironmentFault(
            "No API key is kept here.",
            "Start the services on this machine (./u2c up), or give a key: U2C_KEY=u2c_live_…",
        )
    return kept
