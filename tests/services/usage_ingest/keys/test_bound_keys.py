"""A key gives away no more than it has: neither life nor sources; and what it is bound to, it cannot
leave."""

from datetime import timedelta
from typing import Any

import pytest

from shared.runtime.clock import machine_now
from tests.services.usage_ingest.circumstances import event
from tests.services.usage_ingest.conftest import Door
from tests.services.usage_ingest.keys.test_keys import made
from tests.waiting import until


def named(source: str, id: str = "e-1", **more: Any) -> dict[str, Any]:
    return {**event(), "source": source, "id": id, **more}


def in_an(hour: int) -> str:
    return (machine_now() + timedelta(hours=hour)).isoformat()


@pytest.mark.parametrize("wanted", [{}, {"expires_at": in_an(3)}])
def test_a_key_that_expires_makes_none_that_lives_longer(door: Door, wanted: dict[str, str]) -> None:
    short = made(door, "keys:write", "usage:write", expires_at=in_an(2))
    with door.client(short["secret"]) as client:
        refused = client.post("/v1/keys", json={"name": "x", "scopes": ["usage:write"], **wanted})
        assert (refused.status_code, refused.json()["code"]) == (
            403,
            "expiry_not_yours",
        ) and "expires_at" in refused.json()["detail"]
        assert (
            client.post(
                "/v1/keys", json={"name": "x", "scopes": ["usage:write"], "expires_at": in_an(1)}
            ).status_code
            == 201
        )


def test_a_key_that_expires_rotates_none_into_a_longer_life_not_even_itself(door: Door) -> None:
    short, endless = made(door, "keys:write", "usage:write", expires_at=in_an(2)), made(door, "usage:write")
    brief = made(door, "usage:write", expires_at=in_an(1))
    with door.client(short["secret"]) as client:
        assert (
            client.post(f"/v1/keys/{short['id']}/rotate", json={"expires_at": in_an(5)}).json()["code"]
            == "expiry_not_yours"
        )
        assert (
            client.post(f"/v1/keys/{endless['id']}/rotate", json={"expires_at": in_an(1)}).json()["code"]
            == "expiry_not_yours"
        ), "it would end it"
        assert (
            client.post(f"/v1/keys/{brief['id']}/rotate", json={"expires_at": in_an(3)}).json()["code"]
            == "expiry_not_yours"
        )
        assert client.post(f"/v1/keys/{brief['id']}/rotate", json={"expires_at": in_an(1)}).status_code == 201
        assert client.post(f"/v1/keys/{short['id']}/rotate", json={"expires_at": in_an(1)}).status_code == 201


async def test_a_bound_key_sends_voids_and_corrects_its_sources_only(door: Door) -> None:
    bound = made(door, "usage:write", sources=["bound-a", "bound-b"])
    assert bound["sources"] == ["bound-a", "bound-b"]
    bare = {"source": "bound-c", "id": "e-1"}
    with door.client(bound["secret"]) as client:
        assert client.post("/v1/events", json=[named("bound-a"), named("bound-b")]).status_code == 202
        for path, body in (
            ("/v1/events", [named("bound-a", "e-2"), named("bound-c")]),
            ("/v1/events?dry_run=true", named("bound-c")),
            ("/v1/events", named("bound-c", time="yesterday")),
            ("/v1/events/void", bare),
            ("/v1/events/correct", {**bare, "event": named("bound-a", "e-3")}),
            ("/v1/events/correct", {"source": "bound-a", "id": "e-1", "event": named("bound-c", "e-3")}),
        ):
            refused = client.post(path, json=body)
            assert (refused.status_code, refused.json()["code"]) == (403, "source_not_yours"), (path, body)
            assert (
                "bound-a" in refused.json()["detail"] and refused.json()["errors"][0]["detail"] == "'bound-c'"
            )
        assert client.post("/v1/events/void", json={"source": "bound-a", "id": "e-1"}).status_code == 202
    assert {message.id for message in await door.usage("bound-a")} == {"e-1"}, (
        "a refused request leaves nothing"
    )
    assert await door.usage("bound-c") == []
    with door.client() as client:
        assert client.post("/v1/events", json=named("bound-c")).status_code == 202, (
            "a key that is not bound is as ever"
        )


