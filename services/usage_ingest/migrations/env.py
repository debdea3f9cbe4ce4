"""Alembic's entry for the schema `usage_ingest`."""

from services.usage_ingest.tables import metadata
from shared.postgres.alembic_env import run

run(metadata, schema="usage_ingest")
