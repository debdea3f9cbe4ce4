"""`Idempotency-Key`: the same POST twice is one effect and one answer.

The key is kept in the transaction of the effect (IETF draft-ietf-httpapi-idempotency-key-header; Stripe's
behaviour): same key and body → the saved answer; other body → 422; still in flight → 409.
"""

import hashlib
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from fastapi import Request
from fastapi.encoders import jsonable_encoder
from fastapi.responses import Response

from shared.db.unit_of_work import Database, UnitOfWork
from shared.errors import AppError, Kind
from shared.http.answers import Answer
from shared.http.keys import AccessKey
from shared.values.names import IDEMPOTENCY_KEY


class IdempotencyKeyReused(AppError):
    """This Idempotency-Key was used with another body; use a new key for a new request."""


class IdempotencyKeyInFlight(AppError):
    """A request with this Idempotency-Key is still being worked on; try again shortly."""

    kind = Kind.CONFLICT


class IdempotencyKeyInvalid(AppError):
    """An Idempotency-Key is neither empty nor too long."""

    kind = Kind.MALFORMED


#: What a route that calls `idempotent` may answer for it.
REFUSED = (IdempotencyKeyReused, IdempotencyKeyInFlight, IdempotencyKeyInvalid)


async def idempotent(
    db: Database,
    request: Request,
    caller: AccessKey,
    act: Callable[[UnitOfWork], Awaitable[Any]],
    status: int = 201,
) -> Response:
    """Run `act` in one transaction and answer with what it returns; with an Idempotency-Key, at most once."""
    async with db.transaction(trace=request.scope.get("u2c_trace", "")) as uow:
        name = _key_of(request)
        if name is None:
            return _answer(status, _written(await act(uow)))
        asked = hashlib.sha256(request.url.path.encode() + b"\0" + await request.body()).digest()
        lock = int.from_bytes(
            hashlib.sha256(f"{db.schema}\0{caller.key_id}\0{name}".encode()).digest()[:8], "big", signed=True
        )
        if not await uow.connection.fetchval("select pg_try_advisory_xact_lock($1)", lock):
            raise IdempotencyKeyInFlight()
        saved = await uow.connection.fetchrow(
            f"select request_hash, status, body from {db.schema}.idempotency_keys where key_id = $1 and idempotency_key = $2",
            caller.key_id,
            name,
        )
        if saved is not None:
            if saved["request_hash"] != asked:
                raise IdempotencyKeyReused()
            return _answer(saved["status"], saved["body"], {"Idempotent-Replayed": "true"})
        body = _written(await act(uow))
        await uow.connection.execute(
            f"""insert into {db.schema}.idempotency_keys (key_id, idempotency_key, request_hash, status, body)
                values ($1, $2, $3, $4, $5)""",
            caller.key_id,
            name,
            asked,
            status,
            body,
        )
        return _answer(status, body)


def _written(told: object) -> bytes:
    return msgspec.json.encode(told.as_json() if isinstance(told, Answer) else jsonable_encoder(told))


def _key_of(request: Request) -> str | None:
    """The header's key, accepted bare (Stripe) and as a structured string in quotes (the draft)."""
    header = request.headers.get("idempotency-key")
    if header is None:
        return None
    name = header.strip().strip('"')
    if not 0 < len(name) <= IDEMPOTENCY_KEY.characters_max:
        raise IdempotencyKeyInvalid(
            f"it has {len(name)} characters; 1 to {IDEMPOTENCY_KEY.characters_max} are taken"
        )
    return name


def _answer(status: int, body: bytes, headers: dict[str, str] | None = None) -> Response:
    return Response(body, status, headers, media_type="application/json")
