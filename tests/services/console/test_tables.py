"""The described tables are the migrated ones."""

from services.console.tables import metadata
from shared.postgres.migrations import differences
from tests.conftest import TestDatabase


async def test_the_migrated_database_is_what_the_tables_say(database: TestDatabase) -> None:
    assert await differences(database.admin_url, metadata, "console") == []
