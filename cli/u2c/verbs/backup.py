"""`u2c backup DIR`: a consistent copy of a deployment's book while it runs."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from u2c.backup.manifest import Manifest
from u2c.backup.taking import take
from u2c.deployment.book import AdminUrl, DatabaseName, book_url, server
from u2c.deployment.state import State
from u2c.printing import AsJson, console, print_json


def command(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="A new folder: a backup never replaces another")
    ],
    admin_url: AdminUrl = None,
    database: DatabaseName = None,
    as_json: AsJson = False,
) -> None:
    """Back up the whole book in one snapshot, while everything runs. Secrets are not in it:
    docs/operations.md says what to keep apart."""
    words = console(as_json)
    with server(admin_url) as server_url, words.status("backing up ..."):
        manifest = asyncio.run(_take(server_url, database, folder))
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    if as_json:
        print_json(
            {
                "object": "backup",
                "folder": str(folder),
                "database": manifest.database,
                "taken_at": manifest.taken_at,
                "bus": manifest.bus,
                "bytes": size,
            }
        )
    else:
        words.print(
            f"{manifest.database} as of {manifest.taken_at} is in {folder}, {size / 1e6:,.1f} MB.",
            highlight=False,
            soft_wrap=True,
        )
        words.print(
            "Keep the deployment's secret elsewhere: without it webhooks' secrets cannot be opened (docs/operations.md).",
            soft_wrap=True,
        )


async def _take(server_url: str, database: str | None, folder: Path) -> Manifest:
    return await take(await book_url(server_url, database), folder, State.default().secret())
