"""The described tables are the migrated ones."""

from shared.postgres.migrations import differences, metadata_of, migrate_all
async def test_tables(database):
    from services.rating.tables import metadata
    found = await differences(database.admin_url, metadata, "rating")
    assert found == [], found
