"""The API keys of a deployment on this machine: made once by usage_ingest, kept in the state folder."""

import asyncio
import hashlib
import hmac
import time

import httpx2

from shared.environment_fault import EnvironmentFault
from shared.postgres.setup import connect
from shared.postgres.urls import role_url
from u2c.deployment.services import KEY_SCOPES
from u2c.deployment.state import State

KNOWN_TIMEOUT_S = 30.0
POLL_S = 0.1


async def ensure_keys(state: State, database: str, admin_url: str) -> dict[str, str]:
    """Name → secret for the admin's key and the services' key; those kept are used again while the database
    has them."""
    kept = state.keys(database)
    valid = {
        name: secret
        for name, secret in kept.items()
        if name in KEY_SCOPES and await _known(admin_url, secret)
    }
    # a whole service: only the verbs that make keys pay for it
    from services.usage_ingest.main import (
        create_key,
    )

    for name, scopes in KEY_SCOPES.items():
        if name not in valid:
            valid[name] = await create_key(
                role_url(admin_url, "usage_ingest", state.secret()), name, list(scopes)
            )
    if valid != kept:
        state.keep_keys(database, valid)
    return valid


def derived_key(secret: str, name: str) -> str:
    """The API key `name` of a deployment that keeps nothing but its secret (compose, Kubernetes): the same
    for whoever has the secret."""
    from services.usage_ingest.domain.secrets import secret_of

    return secret_of(hmac.new(secret.encode(), f"key {name}".encode(), hashlib.sha256).digest())


async def ensure_derived_keys(database_url: str, secret: str) -> dict[str, str]:
    """Name → derived key, each made unless the database has ever known it: one that was revoked stays
    revoked."""
    from services.usage_ingest.main import create_key

    keys = {name: derived_key(secret, name) for name in KEY_SCOPES}
    for name, key in keys.items():
        if not await _ever_known(database_url, key):
            await create_key(
                role_url(database_url, "usage_ingest", secret), name, list(KEY_SCOPES[name]), key
            )
    return keys


async def _ever_known(database_url: str, key: str) -> bool:
    connection = await connect(database_url)
    try:
        return bool(
            await connection.fetchval(
                "select true from usage_ingest.access_keys where hash = $1",
                hashlib.sha256(key.encode()).hexdigest(),
            )
        )
    finally:
        await connection.close()


async def _known(admin_url: str, secret: str) -> bool:
    connection = await connect(admin_url)
    try:
        found = await connection.fetchval(
            "select true from usage_ingest.access_keys where hash = $1 and not revoked and (expires_at is null or expires_at > now())",
            hashlib.sha256(secret.encode()).hexdigest(),
        )
        return bool(found)
    finally:
        await connection.close()


async def wait_until_known(url: str, key: str) -> None:
    """Return when the service at `url` takes the key: keys travel to it over the bus."""
    deadline = time.monotonic() + KNOWN_TIMEOUT_S
    async with httpx2.AsyncClient(
        base_url=url, headers={"Authorization": f"Bearer {key}"}, trust_env=False, timeout=10
    ) as client:
        route = _any_list(await client.get("/openapi.json"))
        while route is not None and time.monotonic() < deadline:
            # A limit of 0 is refused after the key was checked, so nothing is read.
            if (await client.get(route, params={"limit": 0})).status_code not in (401, 503):
                return
            await asyncio.sleep(POLL_S)
    if route is not None:
        raise EnvironmentFault(
            f"The service at {url} does not know the new API key.",
            "Read its log in .u2c/logs/: its consumer may have stopped.",
        )


def _any_list(answer: httpx2.Response) -> str | None:
    """A GET route that takes `limit`; None when the service documents none."""
    if answer.status_code != 200:
        return None
    for path, verbs in answer.json()["paths"].items():
        names = {parameter["name"] for parameter in verbs.get("get", {}).get("parameters", [])}
        if path.startswith("/v1/") and "{" not in path and "limit" in names:
            return str(path)
    return None
