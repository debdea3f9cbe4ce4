"""Alembic's entry: one history for the infrastructure schemas, its version table in `bus`."""

from shared.bus.tables import metadata
from shared.postgres.alembic_env import run

run(metadata, schema="bus")