async def test_a_bound_key_resolves_only_what_its_sources_left_in_quarantine(door: Door) -> None:
    bound = made(door, "usage:write", "usage:read", sources=["bound-d"])
    with door.client() as client:
        assert (
            client.post(
                "/v1/events", json=[named("bound-d", time="never"), named("bound-e", time="never")]
            ).json()["quarantined"]
            == 2
        )

    async def kept() -> Any:
        with door.client() as client:
            rows = [
                client.get("/v1/quarantine", params={"source": source}).json()["data"]
                for source in ("bound-d", "bound-e")
            ]
        return [found[0]["quarantine_id"] for found in rows] if all(rows) else None

    await until(kept)
    mine, theirs = await kept()
    with door.client(bound["secret"]) as client:
        for verb, body in (
            ("discard", {"reason": "x"}),
            ("replay", {}),
            ("repair", {"event": named("bound-e", "e-9")}),
        ):
            refused = client.post(f"/v1/quarantine/{theirs}/{verb}", json=body)
            assert (refused.status_code, refused.json()["code"]) == (403, "source_not_yours"), verb
        assert (
            client.post(f"/v1/quarantine/{mine}/repair", json={"event": named("bound-e", "e-9")}).json()[
                "code"
            ]
            == "source_not_yours"
        )
        assert client.post("/v1/quarantine/replay", json={}).status_code == 403
        assert client.post("/v1/quarantine/replay", json={"source": "bound-d"}).status_code == 200
        assert (
            client.post(f"/v1/quarantine/{mine}/discard", json={"reason": "x"}).json()["status"]
            == "discarded"
        )
    assert await door.usage("bound-e") == []


def test_a_bound_key_makes_rotates_and_ends_only_keys_bound_within_it(door: Door) -> None:
    keeper, other = (
        made(door, "keys:write", "usage:write", sources=["bound-f", "bound-g"]),
        made(door, "usage:write", sources=["bound-h"]),
    )
    with door.client(keeper["secret"]) as client:
        for sources in (None, ["bound-f", "bound-h"]):
            refused = client.post(
                "/v1/keys", json={"name": "x", "scopes": ["usage:write"], "sources": sources}
            )
            assert (refused.status_code, refused.json()["code"]) == (403, "source_not_yours")
        inner = client.post("/v1/keys", json={"name": "x", "scopes": ["usage:write"], "sources": ["bound-g"]})
        assert inner.json()["sources"] == ["bound-g"]
        assert client.post(f"/v1/keys/{inner.json()['id']}/rotate", json={}).json()["sources"] == [
            "bound-g"
        ], "a rotated key stays bound"
        for verb in ("rotate", "revoke"):
            assert client.post(f"/v1/keys/{other['id']}/{verb}", json={}).status_code == 403
    with door.client() as client:
        for sources in ([], [""], ["a\0"], ["x" * 2000]):
            assert (
                client.post(
                    "/v1/keys", json={"name": "x", "scopes": ["usage:write"], "sources": sources}
                ).status_code
                == 422
            ), sources


async def test_the_sources_of_a_key_are_told_and_survive_its_revocation(door: Door) -> None:
    from shared.topics.usage_ingest import ACCESS_KEYS

    key = made(door, "usage:write", sources=["bound-i"])
    with door.client() as client:
        client.post(f"/v1/keys/{key['id']}/revoke")

    async def told() -> bool:
        mine = [message for message in await door.read(ACCESS_KEYS) if message.key_id == key["id"]]
        return len(mine) == 2 and {message.sources for message in mine} == {("bound-i",)}

    await until(told)
