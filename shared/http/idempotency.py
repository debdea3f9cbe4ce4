"""`Idempotency-Key`: the same changing call twice is one effect and one answer.

The answer is kept in the transaction of the effect (IETF draft-ietf-httpapi-idempotency-key-header; Stripe's
behaviour): same key and body → the kept answer; other body → 422; still in flight → 409. It may show a secret, so
it is sealed with the caller's own API key, which the database does not have.
"""

import hashlib
from dataclasses import dataclass
from datetime import timedelta

from fastapi import Request

from shared.db.unit_of_work import UnitOfWork
from shared.errors import AppError, Kind
from shared.http.keys import bearer_of
from shared.sealing import Seal
from shared.values.names import IDEMPOTENCY_KEY, shown

HEADER = "Idempotency-Key"
#: After so long a claim is taken for that of a process that died: nothing that is claimed takes longer.
CLAIMED_FOR = timedelta(minutes=15)


class IdempotencyKeyReused(AppError):
    """This Idempotency-Key was used for another request; use a new key for a new request."""


class IdempotencyKeyInFlight(AppError):
    """A request with this Idempotency-Key is still being worked on; try again shortly."""

    kind = Kind.CONFLICT


class IdempotencyKeyInvalid(AppError):
    """An Idempotency-Key is neither empty nor too long."""

    kind = Kind.MALFORMED


#: What every changing call may answer for it.
REFUSED = (IdempotencyKeyReused, IdempotencyKeyInFlight, IdempotencyKeyInvalid)


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that is to have one effect: by which API key, under which name, what it is (SHA-256 of address and
    body), and what seals its answer."""

    key_id: str
    name: str
    request_hash: bytes
    seal: Seal


@dataclass(frozen=True, slots=True)
class Saved:
    """The answer that was given."""

    status: int
    body: bytes


async def asked_once(request: Request, key_id: str) -> Asked | None:
    """What is asked under an Idempotency-Key; None without one. Raises IdempotencyKeyInvalid."""
    header = request.headers.get(HEADER)
    if header is None:
        return None
    # bare (Stripe), or as a structured string in quotes (the draft)
    name = header.strip().strip('"')
    if not 0 < len(name) <= IDEMPOTENCY_KEY.characters_max:
        raise IdempotencyKeyInvalid(
            f"it has {len(name)} characters; 1 to {IDEMPOTENCY_KEY.characters_max} are taken"
        )
    address = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    asked = hashlib.sha256(address.encode() + b"\0" + await request.body()).digest()
    secret = bearer_of(request.headers.get("authorization"))
    return Asked(key_id, name, asked, Seal(f"{HEADER}\0{secret}"))


async def saved_answer(uow: UnitOfWork, asked: Asked) -> Saved | None:
    """The answer that was given under this key; None where there is none, and until this transaction ends nobody
    else finds that.

    Raises IdempotencyKeyReused where it was another request, and IdempotencyKeyInFlight.
    """
    if not await uow.connection.fetchval("select pg_try_advisory_xact_lock($1)", _lock_of(uow.schema, asked)):
        raise _in_flight(asked)
    found = await uow.connection.fetchrow(
        f"""select request_hash, status, body, sealed, created_at < clock_timestamp() - $3::interval as given_up
            from {uow.schema}.idempotency_keys where key_id = $1 and idempotency_key = $2""",
        asked.key_id,
        asked.name,
        CLAIMED_FOR,
    )
    if found is None or (found["status"] is None and found["given_up"]):
        return None
    if found["request_hash"] != asked.request_hash:
        raise IdempotencyKeyReused(
            f"the Idempotency-Key {shown(asked.name)} was used for another body, or at another address"
        )
    if found["status"] is None:
        raise _in_flight(asked)
    body: bytes = found["body"]
    return Saved(found["status"], asked.seal.open(body.decode()).encode() if found["sealed"] else body)


async def keep(uow: UnitOfWork, asked: Asked, answer: Saved | None) -> None:
    """Keep the answer in the transaction of the effect; None: claim the key for an effect that takes several."""
    await uow.connection.execute(
        f"""insert into {uow.schema}.idempotency_keys as known
                (key_id, idempotency_key, request_hash, status, body, sealed)
            values ($1, $2, $3, $4, $5, true)
            on conflict (key_id, idempotency_key) do update set request_hash = excluded.request_hash,
                status = excluded.status, body = excluded.body, sealed = true, created_at = clock_timestamp()""",
        asked.key_id,
        asked.name,
        asked.request_hash,
        answer.status if answer else None,
        asked.seal.seal(answer.body.decode()).encode() if answer else None,
    )


async def forget_claim(uow: UnitOfWork, asked: Asked) -> None:
    """Let the key be used again: what was claimed has failed."""
    await uow.connection.execute(
        f"""delete from {uow.schema}.idempotency_keys
            where key_id = $1 and idempotency_key = $2 and request_hash = $3 and status is null""",
        asked.key_id,
        asked.name,
        asked.request_hash,
    )


def _in_flight(asked: Asked) -> IdempotencyKeyInFlight:
    return IdempotencyKeyInFlight(
        f"the one with {shown(asked.name)} has not been answered yet; send it again in a moment"
    )


def _lock_of(schema: str, asked: Asked) -> int:
    digest = hashlib.sha256(f"{schema}\0{asked.key_id}\0{asked.name}".encode()).digest()
    return int.from_bytes(digest[:8], "big", signed=True)
