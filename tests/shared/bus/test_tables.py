"""The infrastructure tables as described in code and as migrated."""

import pytest
from sqlalchemy import Column, Integer, MetaData

from shared.bus.tables import metadata
from shared.postgres.migrations import differences
from tests.conftest import TestDatabase

SCHEMAS = pytest.mark.parametrize("schema", ["bus", "clock"])


@SCHEMAS
async def test_the_tables_described_are_the_tables_migrated(database: TestDatabase, schema: str) -> None:
    assert await differences(database.admin_url, described(schema), schema) == []


@SCHEMAS
async def test_a_column_that_was_not_migrated_is_found(database: TestDatabase, schema: str) -> None:
    more = described(schema)
    next(iter(more.tables.values())).append_column(Column("forgotten", Integer))
    assert "forgotten" in str(await differences(database.admin_url, more, schema))


def described(schema: str) -> MetaData:
    """The tables of one schema: one history covers both, a comparison sees one."""
    made = MetaData(schema=schema)
    for table in metadata.tables.values():
        if table.schema == schema:
            table.to_metadata(made)
    return made
