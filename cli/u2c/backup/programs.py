"""pg_dump and pg_restore, as the wheel or the system has them."""

import asyncio
from pathlib import Path
from urllib.parse import unquote, urlsplit

from shared.environment_fault import EnvironmentFault
from shared.postgres import binaries
from shared.postgres.urls import without_password

JOBS = 2


async def dump(url: str, folder: Path, snapshot: str | None = None) -> None:
    """Write the database that `url` names into `folder` (made anew), as it is in one snapshot, whatever is
    written meanwhile."""
    exported = (f"--snapshot={snapshot}",) if snapshot else ()
    await _run(
        "pg_dump", url, "--format=directory", f"--jobs={JOBS}", "--compress=1", f"--file={folder}", *exported
    )


async def restore(url: str, folder: Path) -> None:
    """Fill the empty database that `url` names from a dump."""
    await _run("pg_restore", url, "--exit-on-error", f"--jobs={JOBS}", str(folder))


async def _run(program: str, url: str, *arguments: str) -> None:
    parts = urlsplit(url)
    environment = {"PGPASSWORD": unquote(parts.password or ""), "PATH": "/usr/bin:/bin"}
    login = ("--username", unquote(parts.username or ""), "--dbname", unquote(parts.path[1:]))
    place = ("--host", parts.hostname or "", "--port", str(parts.port or 5432), *login)
    process = await asyncio.create_subprocess_exec(
        _found(program),
        *place,
        *arguments,
        env=environment,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        _, told = await process.communicate()
    except asyncio.CancelledError:
        process.kill()
        await process.wait()
        raise
    if process.returncode != 0:
        raise EnvironmentFault(
            f"{program} of {without_password(url)} failed: {told.decode(errors='replace').strip()[-1500:]}",
            "A newer server needs programs of its own version: install its client programs (Debian: postgresql-client).",
        )


def _found(program: str) -> str:
    path = binaries.find().program(program)
    if not Path(path).is_file():
        raise EnvironmentFault(
            f"There is no {program} beside the Postgres server programs.",
            "Debian: apt-get install postgresql-client",
        )
    return path
