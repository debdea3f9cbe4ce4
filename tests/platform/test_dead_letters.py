"""`u2c dead-letters` as a person runs it: what was set aside is shown, and published again once."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import asyncpg

from shared.bus.dead_letters import DEAD
from shared.bus.postgres_log import PostgresLog
from shared.db import Database
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
        assert [(letter["group"], letter["offset"], letter["error"], letter["replayed_at"]) for letter in listed["data"]] == \
            [("billing", 7, "KeyError('versions')", None)]
        assert _u2c(database, tmp_path, "replay", "--group", "signals")["published"] == 0
        assert [_u2c(database, tmp_path, "replay")["published"] for _ in range(2)] == [1, 0]
        assert _u2c(database, tmp_path, "list")["data"] == [] and _u2c(database, tmp_path, "list", "--all")["data"][0]["replayed_at"]
        heads = await bus.heads(CONTRACTS.name)
        [partition] = [partition for partition, head in heads.items() if head]
        [record] = (await bus.read(CONTRACTS.name, partition, 0, 10)).records
        assert (record.key, record.value, record.headers) == (b"acme-2026", b'{"contract": "acme-2026"}', (("trace", b"t"),))
    finally:
        await bus.stop()
        await db.close()


async def test_a_person_sees_a_table(database: TestDatabase, tmp_path: Path) -> None:
    connection = await asyncpg.connect(database.admin_url)
    try:
        await connection.execute(DEAD, "signals", CONTRACTS.name, 0, 12, b"k", b"v", "{}", "DecodeError('JSON is malformed')", 1)
    finally:
        await connection.close()
    shown = _run(database, tmp_path, "list").stdout
    assert "DecodeError('JSON is malformed')" in shown.replace("\n", "") and "0: 12" in shown and "1 record" in shown


def _u2c(database: TestDatabase, state: Path, *words: str) -> Any:
    return json.loads(_run(database, state, *words, "--json").stdout)


def _run(database: TestDatabase, state: Path, *words: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-m", "u2c", "dead-letters", *words, "--admin-url", database.server_url, "--database", database.name],
        capture_output=True, text=True, timeout=60, env={**os.environ, "U2C_STATE": str(state), "COLUMNS": "160"})
    assert done.returncode == 0, done.stdout + done.stderr
    return done
