"""API keys as a service checks them: from memory, refreshed from its own table, so that no request waits for a database."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import asyncpg
import structlog
from fastapi import Depends, Request
from fastapi.security import HTTPBearer

from shared.clock import from_us, machine_now
from shared.consumer import Batch, BatchCounts
from shared.db import OUTAGES, UnitOfWork
from shared.errors import AppError, Kind
from shared.http.query import refuse_unknown_parameters
from shared.topics.usage_ingest import AccessKeyMessage

log = structlog.get_logger()
REFRESH_S = 0.5
SCOPES = (
    "usage:write", "usage:read", "contracts:write", "contracts:read", "invoices:read", "invoices:write",
    "signals:read", "signals:write", "keys:write", "clock:write", "admin",
)
_bearer = HTTPBearer(auto_error=False, description="An API key: u2c_live_…")


class KeyMissing(AppError):
    """This API needs a key: send `Authorization: Bearer u2c_live_…`."""

    kind = Kind.UNAUTHENTICATED


class KeyRefused(AppError):
    """This key is unknown, expired or revoked."""

    kind = Kind.UNAUTHENTICATED


class ScopeMissing(AppError):
    """This key may not do that."""

    kind = Kind.FORBIDDEN


@dataclass(frozen=True, slots=True)
class AccessKey:
    key_id: str
    name: str
    scopes: frozenset[str]
    expires_at: datetime | None
    revoked: bool

    def allows(self, scope: str) -> bool:
        return scope in self.scopes or "admin" in self.scopes


@dataclass
class Keys:
    """Hash → key, for all keys this service has heard of."""

    pool: asyncpg.Pool
    schema: str
    _by_hash: dict[str, AccessKey] = field(default_factory=dict)
    _task: asyncio.Task[None] | None = None

    def check(self, secret: str) -> AccessKey:
        """Return the key of this secret, or raise KeyRefused. The look-up is by SHA-256, so its time tells nothing of the secret."""
        key = self._by_hash.get(hashlib.sha256(secret.encode("utf-8", "surrogateescape")).hexdigest())
        if key is None:
            raise KeyRefused("no such key; create one with POST /v1/keys")
        if key.revoked:
            raise KeyRefused(f"key {key.key_id} was revoked; ask its owner for a new one")
        if key.expires_at is not None and key.expires_at <= machine_now():
            raise KeyRefused(f"key {key.key_id} expired at {key.expires_at.isoformat()}; rotate it")
        return key

    async def start(self) -> None:
        await self.refresh()
        self._task = asyncio.create_task(self._follow(), name="access-keys")

    async def stop(self) -> None:
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def refresh(self) -> None:
        rows = await self.pool.fetch(f"select key_id, hash, name, scopes, expires_at, revoked from {self.schema}.access_keys")
        self._by_hash = {
            row["hash"]: AccessKey(row["key_id"], row["name"], frozenset(row["scopes"]), row["expires_at"], row["revoked"]) for row in rows
        }

    async def _follow(self) -> None:
        while True:
            await asyncio.sleep(REFRESH_S)
            try:
                await self.refresh()
            except OUTAGES as fault:
                log.warning("keys_not_refreshed", fault=repr(fault))
            except Exception:                                   # a revoked key must not work on because this loop has ended
                log.exception("keys_failed")


async def hear_keys(batch: Batch[AccessKeyMessage], uow: UnitOfWork, _context: Any) -> BatchCounts:
    """Keep the newest revision of each key."""
    applied = 0
    for message in batch.messages:
        applied += await store_key(uow, message)
    return BatchCounts(new=applied, duplicate=len(batch.messages) - applied)


async def store_key(uow: UnitOfWork, message: AccessKeyMessage) -> bool:
    """Insert or replace a key; False when a newer revision is already here."""
    return bool(await uow.connection.fetchval(
        f"""insert into {uow.schema}.access_keys (key_id, revision, hash, name, scopes, expires_at, revoked)
            values ($1, $2, $3, $4, $5, $6, $7)
            on conflict (key_id) do update set revision = excluded.revision, hash = excluded.hash, name = excluded.name,
                scopes = excluded.scopes, expires_at = excluded.expires_at, revoked = excluded.revoked
            where access_keys.revision < excluded.revision
            returning true""",
        message.key_id, message.revision, message.hash, message.name, list(message.scopes),
        from_us(message.expires_us) if message.expires_us is not None else None, message.revoked,
    ))


def bearer_of(authorization: str | None) -> str:
    """Return the secret of an Authorization header, or raise KeyMissing."""
    scheme, _, secret = (authorization or "").partition(" ")
    if scheme.lower() != "bearer" or not secret.strip():
        raise KeyMissing()
    return secret.strip()


def authorize(request: Request, scope: str) -> AccessKey:
    """Return the caller's key if it carries `scope`; raise KeyMissing, KeyRefused or ScopeMissing."""
    key: AccessKey = request.app.state.context.keys.check(bearer_of(request.headers.get("authorization")))
    if not key.allows(scope):
        raise ScopeMissing(f"key {key.key_id} lacks the scope {scope}; it has {', '.join(sorted(key.scopes)) or 'none'}")
    return key


def requires(scope: str) -> Any:
    """A route's dependency: the caller's key with this scope. The route table is walked at start; a /v1 route without one is refused.

    As every /v1 route passes here, so does the check that its query names only what the route declares.
    """
    assert scope in SCOPES, scope

    async def scoped(request: Request, _credentials: Any = Depends(_bearer)) -> AccessKey:
        key = authorize(request, scope)
        refuse_unknown_parameters(request)
        return key

    scoped.u2c_scope = scope  # type: ignore[attr-defined]
    return Depends(scoped)


Scoped = Callable[..., Awaitable[AccessKey]]
