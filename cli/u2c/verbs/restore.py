"""`u2c restore DIR --database NAME`: a backup as a new database."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from u2c.backup.manifest import read
from u2c.backup.restoring import Restored, put_back
from u2c.deployment.book import BROKERS, AdminUrl, Brokers, own_server
from u2c.deployment.kafka_users import kafka_access
from u2c.deployment.state import State
from u2c.printing import AsJson, console, print_json
from u2c.settings import CommandSettings

SHOWN_MAX = 20
NAME = next(
    rule.pattern
    for rule in CommandSettings.model_fields["database"].metadata
    if getattr(rule, "pattern", None)
)


def command(
    folder: Annotated[
        Path, typer.Argument(exists=True, file_okay=False, metavar="DIR", help="What ./u2c backup made")
    ],
    database: Annotated[str, typer.Option(help="A name that is not taken yet")],
    admin_url: AdminUrl = None,
    kafka_brokers: Brokers = BROKERS,
    as_json: AsJson = False,
) -> None:
    """Check the backup, fill a new database with it, and bring it to this version. Stop the old deployment
    first; then: ./u2c up --database NAME"""
    words = console(as_json)
    with words.status("checking the backup ..."):
        manifest = read(folder)
    with own_server(admin_url) as server_url, words.status(f"restoring into {database} ..."):
        restored = asyncio.run(
            put_back(
                manifest, folder, server_url, database, State.default().secret(), kafka_access(kafka_brokers)
            )
        )
    if as_json:
        print_json(
            {
                "object": "restore",
                "database": database,
                "taken_at": manifest.taken_at,
                "bus": manifest.bus,
                "consumed_again": restored.again,
                "reissued": restored.reissued,
                "secrets_can_be_opened": restored.sealed,
            }
        )
    else:
        _show(restored, words)


def _show(restored: Restored, words: Console) -> None:
    manifest = restored.manifest
    words.print(
        f"{restored.database} is {manifest.database} as of {manifest.taken_at}.",
        highlight=False,
        soft_wrap=True,
    )
    if manifest.bus == "kafka":
        words.print(
            f"{restored.again:,} records since then lie on the bus and are consumed again.",
            highlight=False,
            soft_wrap=True,
        )
    if restored.reissued:
        listed = ", ".join(restored.reissued[:SHOWN_MAX]) + (
            " …" if len(restored.reissued) > SHOWN_MAX else ""
        )
        words.print(
            f"{len(restored.reissued):,} documents issued since then come anew under new numbers; withdraw these: {listed}",
            soft_wrap=True,
        )
    if not restored.sealed:
        words.print(
            "This is not the secret the backup was made with: webhooks' secrets cannot be opened. Put the old one in place (U2C_SECRET) and "
            "restore again, or set the endpoints up anew.",
            style="bold yellow",
            soft_wrap=True,
        )
    words.print(
        "People sign in anew, by the names, roles and passwords of then: ./u2c console user list says who may.",
        soft_wrap=True,
    )
    words.print(
        f"Start it: ./u2c up --database {restored.database} --bus {manifest.bus}",
        highlight=False,
        soft_wrap=True,
    )
