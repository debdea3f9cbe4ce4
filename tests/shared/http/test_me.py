"""GET /v1/me: what a key is and may do, told to whoever holds it."""

import pytest

from shared.runtime.clock import machine_now
from tests.conftest import TestDatabase
from tests.serving import hash_of, serving


async def test_a_key_is_told_what_it_may_do(database: TestDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    async with serving("rating", database, monkeypatch) as (context, client):
        at = machine_now().replace(year=2099)
        await context.db.pool.execute(
            """insert into rating.access_keys (key_id, revision, hash, name, scopes, expires_at, revoked, seats, sources)
                values ('key_1', 1, $1, 'console', '{usage:read,actor}', $2, false, '{cfo}', '{a,b}'),
                       ('key_2', 1, $3, 'gone', '{usage:read}', null, true, '{}', '{}')""",
            hash_of("one"),
            at,
            hash_of("two"),
        )
        await context.keys.refresh()
        answer = await client.get("/v1/me", headers={"authorization": "Bearer one"})
        assert answer.json() == {
            "object": "me",
            "id": "key_1",
            "name": "console",
            "scopes": ["actor", "usage:read"],
            "seats": ["cfo"],
            "sources": ["a", "b"],
            "expires_at": at.isoformat().replace("+00:00", "Z"),
        }
        everything = (await client.get("/v1/me")).json()
        assert (everything["scopes"], everything["sources"], everything["expires_at"]) == (
            ["admin"],
            None,
            None,
        )
        for secret in ("two", "nobody"):
            refused = await client.get("/v1/me", headers={"authorization": f"Bearer {secret}"})
            assert (refused.status_code, refused.json()["code"]) == (401, "key_refused")
        assert (await client.get("/v1/me?x=1")).status_code == 422
