"""The API keys of a deployment on this machine: made once by usage_ingest, kept in the state folder."""

import asyncio
import hashlib
import hmac
import time
from collections.abc import Collection

import httpx2

from shared.environment_fault import EnvironmentFault
from shared.postgres.setup import connect
from shared.postgres.urls import role_url
from u2c.deployment.services import KEY_SCOPES, KEY_SEATS, ROLE_KEYS
from u2c.deployment.state import State

KNOWN_TIMEOUT_S = 30.0
POLL_S = 0.1


async def ensure_keys(state: State, database: str, admin_url: str, wanted: Collection[str]) -> dict[str, str]:
    """Name → secret for the wanted ones of the first keys; those kept are used again while the database has
    them."""
    kept = state.keys(database)
    valid = {
        name: secret
        for name, secret in kept.items()
        if name in KEY_SCOPES and await _known(admin_url, name, secret)
    }
    # a whole service: only the verbs that make keys pay for it
    from services.usage_ingest.main import (
        create_key,
    )

    for name in wanted:
        if name not in valid:
            valid[name] = await create_key(
                role_url(admin_url, "usage_ingest", state.secret()),
                name,
                list(KEY_SCOPES[name]),
                seats=KEY_SEATS.get(name, ()),
                alone=name in ROLE_KEYS,
            )
    if valid != kept:
        state.keep_keys(database, valid)
    return valid


def forget_role_keys(state: State, database: str) -> list[str]:
    """Keep the console's keys no longer: `ensure_keys` makes new ones and ends these. Returns their names."""
    kept = state.keys(database)
    forgotten = sorted(kept.keys() & ROLE_KEYS.keys())
    if forgotten:
        state.keep_keys(database, {name: key for name, key in kept.items() if name not in ROLE_KEYS})
    return forgotten


def derived_key(secret: str, name: str) -> str:
    """The API key `name` of a deployment that keeps nothing but its secret (compose, Kubernetes): the same
    for whoever has the secret. A role that may do something else by now has another one."""
    from services.usage_ingest.domain.secrets import secret_of

    may = f" {' '.join(sorted((*KEY_SCOPES[name], *KEY_SEATS[name])))}" if name in ROLE_KEYS else ""
    return secret_of(hmac.new(secret.encode(), f"key {name}{may}".encode(), hashlib.sha256).digest())


async def ensure_derived_keys(database_url: str, secret: str) -> dict[str, str]:
    """Name → derived key, each made unless the database has ever known it: one that was revoked stays
    revoked. What the console had before of a role ends."""
    from services.usage_ingest.main import create_key

    keys = {name: derived_key(secret, name) for name in KEY_SCOPES}
    for name, key in keys.items():
        if not await _ever_known(database_url, key):
            await create_key(
                role_url(database_url, "usage_ingest", secret),
                name,
                list(KEY_SCOPES[name]),
                key,
                KEY_SEATS.get(name, ()),
                alone=name in ROLE_KEYS,
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


async def _known(admin_url: str, name: str, secret: str) -> bool:
    """Whether it works, and may do what this release says."""
    connection = await connect(admin_url)
    try:
        found = await connection.fetchval(
            """select scopes @> $2 and scopes <@ $2 and seats @> $3 and seats <@ $3 from usage_ingest.access_keys
               where hash = $1 and not revoked and (expires_at is null or expires_at > now())""",
            hashlib.sha256(secret.encode()).hexdigest(),
            list(KEY_SCOPES[name]),
            list(KEY_SEATS.get(name, ())),
        )
        return bool(found)
    finally:
        await connection.close()


async def wait_until_known(url: str, keys: Collection[str]) -> None:
    """Return when the service at `url` takes these keys: they travel to it over the bus."""
    deadline = time.monotonic() + KNOWN_TIMEOUT_S
    async with httpx2.AsyncClient(base_url=url, trust_env=False, timeout=10) as client:
        for key in keys:
            while not await _takes(client, key):
                if time.monotonic() > deadline:
                    raise EnvironmentFault(
                        f"The service at {url} does not know the new API key.",
                        "Read its log in .u2c/logs/: its consumer may have stopped.",
                    )
                await asyncio.sleep(POLL_S)


async def _takes(client: httpx2.AsyncClient, key: str) -> bool:
    answer = await client.get("/v1/me", headers={"Authorization": f"Bearer {key}"})
    return answer.is_success
