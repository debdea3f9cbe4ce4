"""Alembic's entry for the schema `billing`."""

from services.billing.tables import metadata
from shared.postgres.alembic_env import run

run(metadata, schema="billing")
