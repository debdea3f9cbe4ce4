"""API keys: shown once, kept as hashes, scoped, rotated, revoked."""

import json
import os
import socket
import subprocess
import sys
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest

from services.usage_ingest.domain.secrets import hash_of, well_formed
from services.usage_ingest.keys import snapshots
from shared.db.unit_of_work import Database
from shared.runtime.clock import machine_now
from shared.topics.usage_ingest import ACCESS_KEYS
from shared.values.seats import SEATS
from tests.services.usage_ingest.circumstances import event
from tests.services.usage_ingest.conftest import Door
from tests.waiting import until
from u2c.deployment.state import ROOT


def made(door: Door, *scopes: str, **more: object) -> dict[str, Any]:
    """A fresh key, its secret included."""
    with door.client() as client:
        answer = client.post("/v1/keys", json={"name": "test key", "scopes": scopes, **more})
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


def status(door: Door, secret: str) -> int:
    with door.client(secret) as client:
        return int(client.post("/v1/events?dry_run=true", json=event()).status_code)


async def test_a_secret_is_shown_once_and_kept_nowhere(door: Door) -> None:
    key = made(door, "usage:write")
    assert well_formed(key["secret"]) and not well_formed(key["secret"][:-1] + "!")
    assert status(door, key["secret"]) == 202
    with door.client() as client:
        listed = client.get("/v1/keys?limit=200").json()["data"]
    assert key["secret"] not in json.dumps(listed)
    assert next(shown["prefix"] for shown in listed if shown["id"] == key["id"]) == key["secret"][:13]
    tables = await door.fetch(
        "select schemaname || '.' || tablename as name from pg_tables where schemaname in ('usage_ingest', 'bus')"
    )
    for table in tables:
        for spelling in (key["secret"], key["secret"].encode().hex()):  # columns of bytes show as hex
            held = await door.fetch(
                f"select 1 from {table['name']} t where t::text like '%' || $1 || '%'", spelling
            )
            assert held == [], table["name"]


async def test_other_services_are_told_of_every_change(door: Door) -> None:
    key = made(door, "invoices:read")
    with door.client() as client:
        assert client.post(f"/v1/keys/{key['id']}/revoke").json()["revoked"] is True

    async def told() -> bool:
        mine = [message for message in await door.read(ACCESS_KEYS) if message.key_id == key["id"]]
        return (
            len(mine) == 2
            and mine[0].hash == hash_of(key["secret"])
            and mine[1].revoked
            and mine[1].revision > mine[0].revision
        )

    await until(told)


async def test_keys_are_told_once_more_as_they_stand(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    """Read by a transaction of this test, that is never committed: the service here has told its own long
    ago."""
    monkeypatch.setattr(snapshots, "A_PAGE", 2)
    bound = made(door, "usage:write", sources=["shop"])
    db = Database(door.database.url("usage_ingest"), "usage_ingest", 2)
    await db.open()
    try:
        async with db.transaction() as uow:
            place, told = None, list[Any]()
            while not told or place is not None:
                _, place = await snapshots.keys(uow, place)
                told += [ACCESS_KEYS.decode(row.value) for row in uow._told[len(told) :]]
            uow._told.clear()
        rows = await db.pool.fetch("select key_id, revision, sources from usage_ingest.access_keys")
    finally:
        await db.close()
    assert sorted((key.key_id, key.revision, list(key.sources)) for key in told) == sorted(
        tuple(row) for row in rows
    )
    assert ["shop"] in [list(key.sources) for key in told if key.key_id == bound["id"]]


def test_a_revoked_key_is_refused_with_the_remedy(door: Door) -> None:
    key = made(door, "usage:write")
    with door.client() as client:
        assert client.post(f"/v1/keys/{key['id']}/revoke").status_code == 200
        assert client.post(f"/v1/keys/{key['id']}/revoke").status_code == 200, "again changes nothing"
        assert client.post(f"/v1/keys/{key['id']}/rotate", json={}).status_code == 409
    with door.client(key["secret"]) as client:
        answer = client.post("/v1/events", json=event())
    assert answer.status_code == 401
    assert "revoked" in answer.json()["detail"]


@pytest.mark.parametrize("secret", ["u2c_live_wrong", "\u00e9"])
def test_an_unknown_key_is_refused(door: Door, secret: str) -> None:
    answer = httpx2.post(
        f"{door.url}/v1/events",
        content=b"never read",
        headers=[(b"Authorization", f"Bearer {secret}".encode())],
        trust_env=False,
    )
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/v1/events"),
        ("POST", "/v1/events/void"),
        ("POST", "/v1/events/correct"),
        ("GET", "/v1/quarantine"),
        ("POST", "/v1/quarantine/replay"),
        ("GET", "/v1/receipts/door"),
        ("POST", "/v1/keys"),
        ("GET", "/v1/keys"),
    ],
)
def test_a_missing_scope_is_named(door: Door, method: str, path: str) -> None:
    key = made(door, "invoices:read")
    with door.client(key["secret"]) as client:
        answer = client.request(method, path, json={} if method == "POST" else None)
    assert answer.status_code == 403
    assert "lacks the scope" in answer.json()["detail"]


