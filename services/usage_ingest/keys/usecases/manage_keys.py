"""Making and ending API keys. Each change is stored and told on access.keys in one transaction; the secret is
returned once and kept nowhere."""

import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec

from services.usage_ingest.domain.faults import EventFault
from services.usage_ingest.domain.names import read_name
from services.usage_ingest.domain.secrets import RANDOM_BYTES, display_prefix, hash_of, secret_of
from services.usage_ingest.keys.repository import KeyRepository
from services.usage_ingest.keys.rows import KeyRow
from services.usage_ingest.keys.usecases.refuse_foreign_sources import SourceNotYours, shown_sources
from shared.db.unit_of_work import UnitOfWork
from shared.errors import AppError, Kind
from shared.http.keys import SCOPES, AccessKey
from shared.replica.access_keys import store_key
from shared.runtime.clock import from_us, to_us
from shared.topics.usage_ingest import ACCESS_KEYS, AccessKeyMessage
from shared.values.ids import new_id
from shared.values.names import shown
from shared.values.seats import SEATS

BY_COMMAND_LINE = ""
LIFE_MAX = timedelta(days=36_500)


class KeyNotFound(AppError):
    """There is no key of this id."""

    kind = Kind.NOT_FOUND


class KeyAlreadyEnded(AppError):
    """This key is revoked or has expired; create a new one."""

    kind = Kind.CONFLICT


class ScopeUnknown(AppError):
    """A scope of this list does not exist."""


class ScopeNotYours(AppError):
    """A key makes, rotates and revokes only keys whose scopes it holds itself."""

    kind = Kind.FORBIDDEN


class ExpiryInvalid(AppError):
    """A key's expiry lies in the future, within a hundred years."""


class ExpiryNotYours(AppError):
    """A key that expires makes and rotates only keys that do not outlive it."""

    kind = Kind.FORBIDDEN


class SourceInvalid(AppError):
    """A key is bound to sources as events name them."""


class SeatUnknown(AppError):
    """A seat of this list does not exist."""


class SeatNotYours(AppError):
    """A key makes, rotates and revokes only keys whose seats it carries itself."""

    kind = Kind.FORBIDDEN


@dataclass(frozen=True, slots=True)
class KeyTerms:
    """What a key is for, what it may do, until when (None: it does not expire), for which sources, as
    `read_sources` returns them (none: any), and for which seats it decides."""

    name: str
    scopes: Sequence[str]
    expires_at: datetime | None = None
    sources: Collection[str] = ()
    seats: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Issued:
    """A key just made. `secret` is seen here and never again."""

    message: AccessKeyMessage
    secret: str
    prefix: str
    created_at: datetime
    replaces: str | None


async def issue(
    uow: UnitOfWork,
    terms: KeyTerms,
    now: datetime,
    *,
    by: str = BY_COMMAND_LINE,
    replaces: str | None = None,
    secret: str | None = None,
) -> Issued:
    """Make a key. `now` is the machine clock; `secret` is one that was derived beforehand, or a new random
    one."""
    expires_at, unknown = terms.expires_at, sorted(set(terms.scopes) - set(SCOPES))
    if unknown or not terms.scopes:
        raise ScopeUnknown(f"{', '.join(unknown) or 'none given'}; the scopes are {', '.join(SCOPES)}")
    if strange := sorted(set(terms.seats) - set(SEATS)):
        raise SeatUnknown(f"{', '.join(map(shown, strange))}; the seats are {', '.join(SEATS)}")
    if expires_at is not None and not now < expires_at < now + LIFE_MAX:
        raise ExpiryInvalid(
            f"{expires_at.isoformat()} is past or too far; the machine clock says {now.isoformat()}"
        )
    secret = secret or secret_of(secrets.token_bytes(RANDOM_BYTES))
    expires_us = None if expires_at is None else to_us(expires_at)
    message = AccessKeyMessage(
        new_id("key"),
        to_us(now),
        hash_of(secret),
        terms.name,
        tuple(sorted(set(terms.scopes))),
        expires_us,
        sources=tuple(sorted(terms.sources)),
        seats=tuple(sorted(set(terms.seats))),
    )
    await KeyRepository(uow.connection).add(message.key_id, display_prefix(secret), now, by, replaces)
    await _store_and_tell(uow, message)
    return Issued(message, secret, display_prefix(secret), now, replaces)


async def list_keys(uow: UnitOfWork, after: str, rows_max: int) -> list[KeyRow]:
    """Keys in order of their making, after the key of this id."""
    return await KeyRepository(uow.connection).page(after, rows_max)


async def revoke(uow: UnitOfWork, key_id: str, now: datetime, by: AccessKey) -> tuple[KeyRow, KeyRow]:
    """End a key at once, for ever; revoking it again changes nothing. Returns its row before and after."""
    row = await _known(uow, key_id)
    refuse_escalation(by, row)
    if not row.revoked:
        await _store_and_tell(uow, msgspec.structs.replace(_next_revision(row, now), revoked=True))
    return row, await _known(uow, key_id)


