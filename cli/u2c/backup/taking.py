"""Take a backup: one snapshot of the whole database while everything runs, written aside and renamed when it
is whole."""

import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg

from shared.environment_fault import EnvironmentFault
from shared.postgres.migrations import revision, schemas
from u2c.backup.manifest import BOOK, Manifest, digests, secret_digest, write
from u2c.backup.programs import dump
from u2c.deployment.book import connected


async def take(url: str, folder: Path, secret: str) -> Manifest:
    """Back up the book that `url` names into `folder`, which must not be there yet or be empty. What fails
    leaves nothing behind."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise EnvironmentFault(
            f"{folder} is there already, and not empty.",
            "Name a new folder: a backup never replaces another.",
        )
    aside = folder.with_name(f"{folder.name}.partial")
    if aside.exists():
        raise EnvironmentFault(
            f"{aside} is there: a backup is under way, or was broken off.", f"When none is: rm -r {aside}"
        )
    aside.mkdir(mode=0o700, parents=True)
    try:
        manifest = await _take(url, aside, secret)
        write(aside, manifest)
        if folder.exists():
            folder.rmdir()
        aside.rename(folder)
    except BaseException:
        shutil.rmtree(aside, ignore_errors=True)
        raise
    return manifest


async def _take(url: str, aside: Path, secret: str) -> Manifest:
    connection = await connected(url)
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            snapshot: str = await connection.fetchval("select pg_export_snapshot()")
            said = await _said(connection)
            await dump(url, aside / BOOK, snapshot)
        return Manifest(
            database=url.rpartition("/")[2],
            secret_digest=secret_digest(secret),
            files=digests(aside / BOOK),
            **said,
        )
    finally:
        await connection.close()


async def _said(connection: asyncpg.Connection) -> dict[str, Any]:
    """What the snapshot says of bus, positions and migrations."""
    bus = await connection.fetchrow("select kind, cluster_id from bus.cluster")
    positions: dict[str, dict[str, dict[str, int]]] = {}
    for row in await connection.fetch(
        "select grp, topic, partition, position from bus.positions order by 1, 2, 3"
    ):
        positions.setdefault(row["grp"], {}).setdefault(row["topic"], {})[str(row["partition"])] = row[
            "position"
        ]
    return {
        "taken_at": datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        "bus": bus["kind"] if bus else "postgres",
        "cluster_id": bus["cluster_id"] if bus else "",
        "server": await connection.fetchval("show server_version"),
        "positions": positions,
        "migrations": {schema: await revision(connection, schema) or "" for schema in schemas()},
    }
