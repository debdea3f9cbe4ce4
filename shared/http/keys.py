"""API keys as a service checks them: from memory, refreshed from its own table, so that no request waits for
a database.

What is in memory is *confirmed* when the table was read and held all that access.keys held then
(`shared.replica.access_keys.heard_all`). What was not confirmed for CHANGES_WITHIN_S changes nothing any more, what was not
for READS_WITHIN_S does nothing at all: a key that was revoked meanwhile must not work on because the news of
it cannot come.
"""

import asyncio
import hashlib
import re
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import asyncpg
import structlog
from fastapi import Depends, Request
from fastapi.security import HTTPBearer
from prometheus_client import Gauge

# A route's path is parsed when the route is made: what reads its segments is registered before.
import shared.http.segments  # noqa: F401
from shared.db.unit_of_work import OUTAGES
from shared.errors import AppError, Kind
from shared.http.bodiless import refuse_unasked_body
from shared.http.query import refuse_unknown_parameters
from shared.runtime.clock import machine_now
from shared.runtime.wake import News
from shared.values.names import ACTOR, ACTOR_CHARACTERS_MAX, shown

log = structlog.get_logger()
REFRESH_S = 1.0
CONFIRM_EVERY_S = 2.0
CHANGES_WITHIN_S = 30.0
READS_WITHIN_S = 900.0
RETRY_AFTER_S = 5
READING = frozenset({"GET", "HEAD", "OPTIONS"})
AGE = Gauge(
    "u2c_access_keys_age_seconds",
    "Time since the API keys in memory were last confirmed; over 30 s nothing can be changed any more",
)
SCOPES = (
    "usage:write",
    "usage:read",
    "contracts:write",
    "contracts:read",
    "invoices:read",
    "invoices:write",
    "signals:read",
    "signals:write",
    "keys:write",
    "clock:write",
    "audit:read",
    "actor",
    "admin",
)
#: The scope of a route that any key may ask for.
ANY_KEY = ""
#: Who acts, where the key may speak for others.
ACTOR_HEADER = "U2C-Actor"
ACTOR_SCOPE = "actor"
_bearer = HTTPBearer(auto_error=False, description="An API key: u2c_live_…")


class KeyMissing(AppError):
    """This API needs a key: send `Authorization: Bearer u2c_live_…`."""

    kind = Kind.UNAUTHENTICATED


class KeyRefused(AppError):
    """This key is unknown, expired or revoked."""

    kind = Kind.UNAUTHENTICATED


class KeysUnconfirmed(AppError):
    """Keys may have been revoked without this service having heard of it, so it does not do this now; send it
    again after Retry-After."""

    kind = Kind.UNAVAILABLE


class ScopeMissing(AppError):
    """This key may not do that."""

    kind = Kind.FORBIDDEN


class ActorRefused(AppError):
    """A key without the scope `actor` speaks for nobody but itself."""

    kind = Kind.FORBIDDEN


class ActorInvalid(AppError):
    """U2C-Actor names one person or program."""

    kind = Kind.MALFORMED


@dataclass(frozen=True, slots=True)
class AccessKey:
    key_id: str
    name: str
    scopes: frozenset[str]
    expires_at: datetime | None
    revoked: bool
    sources: frozenset[str] = frozenset()  # whose usage it may touch; none named: anybody's
    seats: frozenset[str] = frozenset()  # for which it may decide

    def allows(self, scope: str) -> bool:
        return scope == ANY_KEY or scope in self.scopes or "admin" in self.scopes