async def revoke_others(
    uow: UnitOfWork, kept: AccessKeyMessage, now: datetime
) -> list[tuple[KeyRow, KeyRow]]:
    """End what else the command line made by the name of this key. Returns the rows before and after."""
    others = [
        row for row in await KeyRepository(uow.connection).first_keys(kept.name) if row.key_id != kept.key_id
    ]
    for row in others:
        await _store_and_tell(uow, msgspec.structs.replace(_next_revision(row, now), revoked=True))
    return [(row, await _known(uow, row.key_id)) for row in others]


async def rotate(
    uow: UnitOfWork,
    key_id: str,
    overlap: timedelta,
    expires_at: datetime | None,
    *,
    now: datetime,
    by: AccessKey,
) -> tuple[KeyRow, KeyRow, Issued]:
    """Make a key with the same name, scopes, sources and seats; the old one works for `overlap` longer. A key with
    an expiry gets as long a life again. Returns the old one's row before and after, and the new one."""
    row = await _known(uow, key_id)
    if row.revoked or (row.expires_at is not None and row.expires_at <= now):
        raise KeyAlreadyEnded(f"{key_id} is revoked or has expired; create a new key")
    refuse_escalation(by, row)
    refuse_outliving(by, row.expires_at)
    if expires_at is None and row.expires_at is not None:
        expires_at = now + (row.expires_at - row.created_at)
    refuse_outliving(by, expires_at)
    terms = KeyTerms(row.name, row.scopes, expires_at, row.sources, row.seats)
    issued = await issue(uow, terms, now, by=by.key_id, replaces=key_id)
    ends_at = min(row.expires_at or now + overlap, now + overlap)
    await _store_and_tell(uow, msgspec.structs.replace(_next_revision(row, now), expires_us=to_us(ends_at)))
    return row, await _known(uow, key_id), issued


def refuse_escalation(caller: AccessKey, key: KeyTerms | KeyRow) -> None:
    """Nobody gives away, renews or ends what they do not hold: keys:write alone must not become every other
    scope, nor every source, nor a seat. `admin` makes the first key of a seat."""
    missing = sorted(scope for scope in key.scopes if not caller.allows(scope))
    if missing:
        raise ScopeNotYours(
            f"key {caller.key_id} lacks {', '.join(missing)}; use a key that has what it hands out, or an admin key"
        )
    vacant = [] if caller.allows("admin") else sorted(set(key.seats) & set(SEATS) - caller.seats)
    if vacant:
        raise SeatNotYours(
            f"key {caller.key_id} does not carry {', '.join(vacant)}; use a key that does, or an admin key"
        )
    if caller.sources and (not key.sources or not caller.sources.issuperset(key.sources)):
        raise SourceNotYours(
            f"key {caller.key_id} is bound to sources; name some of {shown_sources(caller)}, or use a key that is not bound"
        )


def refuse_outliving(caller: AccessKey, expires_at: datetime | None) -> None:
    """What expires must not live on in a key it made."""
    if caller.expires_at is not None and (expires_at is None or expires_at > caller.expires_at):
        when = "never" if expires_at is None else expires_at.isoformat()
        raise ExpiryNotYours(
            f"key {caller.key_id} expires at {caller.expires_at.isoformat()} and this one {when}; set an `expires_at` no later "
            "than that, or use a key that lives longer"
        )


def read_sources(sources: Sequence[str]) -> frozenset[str]:
    """The sources of a key in the form in which events are compared with them; SourceInvalid for what no
    event can name."""
    try:
        return frozenset(read_name("source", source) for source in sources)
    except EventFault as fault:
        raise SourceInvalid(
            fault.detail, errors=[{"pointer": "/sources", "code": fault.code, "detail": fault.detail}]
        ) from None


def _next_revision(row: KeyRow, now: datetime) -> AccessKeyMessage:
    """The key as its row says, as the next revision."""
    return msgspec.structs.replace(message_of(row), revision=max(row.revision + 1, to_us(now)))


def message_of(row: KeyRow) -> AccessKeyMessage:
    """The key as its row says, as others hear of it."""
    return AccessKeyMessage(
        row.key_id,
        row.revision,
        row.hash,
        row.name,
        tuple(row.scopes),
        expires_us=None if row.expires_at is None else to_us(row.expires_at),
        revoked=row.revoked,
        sources=tuple(row.sources),
        seats=tuple(row.seats),
    )


async def _known(uow: UnitOfWork, key_id: str) -> KeyRow:
    row = await KeyRepository(uow.connection).locked(key_id)
    if row is None:
        raise KeyNotFound(f"no key {key_id}; GET /v1/keys lists them")
    return row


async def _store_and_tell(uow: UnitOfWork, message: AccessKeyMessage) -> None:
    await store_key(uow, message)
    uow.tell(ACCESS_KEYS, message)


def expiry_of(message: AccessKeyMessage) -> datetime | None:
    return None if message.expires_us is None else from_us(message.expires_us)
