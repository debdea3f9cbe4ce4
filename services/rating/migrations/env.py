"""Alembic's entry for the schema `rating`."""

from services.rating.tables import metadata
from shared.postgres.alembic_env import run

run(metadata, schema="rating")
