"""A whole deployment, and a console in the test's own process that asks it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest

from services.console.domain.roles import ROLES, Role, key_name, setting
from services.console.domain.visit import Visit
from services.console.upstream.clients import Services
from tests.conftest import TestDatabase
from tests.services.console.conftest import Console, console_on
from u2c.deployment.cluster import Cluster, ClusterOptions
from u2c.deployment.services import URL_VARIABLES


@dataclass
class Deployment:
    """What runs, the role keys by name, and the console."""

    cluster: Cluster
    keys: dict[str, str]
    console: Console

    def services(self, role: Role) -> Services:
        """As a person of this role asks them, whatever page they are on: nothing of the console refuses it."""
        return Services(self.console.context, Visit(f"a-{role}", role, "", "/", "0" * 32, f"form of {role}"))


@asynccontextmanager
async def deployed(
    options: ClusterOptions, database: TestDatabase, monkeypatch: pytest.MonkeyPatch, **settings: str
) -> AsyncIterator[Deployment]:
    """`settings`: others of the console."""
    async with Cluster(options) as cluster:
        keys = options.state.keys(database.name)
        given = {setting(role): keys[key_name(role)] for role in ROLES}
        places = {
            variable.removeprefix("U2C_").lower(): cluster.urls[service]
            for service, variable in URL_VARIABLES.items()
        }
        async with console_on(database, monkeypatch, **given, **places, **settings) as console:
            yield Deployment(cluster, keys, console)
