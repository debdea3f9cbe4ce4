"""`u2c dead-letters` as a person runs it: what was set aside is shown, published again once, or discarded by
name and for good."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from shared.bus.dead_letters import DEAD
from shared.bus.postgres_log import PostgresLog
from shared.db.unit_of_work import Database
from shared.topics.rating import CONTRACTS
from tests.conftest import TestDatabase


async def test_letters_are_listed_and_replayed_once(database: TestDatabase, tmp_path: Path) -> None:
    db = Database(database.admin_url, "bus")
    await db.open()
    bus = PostgresLog(db.pool)
    await bus.start()
    try:
        letter = b"acme-2026", b'{"contract": "acme-2026"}', {"trace": "t"}
        await db.pool.execute(DEAD, "billing", CONTRACTS.name, 1, 7, *letter, "KeyError('versions')", 3)
        listed = _u2c(database, tmp_path, "list")
        assert [
            (letter["group"], letter["offset"], letter["error"], letter["replayed_at"])
            for letter in listed["data"]
        ] == [("billing", 7, "KeyError('versions')", None)]
        assert _u2c(database, tmp_path, "replay", "--group", "signals")["published"] == 0
        assert [_u2c(database, tmp_path, "replay")["published"] for _ in range(2)] == [1, 0]
        assert (
            _u2c(database, tmp_path, "list")["data"] == []
            and _u2c(database, tmp_path, "list", "--all")["data"][0]["replayed_at"]
        )
        heads = await bus.heads(CONTRACTS.name)
        [partition] = [partition for partition, head in heads.items() if head]
        [record] = (await bus.read(CONTRACTS.name, partition, 0, 10)).records
        assert (record.key, record.value, record.headers) == (
            b"acme-2026",
            b'{"contract": "acme-2026"}',
            (("trace", b"t"),),
        )
    finally:
        await bus.stop()
        await db.close()


async def test_a_person_sees_a_table(database: TestDatabase, tmp_path: Path) -> None:
    connection = await asyncpg.connect(database.admin_url)
    try:
        await connection.execute(
            DEAD, "signals", CONTRACTS.name, 0, 12, b"k", b"v", "{}", "DecodeError('JSON is malformed')", 1
        )
    finally:
        await connection.close()
    shown = _run(database, tmp_path, "list").stdout
    assert (
        "DecodeError('JSON is malformed')" in shown.replace("\n", "")
        and "signals/contracts.versions/0/12/0" in shown
        and "1 record" in shown
    )


async def test_what_is_discarded_keeps_its_bytes_and_says_who_and_why(
    database: TestDatabase, tmp_path: Path
) -> None:
    admin = await asyncpg.connect(database.admin_url)
    try:
        for offset in (7, 8):
            await admin.execute(
                DEAD,
                "rating",
                "usage.events",
                3,
                offset,
                b"a\0b",
                b"\xff\xfe",
                "{}",
                "DecodeError('no JSON')",
                1,
            )
        refused = _try(
            database,
            tmp_path,
            "discard",
            "rating/usage.events/3/7/0",
            "rating/usage.events/3/9/0",
            "--reason",
            "a probe",
        )
        assert refused.returncode == 1 and "rating/usage.events/3/9/0 is not open" in refused.stderr.replace(
            "\n", " "
        )
        assert len(_u2c(database, tmp_path, "list")["data"]) == 2, "all of them, or none"
        told = _u2c(
            database,
            tmp_path,
            "discard",
            "rating/usage.events/3/7/0",
            "--reason",
            "a probe of ours",
            "--by",
            "ann",
        )
        assert told["discarded"] == 1
        [left] = _u2c(database, tmp_path, "list")["data"]
        assert left["name"] == "rating/usage.events/3/8/0"
        [gone] = [
            letter for letter in _u2c(database, tmp_path, "list", "--all")["data"] if letter["discarded"]
        ]
        assert (gone["name"], gone["discarded"]["by"], gone["discarded"]["reason"]) == (
            "rating/usage.events/3/7/0",
            "ann",
            "a probe of ours",
        )
        assert await admin.fetchval("select value from bus.dead_letters where offset_ = 7") == b"\xff\xfe"
        assert (
            _try(database, tmp_path, "discard", "rating/usage.events/3/7/0", "--reason", "again").returncode
            == 1
        )
        with pytest.raises(asyncpg.RaiseError, match="history"):
            await admin.execute("update bus.dead_letters set discard_reason = 'another' where offset_ = 7")
    finally:
        await admin.close()


async def test_events_of_one_record_are_letters_of_their_own(database: TestDatabase, tmp_path: Path) -> None:
    """Their key is (group, topic, partition, offset, index): discarding one leaves its neighbours open."""
    admin = await asyncpg.connect(database.admin_url)
    try:
        await admin.execute(DEAD, "usage_ingest", "usage.raw", 0, 5, b"", b"first", "{}", "broken", 1)
        await admin.execute("""insert into bus.dead_letters (grp, topic, partition, offset_, index_, key,
            value, error, batch_id)
            values ('usage_ingest', 'usage.raw', 0, 5, 1, '', 'second', 'broken', 1)""")
        _u2c(database, tmp_path, "discard", "usage_ingest/usage.raw/0/5/1", "--reason", "no event")
        assert [
            (letter["index"], letter["value"]) for letter in _u2c(database, tmp_path, "list")["data"]
        ] == [(0, "first")]
    finally:
        await admin.close()


@pytest.mark.parametrize(
    "words",
    [
        ("usage.events/3/7", "--reason", "x"),
        ("rating/usage.events/3/7/0", "--reason", " "),
        ("rating/usage.events/3/7/0",),
    ],
)
def test_a_discard_wants_a_name_and_a_reason(
    database: TestDatabase, tmp_path: Path, words: tuple[str, ...]
) -> None:
    assert _try(database, tmp_path, "discard", *words).returncode == 2


def _u2c(database: TestDatabase, state: Path, *words: str) -> Any:
    return json.loads(_run(database, state, *words, "--json").stdout)


def _run(database: TestDatabase, state: Path, *words: str) -> subprocess.CompletedProcess[str]:
    done = _try(database, state, *words)
    assert done.returncode == 0, done.stdout + done.stderr
    return done


def _try(database: TestDatabase, state: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [
            sys.executable,
            "-m",
            "u2c",
            "dead-letters",
            *words,
            "--admin-url",
            database.server_url,
            "--database",
            database.name,
        ],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "U2C_STATE": str(state), "COLUMNS": "160"},
    )
