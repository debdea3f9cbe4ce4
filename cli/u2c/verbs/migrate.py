"""`u2c migrate`: roles, schemas and tables brought to what the code needs; safe to run at any time, by
several at once."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from shared.postgres.embedded import EmbeddedPostgres
from shared.postgres.migrations import migrate_all
from shared.postgres.setup import create_roles_and_schemas
from u2c.deployment.kafka_users import admit_users, kafka_access
from u2c.deployment.keys import ensure_derived_keys
from u2c.deployment.secrets import write_secrets
from u2c.deployment.state import State
from u2c.printing import AsJson, console, folding, print_json
from u2c.settings import default, flag


def command(
    admin_url: Annotated[str | None, flag("admin_url", "--database-url", "--admin-url")] = default(
        "admin_url"
    ),
    database: Annotated[str, flag("database")] = default("database"),
    keys: Annotated[
        bool,
        typer.Option(
            "--keys", help="Make the first API keys too, derived from U2C_SECRET; --json prints them"
        ),
    ] = False,
    secrets: Annotated[
        Path | None,
        typer.Option(
            "--secrets", help="With --keys: write each service's own secrets here, a folder a service"
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Create what is missing and migrate every schema to head, and on a Kafka that asks who speaks
    (U2C_KAFKA_… of its administrator) make topics, users and rights. Prints each schema's revision.
    """
    if secrets is not None and not keys:
        raise typer.BadParameter("only with --keys, which makes what is written", param_hint="--secrets")
    state = State.default()
    server = EmbeddedPostgres(state.folder) if admin_url is None else None
    try:
        url = server.start().admin_url if server else str(admin_url)
        revisions, made, products = asyncio.run(_migrate(url, database, state.secret(), keys, secrets))
    finally:
        if server:
            server.stop()
    if as_json:
        told = {"database": database, "revisions": revisions}
        print_json(told | ({"keys": made} if keys else {}) | ({"kafka": products} if products else {}))
        return
    table = folding("schema", "revision")
    for schema, revision in revisions.items():
        table.add_row(schema, revision)
    console().print(table)


async def _migrate(
    admin_url: str,
    database: str,
    secret: str,
    keys: bool,
    secrets: Path | None,
) -> tuple[dict[str, str], dict[str, str], dict[str, str]]:
    """Revision by schema, API key by name, and the login by which products write to a broker that asks."""
    url = await create_roles_and_schemas(admin_url, database, secret)
    revisions = await migrate_all(url, secret)
    products = await admit_users(kafka_access(), secret)
    made = await ensure_derived_keys(url, secret) if keys else {}
    if secrets is not None:
        write_secrets(secrets, url, secret, made)
    return revisions, made, products