@pytest.mark.parametrize(
    "path",
    [
        "/v1/keys",
        "/v1/keys/key_x/rotate",
        "/v1/events",
        "/v1/quarantine/replay",
        "/v1/quarantine/qua_x/repair",
    ],
)
def test_the_key_is_asked_for_before_the_body_is_read(door: Door, path: str) -> None:
    """The rest of the body never comes: an answer there is one before it."""
    address = urlsplit(door.url)
    keys = {
        "": 401,
        "Authorization: Bearer u2c_live_wrong\r\n": 401,
        f"Authorization: Bearer {made(door, 'invoices:read')['secret']}\r\n": 403,
    }
    for header, status in keys.items():
        with socket.create_connection((address.hostname, address.port), timeout=60) as connection:
            head = f"POST {path} HTTP/1.1\r\nHost: x\r\n{header}Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n"
            connection.sendall(f"{head}{{".encode())
            assert connection.recv(4096).startswith(f"HTTP/1.1 {status} ".encode()), header
    refused = httpx2.post(
        f"{door.url}{path}", content=b"{bad", headers={"Content-Type": "application/json"}, trust_env=False
    )
    assert (refused.status_code, refused.json()["code"]) == (401, "key_missing")


def test_nobody_gives_away_what_they_do_not_hold(door: Door) -> None:
    keeper = made(door, "keys:write", "usage:write")
    with door.client(keeper["secret"]) as client:
        assert client.post("/v1/keys", json={"name": "x", "scopes": ["usage:write"]}).status_code == 201
        assert client.post("/v1/keys", json={"name": "x", "scopes": ["admin"]}).status_code == 403
        refused = client.post("/v1/keys", json={"name": "x", "scopes": ["contracts:write"]})
        assert refused.status_code == 403 and "contracts:write" in refused.json()["detail"]
        assert client.post("/v1/keys", json={"name": "x", "scopes": ["keys:write"]}).status_code == 201


@pytest.mark.parametrize(
    "wanted",
    [
        {"name": "x", "scopes": ["everything"]},
        {"name": "x", "scopes": []},
        {"name": "", "scopes": ["admin"]},
        {"name": "a\0", "scopes": ["admin"]},
        {"name": "x", "scopes": ["admin"], "expires_at": "2001-01-01T00:00:00Z"},
        {"name": "x", "scopes": ["admin"], "expires_at": "9999-12-31T23:59:59-23:00"},
        {"name": "x", "scopes": ["admin"], "extra": 1},
        {"name": "\ud800", "scopes": ["admin"]},
    ],
)
def test_a_key_that_cannot_be_is_refused(door: Door, wanted: dict[str, object]) -> None:
    with door.client() as client:
        assert (
            client.post(
                "/v1/keys", content=json.dumps(wanted), headers={"Content-Type": "application/json"}
            ).status_code
            == 422
        )


async def test_rotation_overlaps_and_then_only_the_new_key_works(door: Door) -> None:
    old = made(door, "usage:write")
    with door.client() as client:
        new = client.post(f"/v1/keys/{old['id']}/rotate", json={"overlap_s": 3600}).json()
    assert (new["name"], new["scopes"], new["replaces"]) == ("test key", ["usage:write"], old["id"])
    assert (status(door, old["secret"]), status(door, new["secret"])) == (202, 202)
    with door.client() as client:
        newest = client.post(f"/v1/keys/{new['id']}/rotate", json={"overlap_s": 0}).json()
    assert (status(door, new["secret"]), status(door, newest["secret"])) == (401, 202)