@dataclass
class Keys:
    """Hash → key, for all keys this service has heard of, and when these were last certain to be all there
    are."""

    pool: asyncpg.Pool
    schema: str
    # whether the table holds all that has been said of keys until now
    heard_all: Callable[[], Awaitable[bool]]
    now: Callable[[], float] = time.monotonic
    #: Called when this process has heard of a key.
    heard: News = field(default_factory=News)
    _by_hash: dict[str, AccessKey] = field(default_factory=dict)
    _confirmed: tuple[float, datetime] | None = None  # on the monotonic clock, and as told to callers
    _reading: asyncio.Lock = field(default_factory=asyncio.Lock)
    _task: asyncio.Task[None] | None = None

    def check(self, secret: str, *, changing: bool) -> AccessKey:
        """Return the key of this secret, or raise KeyRefused or KeysUnconfirmed.

        The look-up is by SHA-256, so its time tells nothing of the secret.
        """
        key = self._by_hash.get(hashlib.sha256(secret.encode("utf-8", "surrogateescape")).hexdigest())
        if key is not None and key.revoked:
            raise KeyRefused(f"key {key.key_id} was revoked; ask its owner for a new one")
        if key is not None and key.expires_at is not None and key.expires_at <= machine_now():
            raise KeyRefused(f"key {key.key_id} expired at {key.expires_at.isoformat()}; rotate it")
        if self.age_s() > (CHANGES_WITHIN_S if changing or key is None else READS_WITHIN_S):
            raise KeysUnconfirmed(f"{self.unconfirmed()}; nothing was changed", retry_after_s=RETRY_AFTER_S)
        if key is None:
            raise KeyRefused("no such key; create one with POST /v1/keys")
        return key

    def age_s(self) -> float:
        """Seconds since what is in memory was certain to be all; infinite before the first time."""
        return float("inf") if self._confirmed is None else self.now() - self._confirmed[0]

    def stale_as_of(self) -> datetime | None:
        """The last instant at which the keys in memory were certain to be all, once that is so long ago that
        changing calls are refused; None before."""
        return None if self._confirmed is None or self.age_s() <= CHANGES_WITHIN_S else self._confirmed[1]

    def unconfirmed(self) -> str | None:
        """What is wrong, and what to do, once changing calls are refused; None while all is well."""
        if self.age_s() <= CHANGES_WITHIN_S:
            return None
        since = (
            "since this process started"
            if self._confirmed is None
            else f"since {self._confirmed[1].isoformat()}"
        )
        return f"API keys are unconfirmed {since}; see /readyz and the log of this service: its table or access.keys cannot be read to the end"

    async def start(self) -> None:
        await self.confirm()
        self._task = asyncio.create_task(self._follow(), name="access-keys")

    async def stop(self) -> None:
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def refresh(self) -> None:
        async with self._reading:
            rows = await self.pool.fetch(
                f"select key_id, hash, name, scopes, expires_at, revoked, sources, seats from {self.schema}.access_keys"
            )
            self._by_hash = {row["hash"]: _key(row) for row in rows}

    async def confirm(self) -> None:
        """Refresh, and note the time if the table held all there was when this began."""
        began = self.now(), machine_now()
        heard_all = await self.heard_all()
        await self.refresh()
        if heard_all:
            self._confirmed = began

    async def _follow(self) -> None:
        confirm_at, known = 0.0, self.heard.count
        while True:
            await self.heard.wait(known, REFRESH_S)
            known = self.heard.count
            AGE.set(self.age_s())
            try:
                if self.age_s() > CHANGES_WITHIN_S or self.now() >= confirm_at:
                    await self.confirm()
                    confirm_at = self.now() + CONFIRM_EVERY_S
                else:
                    await self.refresh()
            except OUTAGES as fault:
                log.warning("keys_not_refreshed", fault=repr(fault))
            except Exception:
                # A revoked key must not work on because this loop has ended.
                log.exception("keys_failed")


def _key(row: asyncpg.Record) -> AccessKey:
    return AccessKey(
        row["key_id"],
        row["name"],
        frozenset(row["scopes"]),
        row["expires_at"],
        row["revoked"],
        frozenset(row["sources"]),
        frozenset(row["seats"]),
    )


def bearer_of(authorization: str | None) -> str:
    """Return the secret of an Authorization header, or raise KeyMissing."""
    scheme, _, secret = (authorization or "").partition(" ")
    if scheme.lower() != "bearer" or not secret.strip():
        raise KeyMissing()
    return secret.strip()


def actor_of(request: Request, key: AccessKey) -> str:
    """Who acts: whom U2C-Actor names, or without it the key. Raises ActorRefused and ActorInvalid."""
    named = request.headers.getlist(ACTOR_HEADER)
    if not named:
        return key.key_id
    if not key.allows(ACTOR_SCOPE):
        raise ActorRefused(
            f"key {key.key_id} lacks the scope {ACTOR_SCOPE}; leave out {ACTOR_HEADER}, or use a key that has it"
        )
    # A key's id says that it acted itself.
    if len(named) > 1 or not re.fullmatch(ACTOR, named[0]) or named[0].startswith("key_"):
        raise ActorInvalid(
            f"{shown(', '.join(named))} is none: send one name of up to {ACTOR_CHARACTERS_MAX} letters, digits and "
            "._:@+- that does not begin with key_"
        )
    return named[0]


def authorize(request: Request, scope: str) -> AccessKey:
    """Return the caller's key if it carries `scope`; raise KeyMissing, KeyRefused, KeysUnconfirmed,
    ScopeMissing, ActorRefused or ActorInvalid."""
    keys: Keys = request.app.state.context.keys
    key = keys.check(bearer_of(request.headers.get("authorization")), changing=request.method not in READING)
    if not key.allows(scope):
        raise ScopeMissing(
            f"key {key.key_id} lacks the scope {scope}; it has {', '.join(sorted(key.scopes)) or 'none'}"
        )
    actor_of(request, key)
    return key


def requires(scope: str) -> Any:
    """A route's dependency: the caller's key with this scope. The route table is walked at start; a /v1 route
    without one is refused.

    As every /v1 route passes here, so do the checks that its query names only what the route declares, and
    that no body comes unasked.
    """
    assert scope in (*SCOPES, ANY_KEY), scope

    async def scoped(request: Request, _credentials: object = Depends(_bearer)) -> AccessKey:
        key = authorize(request, scope)
        refuse_unknown_parameters(request)
        if request.method not in READING:
            await refuse_unasked_body(request)
        return key

    scoped.u2c_scope = scope  # type: ignore[attr-defined]
    return Depends(scoped)
