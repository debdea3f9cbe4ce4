"""Alembic's entry for the schema `console`."""

from services.console.tables import metadata
from shared.postgres.alembic_env import run

run(metadata, schema="console")
