"""Alembic's entry for the schema `signals`."""

from services.signals.tables import metadata
from shared.postgres.alembic_env import run

run(metadata, schema="signals")