def test_a_key_with_an_expiry_is_rotated_into_as_long_a_life(door: Door) -> None:
    old = made(door, "usage:write", expires_at=(machine_now() + timedelta(hours=1)).isoformat())
    with door.client() as client:
        new = client.post(f"/v1/keys/{old['id']}/rotate", json={}).json()
    assert new["expires_at"] is not None
    with door.client() as client:
        assert client.post("/v1/keys/key_nobody/rotate", json={}).status_code == 404


async def test_a_key_carries_seats_which_others_are_told_and_its_successor_keeps(door: Door) -> None:
    key = made(door, "usage:read", seats=["cfo", "deal-desk", "cfo"])
    assert key["seats"] == ["cfo", "deal-desk"]
    with door.client() as client:
        listed = client.get("/v1/keys?limit=200").json()["data"]
        assert next(shown["seats"] for shown in listed if shown["id"] == key["id"]) == ["cfo", "deal-desk"]
        assert client.post(f"/v1/keys/{key['id']}/rotate", json={}).json()["seats"] == ["cfo", "deal-desk"]

    async def told() -> bool:
        messages = await door.read(ACCESS_KEYS)
        return [message.seats for message in messages if message.key_id == key["id"]] == [
            ("cfo", "deal-desk")
        ] * 2

    await until(told)


def test_an_unknown_seat_is_refused_by_its_name(door: Door) -> None:
    with door.client() as client:
        refused = client.post("/v1/keys", json={"name": "x", "scopes": ["usage:read"], "seats": ["sales"]})
    assert (refused.status_code, refused.json()["code"]) == (422, "seat_unknown")
    assert "'sales'" in refused.json()["detail"] and all(seat in refused.json()["detail"] for seat in SEATS)


def test_nobody_hands_out_a_seat_they_do_not_carry(door: Door) -> None:
    maker = made(door, "keys:write", "usage:read", seats=["cfo"])
    wanted = {"name": "x", "scopes": ["usage:read"]}
    with door.client(maker["secret"]) as client:
        assert client.post("/v1/keys", json=wanted | {"seats": ["cfo"]}).status_code == 201
        refused = client.post("/v1/keys", json=wanted | {"seats": ["cfo", "deal-desk"]})
        assert (refused.status_code, refused.json()["code"]) == (403, "seat_not_yours")
        other = made(door, "usage:read", seats=["deal-desk"])
        assert client.post(f"/v1/keys/{other['id']}/revoke").json()["code"] == "seat_not_yours"


def test_the_command_line_makes_a_key_with_a_seat_and_says_which_there_are(door: Door) -> None:
    def run(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [
                sys.executable,
                "-m",
                "services.usage_ingest.main",
                "create-key",
                "by hand",
                "usage:read",
                *words,
            ],
            env={**os.environ, "U2C_DATABASE_URL": door.database.url("usage_ingest")},
            cwd=ROOT,
            capture_output=True,
            text=True,
        )

    secret = run("--seat", "cfo", "--seat", "deal-desk").stdout.strip()
    with door.client() as client:
        [key] = [
            key
            for key in client.get("/v1/keys?limit=200").json()["data"]
            if key["name"] == "by hand" and secret.startswith(key["prefix"])
        ]
        rows = client.get("/v1/audit", params={"object": "key", "object_id": key["id"]}).json()["data"]
    assert key["seats"] == ["cfo", "deal-desk"]
    assert [(row["actor"], row["key"], row["verb"], row["after"]["seats"]) for row in rows] == [
        ("command line", None, "create_key", ["cfo", "deal-desk"])
    ]
    refused = run("--seat", "sales")
    assert refused.returncode == 1 and "'sales'; the seats are" in refused.stderr


def test_the_documents_name_the_seats_there_are() -> None:
    text = " ".join((ROOT / "docs" / "security.md").read_text(encoding="utf-8").split())
    assert f"{', '.join(f'`{seat}`' for seat in SEATS[:-1])} and `{SEATS[-1]}`" in text
